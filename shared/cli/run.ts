import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { type Config, kafkaConnection } from '../config/index.ts'
import type { ReeveTopics } from '../engine/agent.ts'
import { TrustedClock } from '../engine/clock.ts'
import type { Hooks } from '../engine/engine.ts'
import type { LeaseTimes } from '../engine/lease.ts'
import { type AgentSetup, Replica, type Role } from '../engine/replica.ts'
import { reeveTopics, topicSettings } from '../engine/topics.ts'
import type { TurnReport } from '../engine/turn.ts'
import { openKafka } from '../kafka/index.ts'
import type { Kafka } from '../kafka/ports.ts'
import { openNotifier } from '../notify/index.ts'
import { openQueue } from '../queue/queue.ts'
import { openHttp } from '../telemetry/http.ts'
import { openLog } from '../telemetry/log.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import { engineSettings } from './settings.ts'
import { type Cli, type GlobalOptions, readConfig, reach } from './session.ts'

/** What test code may give to a running Reeve, and nobody else: steps to stop at, a clock that is off, a lease of seconds. */
export interface RunHooks extends Hooks {
  readonly localMs?: () => number
  readonly times?: LeaseTimes
}

/** `reeve run`: until the signal, as leader or standby. */
export async function run(cli: Cli, options: GlobalOptions, hooks: RunHooks = {}): Promise<void> {
  const config = readConfig(cli, options)
  const log = openLog({ level: config.log.level })
  const holder = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`
  const settings = { ...engineSettings(config, holder), ...(hooks.times && { times: hooks.times }) }
  const closers: (() => Promise<void>)[] = []
  try {
    const kafka = await reach(() => openKafka(kafkaConnection(config, null)), config)
    closers.push(() => kafka.close())
    const { clusterId, brokers } = await reach(() => kafka.admin.features(), config)
    const topics = await reach(() => ensureTopics(kafka, config, brokers), config)
    const agents = await openAgents(cli, config, closers)
    const metrics = openMetrics()
    const status = new Map<string, object>()
    let role: Role = 'starting'
    let replica: Replica | null = null
    const queue = openQueue({
      redisUrl: config.redis.url.reveal(),
      prefix: `${config.redis.queuePrefix}:${clusterId}:${config.topics.prefix}`,
      log,
      concurrency: agents.length + 1,
      onTurn: async name => replica?.onTick(name)
    })
    closers.push(() => queue.close())
    const clock = new TrustedClock(hooks.localMs ?? Date.now, () => queue.redisTimeMs())
    metrics.read({
      queue: () => queue.health(),
      kafka: () => [{ client: 'engine', ...kafka.counts() }, ...agents.map(({ agent, kafka: own }) => ({ client: agent.name, ...own.counts() }))],
      clockTrusted: () => clock.lastTrusted
    })
    const http = await openHttp({ ...config.http, metrics, ready: () => ({ role, queue: queue.health(), agents: Object.fromEntries(status) }), log })
    closers.push(() => http.close())
    log.info({ holder, clusterId, http: http.address, agents: agents.map(({ agent, act }) => ({ name: agent.name, act })) }, 'Reeve starts')

    replica = new Replica({
      clusterId,
      topics,
      kafka,
      agents,
      ticks: queue,
      notifier: openNotifier(config, log),
      clock,
      settings,
      hooks,
      log,
      onTick(name, result, tookMs) {
        metrics.tick(name, 'error' in result ? 'failed' : 'ok', tookMs)
        // A failure is logged by the queue, which every turn comes through.
        if ('error' in result || result.report === null) return
        status.set(name, turnStatus(result.report))
        metrics.turn(name, result.report)
      },
      onRole(now, epoch) {
        role = now
        metrics.role(now === 'leader', epoch)
      }
    })
    await replica.run(cli.signal)
  } finally {
    for (const close of closers.reverse()) await close().catch((error: unknown) => log.warn({ err: error }, 'closing failed'))
  }
}

async function openAgents(cli: Cli, config: Config, closers: (() => Promise<void>)[]): Promise<AgentSetup[]> {
  const setups: AgentSetup[] = []
  for (const agent of cli.agents) {
    const configured = config.agents[agent.name]
    if (configured === undefined || !configured.enabled) continue
    const kafka = await reach(() => openKafka(kafkaConnection(config, agent.name)), config)
    closers.push(() => kafka.close())
    setups.push({ agent, policy: configured.policy, act: configured.act, kafka })
  }
  if (setups.length === 0) throw new CommandFailure(exitCodes.configuration, 'no agent is enabled: name at least one under agents')
  return setups
}

/** Creates what is missing of Reeve's own topics. */
async function ensureTopics(kafka: Kafka, config: Config, brokers: number): Promise<ReeveTopics> {
  const topics = reeveTopics(config.topics.prefix)
  await kafka.admin.createTopics(topicSettings(topics, brokers))
  return topics
}

/** For /readyz and the demo's table. */
function turnStatus({ look, decision, judged, outcomes }: TurnReport): object {
  return {
    observation: look.seen,
    unseen: look.observed.view.unseen,
    verdicts: decision.verdicts.map(({ subject, state, why, lagMessages }) => ({ subject, state, why, lagMessages })),
    standing: look.observed.standing.map(({ key, describe }) => ({ key, describe })),
    refused: judged.refused.map(({ step, because }) => ({ key: step.key, because })),
    outcomes
  }
}
