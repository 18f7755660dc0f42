import { setImmediate as otherWork } from 'node:timers/promises'
import { KafkaFault } from '#shared/kafka/errors.ts'
import type { Fetched, LogReader, LogRecord, Position, StartAt } from '#shared/kafka/ports.ts'
import type { FakePartition, FakeTopic } from './fake-log.ts'

interface Place {
  readonly topicId: string
  readonly topic: string
  readonly partition: number
  offset: number
}

/** What the fakes share: the topics, what goes wrong next, and who waits for the log to change. */
export interface Shared {
  readonly topics: Map<string, FakeTopic>
  readonly pollFaults: Error[]
  /** Most entries of one partition in one poll: small, so that reading takes several. */
  readonly pollEntries: number
  changed: PromiseWithResolvers<void>
}

/** A LogReader on logs in memory. */
export function fakeReader(shared: Shared): LogReader {
  const places = new Map<string, Place>()
  let closed = false

  const open = (): void => {
    if (closed) throw new KafkaFault('unreachable', 'this log reader is closed')
  }
  const logOf = ({ topic, partition, topicId }: Place): FakePartition => {
    const found = shared.topics.get(topic)
    if (!found)
      throw new KafkaFault('protocol', `topic ${topic} partition ${partition}: the topic was deleted, its id was ${topicId}`, {
        apiError: 'UNKNOWN_TOPIC_OR_PARTITION'
      })
    if (found.topicId !== topicId)
      throw new KafkaFault(
        'protocol',
        `topic ${topic} partition ${partition}: the topic was deleted and created again, its id was ${topicId} and is ${found.topicId}`,
        {
          apiError: 'INCONSISTENT_TOPIC_ID'
        }
      )
    return found.partitions[partition]!
  }
  const fetch = (place: Place): Fetched => {
    const log = logOf(place)
    const asked = place.offset
    const why = asked < log.logStartOffset ? 'below-log-start' : asked > log.highWatermark ? 'truncated' : null
    const resumedAt = why === 'below-log-start' ? log.logStartOffset : why ? log.highWatermark : asked
    const { records, nextOffset } = log.read(resumedAt, shared.pollEntries)
    place.offset = nextOffset
    const { logStartOffset, highWatermark, lastStableOffset, topic, partition } = log
    return { topic, partition, records, nextOffset, logStartOffset, highWatermark, lastStableOffset, ...(why && { moved: { why, asked, resumedAt } }) }
  }
  const hasNews = (place: Place): boolean => {
    const log = logOf(place)
    return place.offset < log.logStartOffset || place.offset > log.highWatermark || place.offset < log.lastStableOffset
  }

  return {
    async assign(topic: string, partition: number, startAt: StartAt) {
      open()
      const found = shared.topics.get(topic)
      const log = found?.partitions[partition]
      if (!found || !log)
        throw new KafkaFault('protocol', `topic ${topic} partition ${partition}: UNKNOWN_TOPIC_OR_PARTITION`, {
          apiError: 'UNKNOWN_TOPIC_OR_PARTITION',
          retriable: true
        })
      const offset = startAt === 'start' ? log.logStartOffset : startAt === 'end' ? log.lastStableOffset : startAt
      places.set(`${topic} ${partition}`, { topicId: found.topicId, topic, partition, offset })
    },
    unassign: (topic, partition) => void places.delete(`${topic} ${partition}`),
    positions: (): readonly Position[] => [...places.values()].map(({ topic, partition, offset }) => ({ topic, partition, offset })),

    async poll({ maxWaitMs = 500, signal } = {}) {
      // No answer of a broker comes before other work had its turn.
      await otherWork()
      const deadlineMs = performance.now() + maxWaitMs
      for (;;) {
        open()
        signal?.throwIfAborted()
        const fault = shared.pollFaults.shift()
        if (fault) throw fault
        const leftMs = deadlineMs - performance.now()
        if (leftMs <= 0 || [...places.values()].some(hasNews)) return [...places.values()].map(fetch)
        await nextChange(shared, leftMs, signal)
      }
    },

    async readToEnd(onRecord: (record: LogRecord) => void) {
      open()
      const targets = [...places.values()].map(place => ({ place, target: logOf(place).lastStableOffset }))
      for (const { place, target } of targets) {
        while (place.offset < target) {
          open()
          const fault = shared.pollFaults.shift()
          if (fault) throw fault
          for (const record of fetch(place).records) onRecord(record)
          await Promise.resolve()
        }
      }
    },

    async close() {
      closed = true
      shared.changed.resolve()
    }
  }
}

async function nextChange(shared: Shared, leftMs: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, leftMs)
  const onAbort = (): void => resolve()
  signal?.addEventListener('abort', onAbort)
  await Promise.race([promise, shared.changed.promise])
  clearTimeout(timer)
  signal?.removeEventListener('abort', onAbort)
}
