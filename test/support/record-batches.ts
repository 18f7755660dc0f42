import { crc32c } from '@node-rs/crc32'
import { compressionsAlgorithms, Writer } from '@platformatic/kafka'
import { encodeRecordBatch } from '#shared/kafka/appender/record-batch.ts'
import type { FetchedPartition } from '#shared/kafka/log-reader/fetch-codec.ts'
import type { NewRecord } from '#shared/kafka/ports.ts'

export const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export interface BatchSketch {
  readonly baseOffset?: number
  /** Further than the last record where compaction took the tail away. */
  readonly lastOffset?: number
  readonly leaderEpoch?: number
  readonly producerId?: number
  readonly transactional?: boolean
  readonly control?: boolean
  readonly codec?: (typeof codecNames)[number]
  readonly records?: readonly Omit<NewRecord, 'topic' | 'partition'>[]
}

/** A batch as a broker has it in its log. */
export function brokerBatch(sketch: BatchSketch): Buffer {
  const { baseOffset = 0, leaderEpoch = 0, producerId = -1, transactional = false, control = false, codec = 'none' } = sketch
  const records = sketch.records ?? [{ key: null, value: Buffer.from(`at ${baseOffset}`) }]
  const plain = encodeRecordBatch(
    (records.length === 0 ? [{ key: null, value: null }] : records).map(record => ({ topic: 't', partition: 0, ...record })),
    { producerId: BigInt(producerId), producerEpoch: 0, baseSequence: 0 },
    1_700_000_000_000
  )
  const body = records.length === 0 ? Buffer.alloc(0) : plain.subarray(61)
  const packed = codec === 'none' ? body : Buffer.from(compressionsAlgorithms[codec].compressSync(body))
  const batch = Buffer.concat([plain.subarray(0, 61), packed])
  batch.writeBigInt64BE(BigInt(baseOffset), 0)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(leaderEpoch, 12)
  batch.writeInt16BE(codecNames.indexOf(codec) | (transactional ? 0x10 : 0) | (control ? 0x20 : 0), 21)
  batch.writeInt32BE((sketch.lastOffset ?? baseOffset + Math.max(0, records.length - 1)) - baseOffset, 23)
  batch.writeInt32BE(records.length, 57)
  return summed(batch)
}

/** A marker that ends a transaction. */
export function markerBatch(baseOffset: number, producerId: number, type: 'abort' | 'commit', leaderEpoch = 0): Buffer {
  const key = Buffer.from([0, 0, 0, type === 'commit' ? 1 : 0])
  return brokerBatch({ baseOffset, producerId, leaderEpoch, transactional: true, control: true, records: [{ key, value: Buffer.alloc(6) }] })
}

/** The batch with the CRC that its bytes have now. */
export function summed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

/** The same bytes in pieces, as a socket gives them; a seam is a place in the bytes, taken modulo their length. */
export function inPieces(bytes: Buffer, seams: readonly number[]): Buffer[] {
  const places = [0, ...seams.map(seam => seam % bytes.length).toSorted((a, b) => a - b), bytes.length]
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

export type PartitionSketch = Partial<FetchedPartition> & Pick<FetchedPartition, 'topicId' | 'partition'>

export function fetchedPartition(sketch: PartitionSketch): FetchedPartition {
  return {
    errorCode: 0,
    highWatermark: 0,
    lastStableOffset: 0,
    logStartOffset: 0,
    abortedTransactions: [],
    records: [],
    divergingEpoch: null,
    currentLeader: null,
    ...sketch
  }
}

/** A Fetch answer as bytes, without the header. */
export function encodeFetchResponse(partitions: readonly FetchedPartition[]): Buffer {
  return Writer.create()
    .appendInt32(0)
    .appendInt16(0)
    .appendInt32(0)
    .appendArray(
      [...Map.groupBy(partitions, partition => partition.topicId)],
      (writer, [topicId, ofTopic]) => {
        writer.appendUUID(topicId).appendArray(ofTopic, (inner, partition) => appendPartition(inner, partition), true, false)
        writer.appendTaggedFields()
      },
      true,
      false
    )
    .appendTaggedFields().buffer
}

function appendPartition(writer: Writer, partition: FetchedPartition): void {
  const records = Buffer.concat(partition.records)
  writer
    .appendInt32(partition.partition)
    .appendInt16(partition.errorCode)
    .appendInt64(BigInt(partition.highWatermark))
    .appendInt64(BigInt(partition.lastStableOffset))
    .appendInt64(BigInt(partition.logStartOffset))
    .appendArray(
      [...partition.abortedTransactions],
      (inner, { producerId, firstOffset }) => void inner.appendInt64(producerId).appendInt64(BigInt(firstOffset)).appendTaggedFields(),
      true,
      false
    )
    .appendInt32(-1)
    .appendUnsignedVarInt(records.length + 1)
    .append(records)
  const { divergingEpoch, currentLeader } = partition
  writer.appendUnsignedVarInt(Number(divergingEpoch !== null) + Number(currentLeader !== null))
  if (divergingEpoch)
    writer.appendUnsignedVarInt(0).appendUnsignedVarInt(13).appendInt32(divergingEpoch.epoch).appendInt64(BigInt(divergingEpoch.endOffset)).appendTaggedFields()
  if (currentLeader)
    writer.appendUnsignedVarInt(1).appendUnsignedVarInt(9).appendInt32(currentLeader.leaderId).appendInt32(currentLeader.leaderEpoch).appendTaggedFields()
}
