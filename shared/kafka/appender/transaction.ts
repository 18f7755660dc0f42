import type { Appended, NewRecord } from '../ports.ts'
import { partitionKey, type Written } from './produce.ts'
import { encodeRecordBatch, type ProducerIdentity, splitIntoBatches } from './record-batch.ts'

/** What one transaction writes to one partition. */
export interface PartitionShare {
  readonly topic: string
  readonly partition: number
  readonly batches: readonly Buffer[]
  /** For each batch the places of its records in what the caller gave. */
  readonly places: readonly (readonly number[])[]
  /** Where the partition's sequence goes on after it. */
  readonly nextSequence: number
}

/** Cuts records into batches, by partition, sequences going on from `sequences`. */
export function sharesOf(
  records: readonly NewRecord[],
  identity: ProducerIdentity,
  sequences: ReadonlyMap<string, number>,
  maxBatchBytes: number
): PartitionShare[] {
  const nowMs = Date.now()
  const placed = records.map((record, place) => ({ record, place }))
  return [...Map.groupBy(placed, ({ record }) => partitionKey(record.topic, record.partition))].map(([key, items]) => {
    const { topic, partition } = items[0]!.record
    let sequence = sequences.get(key) ?? 0
    const runs = splitIntoBatches(items, maxBatchBytes)
    const batches = runs.map(run => {
      const baseSequence = sequence
      sequence = (sequence + run.length) % 2 ** 31
      return encodeRecordBatch(
        run.map(({ record }) => record),
        { ...identity, baseSequence },
        nowMs
      )
    })
    return { topic, partition, batches, places: runs.map(run => run.map(({ place }) => place)), nextSequence: sequence }
  })
}

/** Puts the brokers' answers back into the order in which the caller gave the records. */
export function appendedBy(shares: readonly PartitionShare[], written: Written): Appended {
  const offsets: number[] = []
  let logAppendTimeMs: number | null = null
  for (const { topic, partition, places } of shares) {
    const answers = written.get(partitionKey(topic, partition))!
    for (const [batch, of] of places.entries()) {
      const answer = answers[batch]!
      for (const [delta, place] of of.entries()) offsets[place] = answer.baseOffset + delta
      if (answer.logAppendTimeMs !== null) logAppendTimeMs = Math.max(logAppendTimeMs ?? 0, answer.logAppendTimeMs)
    }
  }
  return { offsets, logAppendTimeMs }
}
