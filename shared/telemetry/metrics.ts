import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'

/** What a turn leaves to be counted; the engine's TurnReport fits it. */
export interface TurnFacts {
  readonly look: {
    readonly observed: {
      readonly view: { readonly atMs: number; readonly unseen: readonly unknown[] }
      readonly standing: readonly unknown[]
      readonly notices: ReadonlyMap<string, { readonly state: string }>
    }
  }
  readonly decision: { readonly verdicts: readonly { readonly subject: string; readonly state: string; readonly lagMessages: number | null }[] }
  readonly judged: { readonly refused: readonly unknown[] }
  readonly outcomes: readonly { readonly undo: boolean; readonly outcome: string }[]
}

/** Read anew at each scrape; null is unknown and shown as no sample. */
export interface Sources {
  queue?(): { readonly connected: boolean; readonly degraded: boolean; readonly directTurns: number }
  /** Requests by principal's client id. */
  kafka?(): readonly { readonly client: string; readonly requests: number; readonly throttledMs: number }[]
  clockTrusted?(): boolean | null
}

export interface Metrics {
  /** A scan (`observer`) or a turn of an agent has ended. */
  tick(name: string, result: 'ok' | 'failed', tookMs: number): void
  turn(agent: string, facts: TurnFacts): void
  role(leader: boolean, epoch: number | null): void
  /** Sources of what others count. */
  read(sources: Sources): void
  readonly contentType: string
  /** The exposition format of Prometheus. */
  text(): Promise<string>
}

type Reading = readonly (readonly [labels: Record<string, string>, value: number])[]

/** The registry of one process: `reeve_*`, and Node's own under `reeve_process_*`. `now` is epoch milliseconds. */
export function openMetrics(now: () => number = Date.now): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'reeve_' })
  const lastTurn = new Map<string, TurnFacts>()
  const lastSuccessMs = new Map<string, number>()
  let sources: Sources = {}
  let leading: { leader: boolean; epoch: number | null } | null = null

  /** A gauge that holds exactly what `readings` say at the scrape: what is unknown, or gone, has no sample. */
  function gauge(name: string, help: string, labelNames: readonly string[], readings: () => Reading): void {
    const made = new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [],
      collect() {
        this.reset()
        // A gauge without labels falls back to 0, which would be a claim.
        const all = readings()
        if (labelNames.length === 0 && all.length === 0) this.remove()
        for (const [labels, value] of all) this.set(labels, value)
      }
    })
    registry.registerMetric(made)
  }
  const perAgent = (count: (facts: TurnFacts) => number) => () => [...lastTurn].map(([agent, facts]) => [{ agent }, count(facts)] as const)
  const counted = (label: string, values: (facts: TurnFacts) => Iterable<string>) => () =>
    [...lastTurn].flatMap(([agent, facts]) => [...tally(values(facts))].map(([value, count]) => [{ agent, [label]: value }, count] as const))
  const known = (value: number | boolean | null | undefined): Reading => (value === null || value === undefined ? [] : [[{}, Number(value)]])

  const turns = new Counter({ name: 'reeve_turns_total', help: 'Scans and turns that ended.', labelNames: ['name', 'result'], registers: [registry] })
  const seconds = new Histogram({
    name: 'reeve_turn_seconds',
    help: 'How long a scan or turn took.',
    labelNames: ['name'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers: [registry]
  })
  const actions = new Counter({
    name: 'reeve_actions_total',
    help: 'Actions applied and undone, by outcome.',
    labelNames: ['agent', 'direction', 'outcome'],
    registers: [registry]
  })

  gauge('reeve_last_success_timestamp_seconds', 'When a scan or turn last ended well.', ['name'], () =>
    [...lastSuccessMs].map(([name, ms]) => [{ name }, ms / 1_000])
  )
  gauge(
    'reeve_verdicts',
    'Subjects by state, at the last turn.',
    ['agent', 'state'],
    counted('state', ({ decision }) => decision.verdicts.map(({ state }) => state))
  )
  gauge('reeve_lag_messages', 'Lag of a group where it is known, at the last turn.', ['agent', 'subject'], () =>
    [...lastTurn].flatMap(([agent, { decision }]) =>
      decision.verdicts.flatMap(({ subject, lagMessages }) => (lagMessages === null ? [] : [[{ agent, subject }, lagMessages] as const]))
    )
  )
  gauge(
    'reeve_notices',
    'Notices by fate, at the last turn.',
    ['agent', 'state'],
    counted('state', ({ look }) => [...look.observed.notices.values()].map(({ state }) => state))
  )
  gauge(
    'reeve_standing_actions',
    'Actions in force, at the last turn.',
    ['agent'],
    perAgent(({ look }) => look.observed.standing.length)
  )
  gauge(
    'reeve_refused_actions',
    'Actions that the gate refused, at the last turn.',
    ['agent'],
    perAgent(({ judged }) => judged.refused.length)
  )
  gauge(
    'reeve_unseen_parts',
    'Parts of the cluster that the last turn could not see.',
    ['agent'],
    perAgent(({ look }) => look.observed.view.unseen.length)
  )
  gauge(
    'reeve_observation_age_seconds',
    'Age of the observation that the last turn decided on.',
    ['agent'],
    perAgent(({ look }) => (now() - look.observed.view.atMs) / 1_000)
  )
  gauge('reeve_leader', '1 while this replica leads, 0 while it stands by.', [], () => known(leading?.leader))
  gauge('reeve_epoch', 'Epoch of the leadership that this replica last held.', [], () => known(leading?.epoch))
  gauge('reeve_clock_trusted', '1 while two clocks agree within 30 s.', [], () => known(sources.clockTrusted?.()))
  gauge('reeve_redis_connected', '1 while Redis answers.', [], () => known(sources.queue?.().connected))
  gauge('reeve_redis_degraded', '1 while turns depend on the local timer, or Redis is not set as it should be.', [], () => known(sources.queue?.().degraded))
  gauge('reeve_redis_direct_turns', 'Turns since the start that the local timer brought.', [], () => known(sources.queue?.().directTurns))
  gauge('reeve_kafka_requests', 'Requests to Kafka since the start.', ['client'], () =>
    (sources.kafka?.() ?? []).map(({ client, requests }) => [{ client }, requests])
  )
  gauge('reeve_kafka_throttled_seconds', 'How long the brokers asked Reeve to wait, since the start.', ['client'], () =>
    (sources.kafka?.() ?? []).map(({ client, throttledMs }) => [{ client }, throttledMs / 1_000])
  )

  return {
    tick(name, result, tookMs) {
      turns.inc({ name, result })
      seconds.observe({ name }, tookMs / 1_000)
      if (result === 'ok') lastSuccessMs.set(name, now())
    },
    turn(agent, facts) {
      lastTurn.set(agent, facts)
      for (const { undo, outcome } of facts.outcomes) actions.inc({ agent, direction: undo ? 'undo' : 'apply', outcome })
    },
    role(leader, epoch) {
      leading = { leader, epoch: epoch ?? leading?.epoch ?? null }
    },
    read(more) {
      sources = { ...sources, ...more }
    },
    contentType: registry.contentType,
    text: () => registry.metrics()
  }
}

function tally(values: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}
