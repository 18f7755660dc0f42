import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { onCredentialNews } from '../credentials/fresh.ts'
import type { Hearing } from '../http/asker.ts'
import { peoplesRoutes } from '../http/index.ts'
import { openHttp } from '../http/server.ts'
import { telemetryRoutes } from '../http/telemetry.ts'
import { openLog } from '../telemetry/log.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import { keepHeapSmall } from './heap.ts'
import { type ClusterStatus, govern, type Governing, type RunHooks } from './govern.ts'
import { type Cli, type GlobalOptions, readConfigs } from './session.ts'

const unreachableAgainMs = 10_000

/** `reeve run`: one process for every cluster of the configuration, until the signal. */
export async function run(cli: Cli, options: GlobalOptions, hooks: RunHooks = {}): Promise<void> {
  const configs = readConfigs(cli, options)
  keepHeapSmall()
  const { http: port, log: logging } = configs[0]!
  const log = openLog({ level: logging.level })
  const holder = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`
  const metrics = openMetrics()
  const taken = new Map<string, string>()
  const hearings = new Map<string, Hearing>()
  const governed = configs.map((config): Governing => {
    const status: ClusterStatus = { role: 'starting', queue: () => null, agents: {} }
    const { name } = config.cluster
    return { config, holder, http: () => http.address, log: log.child({ cluster: name }), metrics: metrics.cluster(name), status, taken, hearings, hooks }
  })
  const clusters = () => Object.fromEntries(governed.map(({ config, status }) => [config.cluster.name, { ...status, queue: status.queue() }]))
  const http = await openHttp({
    ...port,
    routes: [...telemetryRoutes({ metrics, clusters }), ...peoplesRoutes(configs, () => [...hearings.values()], log)],
    log
  })
  const deaf = onCredentialNews(({ event, what, reason }) => {
    if (event === 'changed') log.info({ what }, 'a credential changed: new connections take the new one')
    else log.warn({ what, reason }, 'a credential cannot be read anew: the old one is used on')
  })
  const failed = new AbortController()
  const signal = AbortSignal.any([cli.signal, failed.signal])
  try {
    await Promise.all(
      governed.map(each =>
        governAgain(cli, each, configs.length > 1, signal).catch((error: unknown) => {
          failed.abort()
          throw error
        })
      )
    )
  } finally {
    deaf()
    await http.close()
  }
}

/** Where several clusters are governed, one that cannot be reached at the start does not keep the others from being governed. */
async function governAgain(cli: Cli, governing: Governing, several: boolean, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await govern(cli, governing, signal)
    } catch (error) {
      if (!several || !(error instanceof CommandFailure && error.exitCode === exitCodes.unreachable)) throw error
      governing.log.error({}, `not governed, tried again in ${unreachableAgainMs / 1_000} s: ${error.message}`)
      await sleep(unreachableAgainMs, undefined, { signal }).catch(() => {})
    }
  }
}
