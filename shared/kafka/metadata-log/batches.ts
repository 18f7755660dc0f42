import { type Batch, crcHolds, isControl, walkBatches } from '../log-reader/batch.ts'
import { decodeRecords } from '../log-reader/records.ts'
import type { MetadataPosition, MetadataRecord, QuorumRecord } from './items.ts'
import { metadataTopicName } from './leadership.ts'

/** Uncompressed size of one batch: controllers write none above 8 MiB, and do not compress. */
const maxBatchBytes = 64 * 1024 * 1024
const place = { topic: metadataTopicName, partition: 0 }

/**
 * The whole batches that follow a position. Throws a RangeError where they are not what a log of a quorum can hold: a wrong CRC32C, a
 * hole, an epoch that goes back.
 */
export function batchesAfter(position: MetadataPosition, bytes: readonly Buffer[]): Batch[] {
  const batches = walkBatches(bytes).filter(({ header }) => header.lastOffset >= position.offset)
  let { offset: nextOffset, epoch } = position
  for (const [index, batch] of batches.entries()) {
    const { baseOffset, lastOffset, partitionLeaderEpoch } = batch.header
    checkCrc(batch)
    if (index === 0 ? baseOffset > nextOffset : baseOffset !== nextOffset) throw new RangeError(`a batch from offset ${baseOffset}, expected ${nextOffset}`)
    if (partitionLeaderEpoch < epoch) throw new RangeError(`a batch of epoch ${partitionLeaderEpoch} at offset ${baseOffset}, after epoch ${epoch}`)
    nextOffset = lastOffset + 1
    epoch = partitionLeaderEpoch
  }
  return batches
}

/** Throws a RangeError. */
export function checkCrc(batch: Batch): void {
  if (!crcHolds(batch)) throw new RangeError(`the CRC32C of the batch at offset ${batch.header.baseOffset} is not ${batch.header.crc}`)
}

/** Records at or above an offset, those of the quorum itself apart. Throws a RangeError or a codec's error when the bytes are not records. */
export function recordsOf(batches: Iterable<Batch>, fromOffset: number): { records: MetadataRecord[]; quorumRecords: QuorumRecord[] } {
  const records: MetadataRecord[] = []
  const quorumRecords: QuorumRecord[] = []
  for (const batch of batches) {
    const epoch = batch.header.partitionLeaderEpoch
    const control = isControl(batch.header)
    const decoded = decodeRecords(batch, place, { fromOffset, maxUncompressedBytes: maxBatchBytes }).records
    const first = Math.max(fromOffset, batch.header.baseOffset)
    if (decoded.length !== batch.header.lastOffset - first + 1)
      throw new RangeError(`${decoded.length} records from offset ${first} to ${batch.header.lastOffset}: some are missing`)
    for (const { offset, timestampMs, key, value } of decoded) {
      if (value === null) throw new RangeError(`a record without a value at offset ${offset}`)
      if (!control) records.push({ offset, epoch, timestampMs, value })
      else if (key && key.length >= 4) quorumRecords.push({ offset, epoch, timestampMs, value, type: key.readInt16BE(2) })
      else throw new RangeError(`a control record without a type at offset ${offset}`)
    }
  }
  return { records, quorumRecords }
}
