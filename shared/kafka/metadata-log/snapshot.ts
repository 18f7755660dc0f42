import { apiErrorName } from '../cluster.ts'
import { KafkaFault } from '../errors.ts'
import { type Batch, isControl, walkBatches } from '../log-reader/batch.ts'
import { checkCrc, recordsOf } from './batches.ts'
import type { MetadataRecord, QuorumRecord } from './items.ts'
import type { EndOffset, Leadership } from './leadership.ts'
import type { SnapshotFetch, SnapshotFetched } from './snapshot-codec.ts'

/** A snapshot that is there from its header to its footer. */
export interface CompleteSnapshot {
  readonly lastContainedLogTimestampMs: number
  readonly sizeBytes: number
  readonly recordCount: number
  readonly records: Iterable<MetadataRecord>
}

/** The controller does not give it (any more): why, and what it says of who leads. */
export interface SnapshotRefused {
  readonly refused: string
  readonly leadership: Leadership
}

export interface SnapshotRequest {
  readonly snapshotId: EndOffset
  readonly leaderEpoch: number
  readonly clusterId: string | null
  readonly maxSnapshotBytes: number
}

const chunkBytes = 1024 * 1024
const snapshotHeader = 3
const snapshotFooter = 4

/**
 * Fetches a snapshot in chunks into memory and checks it: the CRC32C of each batch, offsets without a hole, its header, its footer and
 * its size. Two controllers' snapshots of the same id may differ in their bytes, so all chunks come from one. Throws a RangeError where it
 * is not whole, a KafkaFault where no answer came or it is larger than its bound.
 */
export async function downloadSnapshot(
  { snapshotId, leaderEpoch, clusterId, maxSnapshotBytes }: SnapshotRequest,
  ask: (asked: SnapshotFetch) => Promise<SnapshotFetched>
): Promise<CompleteSnapshot | SnapshotRefused> {
  const batches: Batch[] = []
  let rest: readonly Buffer[] = []
  let walked = 0
  let position = 0
  let nextOffset = 0
  for (;;) {
    const answer = await ask({ clusterId, leaderEpoch, snapshotId, position, maxBytes: chunkBytes })
    if (answer.errorCode !== 0) return { refused: apiErrorName(answer.errorCode), leadership: answer }
    if (answer.currentLeader && answer.currentLeader.leaderEpoch > leaderEpoch) return { refused: 'a newer leader epoch', leadership: answer }
    const { size, unalignedRecords } = answer
    checkAnswer(answer, snapshotId, position)
    if (size > maxSnapshotBytes)
      throw new KafkaFault('protocol', `the snapshot at offset ${snapshotId.offset} has ${size} bytes, more than the limit of ${maxSnapshotBytes}`, {
        apiError: 'RECORD_LIST_TOO_LARGE'
      })
    const pieces = [...rest, ...unalignedRecords]
    const arrived = walkBatches(pieces)
    for (const batch of arrived) {
      checkCrc(batch)
      if (batch.header.baseOffset !== nextOffset) throw new RangeError(`a batch of the snapshot from offset ${batch.header.baseOffset}, expected ${nextOffset}`)
      nextOffset = batch.header.lastOffset + 1
      walked += batch.bytes.length
    }
    batches.push(...arrived)
    position += lengthOf(unalignedRecords)
    rest = lastBytes(pieces, position - walked)
    if (position < size) continue
    if (position > size || position !== walked) throw new RangeError(`a snapshot of ${size} bytes with ${position} bytes, ${walked} of them in whole batches`)
    return completed(batches, size)
  }
}

function checkAnswer(answer: SnapshotFetched, { offset, epoch }: EndOffset, position: number): void {
  const { snapshotId } = answer
  if (snapshotId.offset !== offset || snapshotId.epoch !== epoch)
    throw new RangeError(`an answer for the snapshot ${snapshotId.offset}-${snapshotId.epoch}, expected ${offset}-${epoch}`)
  if (answer.position !== position) throw new RangeError(`an answer from byte ${answer.position} of the snapshot, expected ${position}`)
  if (position < answer.size && lengthOf(answer.unalignedRecords) === 0) throw new RangeError(`no byte at ${position} of ${answer.size} of the snapshot`)
}

function completed(batches: readonly Batch[], sizeBytes: number): CompleteSnapshot {
  const [first, last] = [batches[0], batches.at(-1)].map(batch => (batch && isControl(batch.header) ? recordsOf([batch], 0).quorumRecords : []))
  const header = first![0]
  if (header?.type !== snapshotHeader) throw new RangeError('a snapshot without its header')
  if (last!.at(-1)?.type !== snapshotFooter) throw new RangeError('a snapshot without its footer')
  // Once now, so that nobody begins with a snapshot that cannot be walked to its end.
  let recordCount = 0
  for (const batch of batches) recordCount += recordsOf([batch], 0).records.length
  return {
    lastContainedLogTimestampMs: lastContainedLogTimestamp(header),
    sizeBytes,
    recordCount,
    records: {
      *[Symbol.iterator]() {
        for (const batch of batches) yield* recordsOf([batch], 0).records
      }
    }
  }
}

/** SnapshotHeaderRecord: version int16, lastContainedLogTimestamp int64. */
function lastContainedLogTimestamp({ value }: QuorumRecord): number {
  if (value.length < 10) throw new RangeError(`a snapshot header of ${value.length} bytes`)
  return Number(value.readBigInt64BE(2))
}

const lengthOf = (pieces: readonly Buffer[]): number => pieces.reduce((sum, piece) => sum + piece.length, 0)

function lastBytes(pieces: readonly Buffer[], count: number): readonly Buffer[] {
  if (count === 0) return []
  return [Buffer.concat(pieces).subarray(-count)]
}
