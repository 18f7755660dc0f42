import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import { cursor } from './wire.ts'

/** What to ask for, as ListOffsets' timestamp and isolation level say it. */
export interface OffsetKind {
  readonly timestamp: bigint
  readonly isolation: 0 | 1
}

export const logStart: OffsetKind = { timestamp: -2n, isolation: 0 }
export const highWatermark: OffsetKind = { timestamp: -1n, isolation: 0 }
export const lastStable: OffsetKind = { timestamp: -1n, isolation: 1 }

export interface PartitionsOf {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface ListedOffset {
  readonly partition: number
  readonly errorCode: number
  /** -1 where there is none. */
  readonly offset: number
}

export interface ListOffsetsResponse {
  readonly throttleTimeMs: number
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly ListedOffset[] }[]
}

/** ListOffsets v7 without objects for what nobody reads: it is asked three times for every partition of the cluster. */
export const listOffsetsV7 = createAPI<[kind: OffsetKind, topics: readonly PartitionsOf[]], ListOffsetsResponse>(2, 7, createRequest, parseResponse)

/*
  ListOffsets Request (Version: 7) => replica_id isolation_level [topics] TAG_BUFFER
    topics => name [partitions] TAG_BUFFER
      partitions => partition_index current_leader_epoch timestamp TAG_BUFFER
*/
function createRequest({ timestamp, isolation }: OffsetKind, topics: readonly PartitionsOf[]): Writer {
  const writer = Writer.create().appendInt32(-1).appendInt8(isolation)
  writer.appendUnsignedVarInt(topics.length + 1)
  for (const { topic, partitions } of topics) {
    writer.appendString(topic).appendUnsignedVarInt(partitions.length + 1)
    const items = Buffer.alloc(partitions.length * 17)
    partitions.forEach((partition, index) => {
      items.writeInt32BE(partition, index * 17)
      items.writeInt32BE(-1, index * 17 + 4)
      items.writeBigInt64BE(timestamp, index * 17 + 8)
    })
    if (items.length > 0) writer.append(items)
    writer.appendTaggedFields()
  }
  return writer.appendTaggedFields()
}

/*
  ListOffsets Response (Version: 7) => throttle_time_ms [topics] TAG_BUFFER
    topics => name [partitions] TAG_BUFFER
      partitions => partition_index error_code timestamp offset leader_epoch TAG_BUFFER
*/
export function parseResponse(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): ListOffsetsResponse {
  const bytes = cursor(reader.buffer.buffer)
  const throttleTimeMs = bytes.int32()
  const topics = bytes.array(() => {
    const topic = bytes.string()
    const partitions = bytes.array(() => {
      const partition = bytes.int32()
      const errorCode = bytes.int16()
      bytes.skip(8)
      const offset = bytes.int64()
      bytes.skip(4)
      bytes.skipTags()
      return { partition, errorCode, offset }
    })
    bytes.skipTags()
    return { topic, partitions }
  })
  return { throttleTimeMs, topics }
}
