import { setImmediate as otherWork, setTimeout as sleep } from 'node:timers/promises'
import type { JsonValue } from '../domain/json.ts'
import { KafkaFault } from '../kafka/errors.ts'
import type { NewRecord } from '../kafka/ports.ts'
import type { Lease, LeaseTimes } from './lease.ts'
import type { Notifier } from '../notify/notifier.ts'
import type { Backlog } from '../notify/outbox.ts'
import { leaseOf, standBy, whyLeading } from './standby.ts'
import { StateStore, stateVersion } from './state.ts'
import { StreamFacts } from './stream-facts.ts'
import { StreamOutbox } from './stream-outbox.ts'
import type { AnyStream, Memory, Surroundings } from './stream.ts'
import { memoryTopic } from './topics.ts'

/** How long one look at the sources waits for something. */
const lookMs = 200
const againMs = 1_000
const nothing: Memory = new Map()

export interface StreamReplicaParts extends Surroundings {
  readonly stream: AnyStream
  readonly policy: unknown
  readonly times: LeaseTimes
  readonly notifier: Notifier
  onRole(role: 'standby' | 'leader' | 'stopped'): void
  /** Of each reign that did not end in good order: the kind of its fault. */
  onLost?(kind: KafkaFault['kind']): void
  /** Of each reign: what waits to be told. */
  onOutbox?(backlog: () => Backlog): void
  /** Told after each step. */
  onStep?(step: { readonly inputs: number; readonly outputs: number }): void
}

/**
 * One running stream: standby until nobody leads, then leader until it is fenced or stopped, and so on. What the stream remembers and who
 * leads are in a compacted topic of its own, written in the transactions of its sink: only the one whose sink is not fenced can write there.
 */
export async function runStream(parts: StreamReplicaParts, signal: AbortSignal): Promise<void> {
  const { kafka, prefix, stream, times, log, onRole } = parts
  const { brokers } = await kafka.admin.features()
  const topic = memoryTopic(prefix, stream.name, brokers)
  await kafka.admin.createTopics([topic])
  const store = new StateStore(topic.name, await kafka.openReader())
  await store.open()
  try {
    while (!signal.aborted) {
      onRole('standby')
      await standBy(store, times, log, signal)
      if (signal.aborted) break
      try {
        await lead(parts, store, topic.name, signal)
      } catch (error) {
        if (!(error instanceof KafkaFault)) throw error
        parts.onLost?.(error.kind)
        log.warn({ kind: error.kind }, `not leading any more: ${error.message}`)
        await sleep(Math.min(againMs, times.takeOverAfterMs), undefined, { signal }).catch(() => {})
      }
    }
  } finally {
    onRole('stopped')
    await store.close()
  }
}

/** One reign. Everything that it knows comes from what was committed, so that it does not matter how the reign before it ended. */
async function lead(parts: StreamReplicaParts, store: StateStore, topic: string, signal: AbortSignal): Promise<void> {
  const { stream, policy, times, notifier, holder, log, onRole, onStep } = parts
  // What was remembered by now: a reign that ends at this moment may yet add to it.
  const sink = await stream.sink(parts, policy, new Map(store.entries('')))
  const watched = new StreamFacts(parts.meter)
  try {
    // Read again behind the fence: from here on nobody else can write.
    await store.catchUp()
    const before = leaseOf(store)
    const epoch = (before?.epoch ?? 0) + 1
    const lease = (released: boolean): Memory =>
      new Map([['lease', { holder, epoch, renewedAtMs: Date.now(), released } satisfies Lease as unknown as JsonValue]])
    const remembered = new Map(store.entries(''))
    await sink.write([], recordsOf(topic, new Map([['format', { version: stateVersion }], ...lease(false)])), watched.durable())
    const source = await stream.source(parts, policy, remembered)
    try {
      const transform = stream.transform({ clusterId: parts.clusterId, sourceIds: source.ids }, policy, remembered)
      const why = whyLeading(before, times)
      log.info({ epoch }, `leading: ${why}`)
      onRole('leader')
      let renewedAt = performance.now()
      // What is remembered without an output can wait: who goes on without it reads the same again and finds nothing either.
      const pending = new Map<string, JsonValue | null>()
      const remember = (memory: Memory): void => memory.forEach((value, key) => pending.set(key, value))
      const write = async (outputs: readonly unknown[], also: Memory): Promise<void> => {
        remember(sink.standing?.() ?? nothing)
        await sink.write(outputs, recordsOf(topic, new Map([...pending, ...also])), watched.durable())
        pending.clear()
      }
      const outbox = new StreamOutbox(notifier, remembered, log)
      parts.onOutbox?.(() => outbox.backlog())
      let telling: Promise<void> | null = null
      const tell = async (): Promise<void> => {
        remember(await outbox.deliver(Date.now()))
        telling = null
      }
      while (!signal.aborted) {
        const inputs = await source.next(lookMs)
        const { outputs, remember: memory, notices = [], facts } = transform.step(inputs)
        remember(memory)
        if (facts) watched.take(facts)
        remember(outbox.add(notices, Date.now()))
        // Beside the reading: a slow Slack holds nothing up.
        telling ??= tell()
        onStep?.({ inputs: inputs.length, outputs: outputs.length })
        const due = performance.now() - renewedAt >= times.renewEveryMs
        if (outputs.length === 0 && !due) continue
        await write(outputs, due ? lease(false) : nothing)
        if (due) renewedAt = performance.now()
        // Steps that wait for nothing follow one another without an end, and requests that are under way would stand still.
        await otherWork()
      }
      await telling
      await write([], lease(true))
      await sink.flush()
      log.info({ epoch }, 'stopped in good order')
    } finally {
      await source.close()
    }
  } finally {
    watched.close()
    await sink.close()
  }
}

function recordsOf(topic: string, memory: Memory): NewRecord[] {
  return [...memory].map(([key, value]) => ({ topic, partition: 0, key: Buffer.from(key), value: value === null ? null : Buffer.from(JSON.stringify(value)) }))
}
