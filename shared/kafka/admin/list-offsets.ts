import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import { ByteCursor } from '../byte-cursor.ts'

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

/** ListOffsets v7, written into one buffer and read without objects for what nobody reads: it is asked three times for every partition of the cluster. */
export const listOffsetsV7 = createAPI<[kind: OffsetKind, topics: readonly PartitionsOf[]], ListOffsetsResponse>(2, 7, createRequest, parseResponse)

/*
  ListOffsets Request (Version: 7) => replica_id isolation_level [topics] TAG_BUFFER
    topics => name [partitions] TAG_BUFFER
      partitions => partition_index current_leader_epoch timestamp TAG_BUFFER
*/
export function createRequest({ timestamp, isolation }: OffsetKind, topics: readonly PartitionsOf[]): Writer {
  const high = Number(timestamp >> 32n)
  const low = Number(BigInt.asIntN(32, timestamp))
  const bytes = Buffer.allocUnsafe(headBytes + topics.reduce((sum, { topic, partitions }) => sum + mostBytes(topic, partitions), 0))
  let at = bytes.writeInt8(isolation, bytes.writeInt32BE(-1, 0))
  at = writeUnsignedVarint(bytes, topics.length + 1, at)
  for (const { topic, partitions } of topics) {
    at = writeUnsignedVarint(bytes, Buffer.byteLength(topic) + 1, at)
    at += bytes.write(topic, at)
    at = writeUnsignedVarint(bytes, partitions.length + 1, at)
    for (const partition of partitions) {
      at = bytes.writeInt32BE(partition, at)
      at = bytes.writeInt32BE(-1, at)
      at = bytes.writeInt32BE(high, at)
      at = bytes.writeInt32BE(low, at)
      bytes[at++] = 0
    }
    bytes[at++] = 0
  }
  bytes[at++] = 0
  return Writer.create().append(bytes.subarray(0, at))
}

/** Bounds of what the request takes, with room for varints of 5 bytes. */
const headBytes = 11
const mostBytes = (topic: string, partitions: readonly number[]): number => 11 + Buffer.byteLength(topic) + 17 * partitions.length

function writeUnsignedVarint(bytes: Buffer, value: number, at: number): number {
  let left = value
  for (; left > 0x7f; left >>>= 7) bytes[at++] = (left & 0x7f) | 0x80
  bytes[at] = left
  return at + 1
}

/*
  ListOffsets Response (Version: 7) => throttle_time_ms [topics] TAG_BUFFER
    topics => name [partitions] TAG_BUFFER
      partitions => partition_index error_code timestamp offset leader_epoch TAG_BUFFER
*/
export function parseResponse(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): ListOffsetsResponse {
  const bytes = new ByteCursor(reader.buffer.buffers)
  const throttleTimeMs = bytes.int32()
  const topics = bytes.array(() => {
    const topic = bytes.string()
    const partitions = bytes.array(() => {
      const partition = bytes.int32()
      const errorCode = bytes.int16()
      bytes.skip(8)
      const offset = bytes.safeInt64()
      bytes.skip(4)
      bytes.taggedFields()
      return { partition, errorCode, offset }
    })
    bytes.taggedFields()
    return { topic, partitions }
  })
  return { throttleTimeMs, topics }
}
