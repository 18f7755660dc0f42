import { KafkaFault } from '#shared/kafka/errors.ts'
import type { Appended, Appender, Kafka, NewRecord } from '#shared/kafka/ports.ts'
import { type FakeAdmin, fakeAdmin } from './fake-admin.ts'
import { endTransaction, FakeTopic, type FakePartition, type Transaction } from './fake-log.ts'
import { fakeReader, type Shared } from './fake-reader.ts'

/** How an append goes wrong: nothing was written; or nobody knows, and it was or was not. */
export type AppendFault = 'refused' | 'unknown-committed' | 'unknown-lost'

export interface FakeKafka extends Kafka {
  readonly admin: FakeAdmin
  createTopic(name: string, partitions?: number): void
  deleteTopic(name: string): void
  partition(topic: string, partition?: number): FakePartition
  /** Lets a test change a log directly: deleteRecords, truncate, compact; who waits for the log looks again. */
  change(topic: string, partition: number, change: (log: FakePartition) => void): void
  /** A transaction left open, as by a writer that died in it; the next fence of this id aborts it. */
  openTransaction(transactionalId: string, records: readonly NewRecord[]): { commit(): void; abort(): void }
  /** The next append of this id goes wrong. */
  failNextAppend(transactionalId: string, fault: AppendFault): void
  /** The next poll or readToEnd of any reader throws. */
  failNextPoll(error: Error): void
}

interface Writer {
  epoch: number
  readonly producerId: bigint
  open: Transaction | null
  readonly faults: AppendFault[]
}

/**
 * A cluster in memory with transactions, fencing by transactional id, log start and last stable offsets. The contract suites run on
 * it and on a broker. Topics that admin creates exist as logs too.
 */
export function fakeKafka(options: { nowMs?: () => number; pollEntries?: number } = {}): FakeKafka {
  const nowMs = options.nowMs ?? Date.now
  const shared: Shared = { topics: new Map(), pollFaults: [], pollEntries: options.pollEntries ?? 3, changed: Promise.withResolvers() }
  const writers = new Map<string, Writer>()
  const admin = fakeAdmin()
  const createInAdmin = admin.createTopics.bind(admin)

  const writerOf = (transactionalId: string): Writer => {
    const writer = writers.get(transactionalId) ?? { epoch: -1, producerId: BigInt(writers.size), open: null, faults: [] }
    writers.set(transactionalId, writer)
    return writer
  }
  const partition = (topic: string, index = 0): FakePartition => {
    const found = shared.topics.get(topic)?.partitions[index]
    if (!found)
      throw new KafkaFault('protocol', `topic ${topic} partition ${index}: UNKNOWN_TOPIC_OR_PARTITION`, {
        apiError: 'UNKNOWN_TOPIC_OR_PARTITION',
        outcome: 'refused'
      })
    return found
  }
  const changed = (): void => {
    shared.changed.resolve()
    shared.changed = Promise.withResolvers()
  }
  const write = (records: readonly NewRecord[]): { transaction: Transaction; offsets: number[] } => {
    const transaction: Transaction = { state: 'open', partitions: new Set() }
    const logs = records.map(record => partition(record.topic, record.partition))
    return { transaction, offsets: records.map((record, index) => logs[index]!.append(record, transaction, nowMs())) }
  }
  const end = (transaction: Transaction, state: 'committed' | 'aborted'): void => {
    if (transaction.state === 'open') endTransaction(transaction, state, nowMs())
    changed()
  }
  const fence = (writer: Writer): void => {
    if (writer.open) end(writer.open, 'aborted')
    writer.open = null
    writer.epoch++
  }

  const openAppender = async (transactionalId: string): Promise<Appender> => {
    const writer = writerOf(transactionalId)
    let epoch: number | null = null
    const refuseWhenFenced = (): void => {
      if (epoch !== null && epoch !== writer.epoch)
        throw new KafkaFault('fenced', `appender ${transactionalId}: PRODUCER_FENCED`, { apiError: 'PRODUCER_FENCED' })
    }
    return {
      transactionalId,
      async fence() {
        refuseWhenFenced()
        fence(writer)
        epoch = writer.epoch
        return { producerId: writer.producerId, producerEpoch: epoch }
      },
      async append(records): Promise<Appended> {
        if (epoch === null) throw new KafkaFault('protocol', `appender ${transactionalId}: fence() must come before the first append`)
        refuseWhenFenced()
        const fault = writer.faults.shift()
        if (fault === 'refused')
          throw new KafkaFault('protocol', `appender ${transactionalId}: NOT_ENOUGH_REPLICAS`, { apiError: 'NOT_ENOUGH_REPLICAS', retriable: true })
        const { transaction, offsets } = write(records)
        end(transaction, fault === 'unknown-lost' ? 'aborted' : 'committed')
        if (!fault) return { offsets, logAppendTimeMs: null }
        epoch = ++writer.epoch
        throw new KafkaFault('timeout', `appender ${transactionalId}: no answer in time`, { retriable: true })
      },
      async close() {}
    }
  }

  const createTopic = (name: string, partitions = 1): void => void (shared.topics.has(name) || shared.topics.set(name, new FakeTopic(name, partitions)))
  admin.createTopics = async topics => {
    const answer = await createInAdmin(topics)
    for (const topic of topics) createTopic(topic.name, topic.partitions)
    return answer
  }
  admin.offsetForTimestamp = async (topic, index, timestampMs) =>
    partition(topic, index).entries.find(({ record }) => record !== null && record.timestampMs >= timestampMs)?.offset ?? null
  return {
    admin,
    createTopic,
    deleteTopic(name) {
      shared.topics.delete(name)
      changed()
    },
    partition,
    change(topic, index, change) {
      change(partition(topic, index))
      changed()
    },
    openTransaction(transactionalId, records) {
      const writer = writerOf(transactionalId)
      const { transaction } = write(records)
      writer.open = transaction
      return { commit: () => end(transaction, 'committed'), abort: () => end(transaction, 'aborted') }
    },
    failNextAppend: (transactionalId, fault) => void writerOf(transactionalId).faults.push(fault),
    failNextPoll: error => void shared.pollFaults.push(error),
    counts: () => ({ requests: 0, throttledMs: 0, throttles: 0 }),
    openReader: async () => fakeReader(shared),
    openAppender,
    async close() {}
  }
}
