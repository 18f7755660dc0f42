import { KafkaFault } from '../errors.ts'
import type { Assigned, Moved } from './assigned.ts'
import { type Batch, crcHolds, isControl } from './batch.ts'
import { type BatchKind, committedFilter } from './committed.ts'
import type { AbortedTransaction } from './fetch-codec.ts'
import { controlType } from './records.ts'

export interface KnownBatch extends Batch {
  readonly kind: BatchKind
}

/** What one answer held of one partition, checked and told apart. */
export interface Chunk {
  readonly assigned: Assigned
  readonly fromOffset: number
  readonly nextOffset: number
  readonly logStartOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly moved: Moved | null
  readonly batches: readonly KnownBatch[]
}

/** The same before its batches were looked at. */
export interface Arrived extends Omit<Chunk, 'batches'> {
  readonly batches: readonly Batch[]
  readonly abortedTransactions: readonly AbortedTransaction[]
}

/** Checks the CRC of each batch and tells data from markers and aborted data. At a batch that is not sound the chunk ends, and the partition stops there. */
export function checked(arrived: Arrived): Chunk {
  const { assigned, abortedTransactions, batches: walked, ...rest } = arrived
  const kindOf = committedFilter(abortedTransactions)
  const batches: KnownBatch[] = []
  for (const batch of walked) {
    const { header, bytes } = batch
    try {
      if (!crcHolds(batch)) throw new RangeError(`the CRC32C is not ${header.crc}`)
      batches.push({ header, bytes, kind: kindOf(header, isControl(header) && controlType(batch) === 0) })
    } catch (error) {
      assigned.fault = corrupt(assigned, header.baseOffset, String(error))
      return { ...rest, assigned, batches, nextOffset: Math.max(rest.fromOffset, header.baseOffset) }
    }
  }
  return { ...rest, assigned, batches }
}

/** The fault of bytes that are not sound, with their place. */
export function corrupt(assigned: Assigned, offset: number, detail: string): KafkaFault {
  return new KafkaFault('protocol', `${assigned.name} offset ${offset}: not a sound record batch: ${detail}`, { apiError: 'CORRUPT_MESSAGE' })
}

/** Goes on at the last stable offset, for between it and the position compaction has left nothing, not even an empty batch. */
export function skip(assigned: Assigned): Chunk[] {
  const { fetchOffset: fromOffset, position, ends } = assigned
  if (!ends || position !== fromOffset || ends.lastStableOffset <= fromOffset) return []
  const nextOffset = ends.lastStableOffset
  assigned.fetchOffset = assigned.position = nextOffset
  // The epoch of what lies beyond is not known.
  assigned.epochs.clear()
  return [{ assigned, fromOffset, nextOffset, ...ends, moved: null, batches: [] }]
}
