import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { type MeteredStream, openStreamMetrics, type StreamMetrics } from './stream-metrics.ts'

/** What a turn leaves to be counted; the engine's TurnReport fits it. */
export interface TurnFacts {
  readonly look: {
    readonly observed: {
      readonly view: { readonly atMs: number; readonly unseen: readonly { readonly kind: string }[] }
      readonly standing: readonly { readonly appliedAtMs: number }[]
      readonly notices: ReadonlyMap<string, { readonly state: string }>
    }
  }
  readonly decision: { readonly verdicts: readonly { readonly subject: string; readonly state: string; readonly lagMessages: number | null }[] }
  readonly judged: { readonly refused: readonly { readonly approvable: boolean }[] }
  readonly outcomes: readonly { readonly undo: boolean; readonly outcome: string }[]
}

/** Read anew at each scrape; null is unknown and shown as no sample. */
export interface Sources {
  queue?(): { readonly connected: boolean; readonly degraded: boolean; readonly directTurns: number }
  /** Requests by principal's client id. */
  kafka?(): readonly { readonly client: string; readonly requests: number; readonly throttledMs: number }[]
  clockTrusted?(): boolean | null
  /** What waits to be told; null where this replica does not lead. */
  backlog?(): { readonly undeliverable: number; readonly oldestSinceMs: number | null } | null
  observerIntervalMs?(): number
}

/** What one cluster's governing leaves to be counted. */
export interface ClusterMetrics {
  /** A scan (`observer`) or a turn of an agent has ended. */
  tick(name: string, result: 'ok' | 'failed', tookMs: number): void
  turn(agent: string, facts: TurnFacts): void
  /** A stream that this process is to run: once for each. */
  stream(stream: MeteredStream): StreamMetrics
  role(leader: boolean, epoch: number | null): void
  /** Sources of what others count. */
  read(sources: Sources): void
}

export interface Metrics {
  /** Everything that is said of one cluster carries its name. */
  cluster(name: string): ClusterMetrics
  readonly contentType: string
  /** The exposition format of Prometheus. */
  text(): Promise<string>
}

type Reading = readonly (readonly [labels: Record<string, string>, value: number])[]

/** What is known of one cluster between scrapes. */
class Known {
  readonly lastTurn = new Map<string, TurnFacts>()
  readonly lastSuccessMs = new Map<string, number>()
  sources: Sources = {}
  leading: { readonly leader: boolean; readonly epoch: number | null } | null = null
}

/** The registry of one process: `reeve_*`, each with the cluster it speaks of, and Node's own under `reeve_process_*`. `now` is epoch milliseconds. */
export function openMetrics(now: () => number = Date.now): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'reeve_' })
  const clusters = new Map<string, Known>()
  const counters = openCounters(registry)
  const streamOf = openStreamMetrics(registry, now)

  /** A gauge that holds exactly what `readings` say at the scrape: what is unknown, or gone, has no sample. */
  function gauge(name: string, help: string, labelNames: readonly string[], readings: (known: Known) => Reading): void {
    const made = new Gauge({
      name,
      help,
      labelNames: ['cluster', ...labelNames],
      registers: [],
      collect() {
        this.reset()
        for (const [cluster, known] of clusters) for (const [labels, value] of readings(known)) this.set({ cluster, ...labels }, value)
      }
    })
    registry.registerMetric(made)
  }
  for (const [name, help, labelNames, readings] of gauges(now)) gauge(name, help, labelNames, readings)

  return {
    cluster(cluster) {
      const known = clusters.get(cluster) ?? new Known()
      clusters.set(cluster, known)
      return {
        tick(name, result, tookMs) {
          // A series that first shows up at 1 has no increase.
          for (const each of ['ok', 'failed']) counters.turns.inc({ cluster, name, result: each }, Number(each === result))
          counters.seconds.observe({ cluster, name }, tookMs / 1_000)
          if (result === 'ok') known.lastSuccessMs.set(name, now())
        },
        turn(agent, facts) {
          known.lastTurn.set(agent, facts)
          for (const direction of ['apply', 'undo'])
            for (const outcome of ['done', 'not-done', 'unknown']) counters.actions.inc({ cluster, agent, direction, outcome }, 0)
          for (const { undo, outcome } of facts.outcomes) counters.actions.inc({ cluster, agent, direction: undo ? 'undo' : 'apply', outcome })
        },
        stream: stream => streamOf(cluster, stream),
        role(leader, epoch) {
          known.leading = { leader, epoch: epoch ?? known.leading?.epoch ?? null }
          // What a former leader saw is not how things are now.
          if (!leader) known.lastTurn.clear()
        },
        read(more) {
          known.sources = { ...known.sources, ...more }
        }
      }
    },
    contentType: registry.contentType,
    text: () => registry.metrics()
  }
}

function openCounters(registry: Registry) {
  return {
    turns: new Counter({ name: 'reeve_turns_total', help: 'Scans and turns that ended.', labelNames: ['cluster', 'name', 'result'], registers: [registry] }),
    seconds: new Histogram({
      name: 'reeve_turn_seconds',
      help: 'How long a scan or turn took.',
      labelNames: ['cluster', 'name'],
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers: [registry]
    }),
    actions: new Counter({
      name: 'reeve_actions_total',
      help: 'Actions applied and undone, by outcome.',
      labelNames: ['cluster', 'agent', 'direction', 'outcome'],
      registers: [registry]
    })
  }
}

type GaugeRow = readonly [name: string, help: string, labelNames: readonly string[], readings: (known: Known) => Reading]

/** Each is read at the scrape: name, help, labels beside `cluster`, and where its values come from. */
function gauges(now: () => number): readonly GaugeRow[] {
  const perAgent = (count: (facts: TurnFacts) => number) => (known: Known) => [...known.lastTurn].map(([agent, facts]) => [{ agent }, count(facts)] as const)
  const counted = (label: string, values: (facts: TurnFacts) => Iterable<string>) => (known: Known) =>
    [...known.lastTurn].flatMap(([agent, facts]) => [...tally(values(facts))].map(([value, count]) => [{ agent, [label]: value }, count] as const))
  const single = (value: (known: Known) => number | boolean | null | undefined) => (known: Known) => {
    const found = value(known)
    return found === null || found === undefined ? [] : [[{}, Number(found)] as const]
  }
  return [
    [
      'reeve_last_success_timestamp_seconds',
      'When a scan or turn last ended well.',
      ['name'],
      ({ lastSuccessMs }) => [...lastSuccessMs].map(([name, ms]) => [{ name }, ms / 1_000])
    ],
    [
      'reeve_verdicts',
      'Subjects by state, at the last turn.',
      ['agent', 'state'],
      counted('state', ({ decision }) => decision.verdicts.map(({ state }) => state))
    ],
    [
      'reeve_lag_messages',
      'Lag of a group where it is known, at the last turn.',
      ['agent', 'subject'],
      ({ lastTurn }) =>
        [...lastTurn].flatMap(([agent, { decision }]) =>
          decision.verdicts.flatMap(({ subject, lagMessages }) => (lagMessages === null ? [] : [[{ agent, subject }, lagMessages] as const]))
        )
    ],
    [
      'reeve_notices',
      'Notices by fate, at the last turn.',
      ['agent', 'state'],
      counted('state', ({ look }) => [...look.observed.notices.values()].map(({ state }) => state))
    ],
    [
      'reeve_notices_undeliverable',
      'Notices that nobody was told and that every destination refused, or that have none.',
      [],
      single(({ sources }) => sources.backlog?.()?.undeliverable)
    ],
    [
      'reeve_oldest_undelivered_notice_seconds',
      'How long the oldest notice waits that nobody was told; 0 while none does. What is snoozed does not count.',
      [],
      single(({ sources }) => {
        const backlog = sources.backlog?.()
        return backlog && (backlog.oldestSinceMs === null ? 0 : Math.max(0, now() - backlog.oldestSinceMs) / 1_000)
      })
    ],
    ['reeve_standing_actions', 'Actions in force, at the last turn.', ['agent'], perAgent(({ look }) => look.observed.standing.length)],
    [
      'reeve_oldest_standing_action_timestamp_seconds',
      'When the oldest action in force began.',
      ['agent'],
      ({ lastTurn }) =>
        [...lastTurn].flatMap(([agent, { look }]) => {
          const { standing } = look.observed
          return standing.length === 0 ? [] : [[{ agent }, Math.min(...standing.map(({ appliedAtMs }) => appliedAtMs)) / 1_000] as const]
        })
    ],
    ['reeve_refused_actions', 'Actions that the gate refused, at the last turn.', ['agent'], perAgent(({ judged }) => judged.refused.length)],
    [
      'reeve_approvable_actions',
      'Refused actions that a person may approve: their plan exceeds a cap.',
      ['agent'],
      perAgent(({ judged }) => judged.refused.filter(({ approvable }) => approvable).length)
    ],
    [
      'reeve_judgement_suspended',
      '1 while the cluster is being worked on, declared or seen.',
      ['agent'],
      perAgent(({ look }) => Number(look.observed.view.unseen.some(({ kind }) => kind === 'maintenance')))
    ],
    ['reeve_unseen_parts', 'Parts of the cluster that the last turn could not see.', ['agent'], perAgent(({ look }) => look.observed.view.unseen.length)],
    [
      'reeve_observation_age_seconds',
      'Age of the observation that the last turn decided on.',
      ['agent'],
      perAgent(({ look }) => (now() - look.observed.view.atMs) / 1_000)
    ],
    ['reeve_leader', '1 while this replica leads, 0 while it stands by.', [], single(({ leading }) => leading?.leader)],
    ['reeve_epoch', 'Epoch of the leadership that this replica last held.', [], single(({ leading }) => leading?.epoch)],
    ['reeve_clock_trusted', '1 while two clocks agree within 30 s.', [], single(({ sources }) => sources.clockTrusted?.())],
    ['reeve_redis_connected', '1 while Redis answers.', [], single(({ sources }) => sources.queue?.().connected)],
    [
      'reeve_redis_degraded',
      '1 while turns depend on the local timer, or Redis is not set as it should be.',
      [],
      single(({ sources }) => sources.queue?.().degraded)
    ],
    ['reeve_redis_direct_turns', 'Turns since the start that the local timer brought.', [], single(({ sources }) => sources.queue?.().directTurns)],
    [
      'reeve_observer_interval_seconds',
      'From one scan to the next: as configured, and longer while brokers are busy; there is one for every cluster that this process is to govern.',
      [],
      ({ sources }) => (sources.observerIntervalMs ? [[{}, sources.observerIntervalMs() / 1_000] as const] : [])
    ],
    [
      'reeve_kafka_requests',
      'Requests to Kafka since the start.',
      ['client'],
      ({ sources }) => (sources.kafka?.() ?? []).map(({ client, requests }) => [{ client }, requests])
    ],
    [
      'reeve_kafka_throttled_seconds',
      'How long the brokers asked Reeve to wait, since the start.',
      ['client'],
      ({ sources }) => (sources.kafka?.() ?? []).map(({ client, throttledMs }) => [{ client }, throttledMs / 1_000])
    ]
  ]
}

function tally(values: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}
