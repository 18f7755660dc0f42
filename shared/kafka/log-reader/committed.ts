import { type BatchHeader, isControl, isTransactional } from './batch.ts'
import type { AbortedTransaction } from './fetch-codec.ts'

/** What a batch is to a reader of committed data. */
export type BatchKind = 'data' | 'control' | 'aborted'

/**
 * The read_committed filter of one answer, after Kafka's CompletedFetch: one made for each answer, fed its batches in order.
 * The index of an answer names every aborted transaction that overlaps its range, those begun before it too,
 * so nothing has to be remembered between answers; a marker that was compacted away cannot poison what follows.
 */
export function committedFilter(index: readonly AbortedTransaction[]): (header: BatchHeader, isAbortMarker: boolean) => BatchKind {
  const pending = index.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const aborting = new Set<bigint>()
  let next = 0
  return (header, isAbortMarker) => {
    for (; next < pending.length && pending[next]!.firstOffset <= header.lastOffset; next++) aborting.add(pending[next]!.producerId)
    if (isControl(header)) {
      if (isAbortMarker) aborting.delete(header.producerId)
      return 'control'
    }
    return isTransactional(header) && aborting.has(header.producerId) ? 'aborted' : 'data'
  }
}
