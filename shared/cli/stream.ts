import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { kafkaConnection } from '../config/index.ts'
import { onCredentialNews } from '../credentials/fresh.ts'
import type { AnyStream } from '../engine/stream.ts'
import { scopeOf } from '../engine/seal.ts'
import { runStream } from '../engine/stream-replica.ts'
import { reeveTopics } from '../engine/topics.ts'
import { openHttp } from '../http/server.ts'
import { telemetryRoutes } from '../http/telemetry.ts'
import { openKafka } from '../kafka/index.ts'
import { openNotifier } from '../notify/index.ts'
import type { Backlog } from '../notify/outbox.ts'
import { openLog } from '../telemetry/log.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import type { AddCommand } from './command.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import { type Cli, type GlobalOptions, reach, readConfig } from './session.ts'
import { engineSettings } from './settings.ts'

/** `reeve stream NAME`: one stream of the catalogue for one cluster, in a process and with a principal of its own, until the signal. */
async function stream(cli: Cli, options: GlobalOptions, name: string): Promise<void> {
  const config = readConfig(cli, options)
  const found = streamCalled(cli.streams, name)
  const configured = config.agents[name]
  if (!configured?.enabled) throw new CommandFailure(exitCodes.configuration, `${name} is off: name it under agents to run it`)
  const log = openLog({ level: config.log.level })
  const holder = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`
  const metrics = openMetrics()
  const { times } = engineSettings(config, holder)
  const ours = metrics.cluster(config.cluster.name)
  const meter = ours.stream({ name, leaseMs: times.takeOverAfterMs, measures: found.measures ?? [] })
  const status = { role: 'starting', stream: name }
  const http = await openHttp({ ...config.http, routes: telemetryRoutes({ metrics, clusters: () => ({ [config.cluster.name]: status }) }), log })
  const deaf = onCredentialNews(({ event, what, reason }) => {
    if (event === 'changed') log.info({ what }, 'a credential changed: new connections take the new one')
    else log.warn({ what, reason }, 'a credential cannot be read anew: the old one is used on')
  })
  try {
    const kafka = await reach(() => openKafka(kafkaConnection(config, name)), config)
    try {
      const { clusterId } = await reach(() => kafka.admin.features(), config)
      let backlog: (() => Backlog) | null = null
      meter.notices(() => backlog?.().waiting ?? null)
      ours.read({ kafka: () => [{ client: name, ...kafka.counts() }], backlog: () => backlog?.() ?? null })
      log.info({ holder, clusterId, http: http.address, stream: name }, 'Reeve starts')
      await runStream(
        {
          clusterId,
          kafka,
          prefix: config.topics.prefix,
          holder,
          log: log.child({ cluster: config.cluster.name, stream: name }),
          stream: found,
          policy: configured.policy,
          times,
          meter,
          notifier: openNotifier({ config, scope: scopeOf(clusterId, reeveTopics(config.topics.prefix)), log }),
          // Who leads the agents is another question, and has its metric.
          onRole(role) {
            status.role = role
            meter.role(role === 'leader')
            if (role !== 'leader') backlog = null
          },
          onLost: kind => meter.lost(kind),
          onOutbox: read => void (backlog = read),
          onStep: step => meter.step(step)
        },
        cli.signal
      )
    } finally {
      await kafka.close()
    }
  } finally {
    deaf()
    await http.close()
  }
}

function streamCalled(streams: readonly AnyStream[], name: string): AnyStream {
  const found = streams.find(each => each.name === name)
  if (found) return found
  throw new CommandFailure(exitCodes.usage, `no stream is called ${name}; there are: ${streams.map(each => each.name).join(', ')}`)
}

export const addStream: AddCommand = (reeve, { cli, global }) => {
  reeve
    .command('stream <name>')
    .description('Run one stream, such as audit-mirror, in a process of its own, until stopped.')
    .action(name => stream(cli, global(), name))
}
