import { randomUUID } from 'node:crypto'
import type { LogRecord, NewRecord } from '#shared/kafka/ports.ts'

/** One offset of a log in memory: a record of some transaction, or the marker that ends one. */
interface Entry {
  readonly offset: number
  readonly record: LogRecord | null
  readonly transaction: Transaction
}

export interface Transaction {
  state: 'open' | 'committed' | 'aborted'
  readonly partitions: Set<FakePartition>
}

/** A partition as its leader has it: log start, end, and the last stable offset below the first open transaction. */
export class FakePartition {
  readonly topic: string
  readonly partition: number
  logStartOffset = 0
  highWatermark = 0
  entries: Entry[] = []

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get lastStableOffset(): number {
    return this.entries.find(entry => entry.transaction.state === 'open')?.offset ?? this.highWatermark
  }

  append(record: NewRecord | null, transaction: Transaction, nowMs: number): number {
    const offset = this.highWatermark++
    const { topic, partition } = this
    this.entries.push({
      offset,
      transaction,
      record: record && {
        topic,
        partition,
        offset,
        timestampMs: record.timestampMs ?? nowMs,
        key: record.key,
        value: record.value,
        headers: record.headers ?? []
      }
    })
    transaction.partitions.add(this)
    return offset
  }

  /** Committed records from an offset on, and where to go on: at most `limit`, below the last stable offset. */
  read(from: number, limit: number): { records: LogRecord[]; nextOffset: number } {
    const end = this.lastStableOffset
    const stable = this.entries.filter(entry => entry.offset >= from && entry.offset < end)
    const taken = stable.slice(0, limit)
    const nextOffset = taken.length < stable.length ? taken.at(-1)!.offset + 1 : Math.max(from, end)
    return { records: taken.flatMap(({ record, transaction }) => (record && transaction.state === 'committed' ? [record] : [])), nextOffset }
  }

  deleteRecords(before: number): void {
    this.logStartOffset = Math.max(this.logStartOffset, Math.min(before, this.highWatermark))
    this.entries = this.entries.filter(entry => entry.offset >= this.logStartOffset)
  }

  truncate(end: number): void {
    this.highWatermark = Math.max(this.logStartOffset, Math.min(end, this.highWatermark))
    this.entries = this.entries.filter(entry => entry.offset < this.highWatermark)
  }

  /** Keeps the newest record of each key, as the log cleaner does in the end; offsets stay as they are. */
  compact(): void {
    const newest = new Map(
      this.entries
        .filter(({ record, transaction }) => record && transaction.state === 'committed')
        .map(({ record, offset }) => [record!.key?.toString('hex'), offset])
    )
    this.entries = this.entries.filter(
      ({ record, transaction, offset }) => transaction.state === 'open' || (record !== null && newest.get(record.key?.toString('hex')) === offset)
    )
  }
}

export class FakeTopic {
  readonly topicId = randomUUID()
  readonly partitions: readonly FakePartition[]

  constructor(name: string, partitions: number) {
    this.partitions = Array.from({ length: partitions }, (_, partition) => new FakePartition(name, partition))
  }
}

export function endTransaction(transaction: Transaction, state: 'committed' | 'aborted', nowMs: number): void {
  for (const partition of transaction.partitions) partition.append(null, transaction, nowMs)
  transaction.state = state
}
