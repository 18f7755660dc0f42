import { Counter, Gauge, type Registry } from 'prom-client'
import type { Measure, Meter, Reading } from './meter.ts'

export interface StreamMetrics extends Meter {
  role(leader: boolean): void
  /** It had to let go: another has fenced it, or Kafka's fault of this kind. */
  lost(why: string): void
  /** It has looked at what its sources brought. */
  step(facts: { readonly inputs: number; readonly outputs: number }): void
  /** How many notices wait to be told; null where this replica does not lead. */
  notices(waiting: () => number | null): void
}

export interface MeteredStream {
  readonly name: string
  /** How long others wait for a sign of the one who leads. */
  readonly leaseMs: number
  readonly measures: readonly Measure[]
}

/** What is known of one stream of one cluster between scrapes. */
class Known {
  readonly labels: { readonly cluster: string; readonly stream: string }
  readonly leaseMs: number
  readonly readers = new Set<() => readonly Reading[]>()
  leader = false
  committedAtMs: number | null = null
  waiting: () => number | null = () => null

  constructor(labels: { readonly cluster: string; readonly stream: string }, leaseMs: number) {
    this.labels = labels
    this.leaseMs = leaseMs
  }
}

type Row = readonly [name: string, help: string, value: (known: Known) => number | null]

const rows: readonly Row[] = [
  ['reeve_stream_leader', '1 while this replica runs the stream, 0 while it stands by or starts.', ({ leader }) => Number(leader)],
  [
    'reeve_stream_lease_seconds',
    'How long others wait for a sign of the replica that leads; there is one for every stream that this process is to run.',
    ({ leaseMs }) => leaseMs / 1_000
  ],
  [
    'reeve_stream_committed_timestamp_seconds',
    'When this replica last committed a transaction of the stream.',
    ({ committedAtMs }) => (committedAtMs === null ? null : committedAtMs / 1_000)
  ],
  ['reeve_stream_notices_waiting', 'Notices that nobody was told yet, by the replica that leads.', ({ waiting }) => waiting()]
]

/** The metrics of streams in a process's registry. `now` is epoch milliseconds. */
export function openStreamMetrics(registry: Registry, now: () => number): (cluster: string, stream: MeteredStream) => StreamMetrics {
  const all: Known[] = []
  const declared = new Map<string, Counter | Gauge>()
  const streamed = new Counter({
    name: 'reeve_streamed_total',
    help: 'What a stream read (in) and wrote (out).',
    labelNames: ['cluster', 'stream', 'direction'],
    registers: [registry]
  })
  const losses = new Counter({
    name: 'reeve_stream_leadership_lost_total',
    help: 'How often this replica had to let go of the stream: fenced by another, or for a fault of Kafka.',
    labelNames: ['cluster', 'stream', 'why'],
    registers: [registry]
  })

  /** A gauge that holds exactly what is known at the scrape. */
  function gauge(name: string, help: string, labels: readonly string[], set: (own: Gauge, known: Known) => void): Gauge {
    const made = new Gauge({
      name,
      help,
      labelNames: ['cluster', 'stream', ...labels],
      registers: [],
      collect() {
        this.reset()
        for (const known of all) set(this, known)
      }
    })
    registry.registerMetric(made)
    return made
  }
  for (const [name, help, value] of rows)
    gauge(name, help, [], (own, known) => {
      const found = value(known)
      if (found !== null) own.set(known.labels, found)
    })

  function declare({ name, help, kind, labels }: Measure): void {
    if (declared.has(name)) return
    const made =
      kind === 'counter'
        ? new Counter({ name, help, labelNames: ['cluster', 'stream', ...labels], registers: [registry] })
        : gauge(name, help, labels, (own, known) => {
            for (const read of known.readers) for (const each of read()) if (each.name === name) own.set({ ...each.labels, ...known.labels }, each.value)
          })
    declared.set(name, made)
  }

  return (cluster, { name: stream, leaseMs, measures }) => {
    for (const measure of measures) declare(measure)
    const labels = { cluster, stream }
    const known = new Known(labels, leaseMs)
    all.push(known)
    losses.inc({ ...labels, why: 'fenced' }, 0)
    return {
      role(leader) {
        known.leader = leader
      },
      lost(why) {
        losses.inc({ ...labels, why })
      },
      step({ inputs, outputs }) {
        streamed.inc({ ...labels, direction: 'in' }, inputs)
        streamed.inc({ ...labels, direction: 'out' }, outputs)
      },
      notices(waiting) {
        known.waiting = waiting
      },
      committed() {
        known.committedAtMs = now()
      },
      count(counts) {
        for (const { name, labels: own, by } of counts) {
          const counter = declared.get(name)
          if (!(counter instanceof Counter)) throw new Error(`${stream} counts ${name}, which is no counter among its measures`)
          counter.inc({ ...own, ...labels }, by)
        }
      },
      gauges(read) {
        known.readers.add(read)
        return () => void known.readers.delete(read)
      }
    }
  }
}
