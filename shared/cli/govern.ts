import type { Config } from '../config/index.ts'
import { kafkaConnection, redisTarget } from '../config/index.ts'
import { observerRestTimes } from '../domain/scan-pace.ts'
import type { ReeveTopics } from '../engine/agent.ts'
import { ask } from '../engine/ask.ts'
import { TrustedClock } from '../engine/clock.ts'
import type { Hooks } from '../engine/engine.ts'
import type { LeaseTimes } from '../engine/lease.ts'
import { type AgentSetup, Replica, type Role } from '../engine/replica.ts'
import { scopeOf } from '../engine/seal.ts'
import { waiting } from '../engine/tell.ts'
import { reeveTopics, topicSettings } from '../engine/topics.ts'
import type { TurnReport } from '../engine/turn.ts'
import type { Hearing } from '../http/asker.ts'
import { openKafka } from '../kafka/index.ts'
import type { Kafka } from '../kafka/ports.ts'
import { openNotifier } from '../notify/index.ts'
import { openQueue } from '../queue/queue.ts'
import type { Log } from '../telemetry/log.ts'
import type { ClusterMetrics } from '../telemetry/metrics.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import { approvalRules, engineSettings } from './settings.ts'
import { type Cli, reach } from './session.ts'

/** What test code may give to a running Reeve, and nobody else: steps to stop at, a clock that is off, a lease of seconds. */
export interface RunHooks extends Hooks {
  readonly localMs?: () => number
  readonly times?: LeaseTimes
}

/** What /readyz says of one cluster; the queue is asked when somebody looks. */
export interface ClusterStatus {
  role: Role
  queue: () => object | null
  readonly agents: Record<string, object>
}

export interface Governing {
  readonly config: Config
  /** Names this replica to people. */
  readonly holder: string
  /** `host:port` of the process. */
  readonly http: () => string
  readonly log: Log
  readonly metrics: ClusterMetrics
  readonly status: ClusterStatus
  /** Clusters that this process governs already, by id and prefix: none is governed twice. */
  readonly taken: Map<string, string>
  /** Clusters that people can speak to through the HTTP port, by name. */
  readonly hearings: Map<string, Hearing>
  readonly hooks: RunHooks
}

/** Governs one cluster until the signal, as leader or standby; closes everything whatever happens. */
export async function govern(cli: Cli, { config, holder, http, log, metrics, status, taken, hearings, hooks }: Governing, signal: AbortSignal): Promise<void> {
  const settings = { ...engineSettings(config, holder), ...(hooks.times && { times: hooks.times }) }
  const closers: (() => Promise<void>)[] = []
  metrics.read({ observerIntervalMs: () => config.observer.intervalMs })
  try {
    const kafka = await reach(() => openKafka(kafkaConnection(config, null), { restTimes: observerRestTimes }), config)
    closers.push(() => kafka.close())
    const { clusterId, brokers } = await reach(() => kafka.admin.features(), config)
    takeOnce(taken, config, clusterId)
    const topics = await reach(() => ensureTopics(kafka, config, brokers), config)
    const agents = await openAgents(cli, config, closers)
    const scope = scopeOf(clusterId, topics)
    const { name: cluster } = config.cluster
    hearings.set(cluster, { name: cluster, scope, ask: (request, waitMs) => ask(kafka, topics, request, waitMs, signal) })
    closers.push(async () => void hearings.delete(cluster))
    let replica: Replica | null = null
    const queue = openQueue({
      ...redisTarget(config),
      prefix: `${config.redis.queuePrefix}:${clusterId}:${config.topics.prefix}`,
      log,
      concurrency: agents.length + 1,
      onTurn: async name => replica?.onTick(name)
    })
    closers.push(() => queue.close())
    const clock = new TrustedClock(hooks.localMs ?? Date.now, () => queue.redisTimeMs())
    status.queue = () => queue.health()
    metrics.read({
      observerIntervalMs: () => replica?.observerIntervalMs ?? config.observer.intervalMs,
      queue: () => queue.health(),
      kafka: () => [{ client: 'engine', ...kafka.counts() }, ...agents.map(({ agent, kafka: own }) => ({ client: agent.name, ...own.counts() }))],
      clockTrusted: () => clock.lastTrusted,
      backlog: () => (replica?.leadership ? waiting(replica.leadership.leader) : null)
    })
    log.info({ holder, clusterId, http: http(), agents: agents.map(({ agent, act }) => ({ name: agent.name, act })) }, 'Reeve starts')
    replica = new Replica({
      clusterId,
      topics,
      kafka,
      agents,
      ticks: queue,
      notifier: openNotifier({ config, scope, log }),
      clock,
      settings,
      approvals: approvalRules(config),
      hooks,
      log,
      onTick(name, result, tookMs) {
        metrics.tick(name, 'error' in result ? 'failed' : 'ok', tookMs)
        // A failure is logged by the queue, which every turn comes through.
        if ('error' in result || result.report === null) return
        status.agents[name] = turnStatus(result.report)
        metrics.turn(name, result.report)
      },
      onRole(now, epoch) {
        status.role = now
        metrics.role(now === 'leader', epoch)
      }
    })
    await replica.run(signal)
  } finally {
    for (const close of closers.reverse()) await close().catch((error: unknown) => log.warn({ err: error }, 'closing failed'))
  }
}

/** Two names for one cluster would be two writers of one state. */
function takeOnce(taken: Map<string, string>, { cluster, topics }: Config, clusterId: string): void {
  const key = `${clusterId} ${topics.prefix}`
  const other = taken.get(key)
  if (other !== undefined && other !== cluster.name)
    throw new CommandFailure(
      exitCodes.configuration,
      `clusters.${cluster.name} is the cluster of clusters.${other} (${clusterId}), with the same topics.prefix`
    )
  taken.set(key, cluster.name)
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
