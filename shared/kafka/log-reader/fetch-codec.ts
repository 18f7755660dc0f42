import { type API, createAPI, type Reader, Writer } from '@platformatic/kafka'
import { ByteCursor } from '../byte-cursor.ts'

/**
 * Fetch, versions 13 to 17, with records left as bytes.
 * 13 names topics by id (KIP-516), 15 drops the replica id from the body, 16 adds node endpoints (KIP-951).
 */
export const newestFetchVersion = 17
export const oldestFetchVersion = 13

export interface FetchPartition {
  readonly topicId: string
  readonly partition: number
  readonly currentLeaderEpoch: number
  readonly fetchOffset: number
  /** Epoch of the last batch read below `fetchOffset`, -1 when not known; lets the leader see a truncation (KIP-320, KIP-595). */
  readonly lastFetchedEpoch: number
}

export interface FetchLimits {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxPartitionBytes: number
}

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

export interface FetchedPartition {
  readonly topicId: string
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly abortedTransactions: readonly AbortedTransaction[]
  /** Record batches as they lie in the log, in the pieces in which they came; the last one may be cut off. */
  readonly records: readonly Buffer[]
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | null
  readonly currentLeader: { readonly leaderId: number; readonly leaderEpoch: number } | null
}

export interface FetchResponse {
  readonly throttleTimeMs: number
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

type FetchApi = API<[partitions: readonly FetchPartition[], limits: FetchLimits], FetchResponse>

const apis = new Map<number, FetchApi>()

/** Fetch of one version, read_committed, outside of any fetch session. */
export function fetchApi(version: number): FetchApi {
  const known = apis.get(version)
  if (known) return known
  const api = createAPI<[readonly FetchPartition[], FetchLimits], FetchResponse>(
    1,
    version,
    (partitions, limits) => encodeRequest(version, partitions, limits),
    (_correlationId, _apiKey, _apiVersion, reader: Reader) => decodeResponse(reader.buffer.buffers)
  )
  apis.set(version, api)
  return api
}

const consumerReplicaId = -1
const readCommitted = 1
const noSession = 0
const noSessionEpoch = -1

/** Partitions keep their order within a topic, and topics the order of their first partition: the broker fills the answer in this order. */
export function encodeRequest(version: number, partitions: readonly FetchPartition[], limits: FetchLimits): Writer {
  const writer = Writer.create()
  if (version < 15) writer.appendInt32(consumerReplicaId)
  return writer
    .appendInt32(limits.maxWaitMs)
    .appendInt32(limits.minBytes)
    .appendInt32(limits.maxBytes)
    .appendInt8(readCommitted)
    .appendInt32(noSession)
    .appendInt32(noSessionEpoch)
    .appendArray(
      [...Map.groupBy(partitions, partition => partition.topicId)],
      (topicWriter, [topicId, ofTopic]) => {
        topicWriter.appendUUID(topicId).appendArray(
          ofTopic,
          (partitionWriter, { partition, currentLeaderEpoch, fetchOffset, lastFetchedEpoch }) => {
            partitionWriter
              .appendInt32(partition)
              .appendInt32(currentLeaderEpoch)
              .appendInt64(BigInt(fetchOffset))
              .appendInt32(lastFetchedEpoch)
              .appendInt64(-1n)
              .appendInt32(limits.maxPartitionBytes)
              .appendTaggedFields()
          },
          true,
          false
        )
        topicWriter.appendTaggedFields()
      },
      true,
      false
    )
    .appendArray([], () => {}, true, false)
    .appendString('')
    .appendTaggedFields()
}

/** Throws a RangeError when the bytes are not a Fetch answer. Records are views into the pieces: an answer of megabytes is not copied. */
export function decodeResponse(pieces: readonly Buffer[]): FetchResponse {
  const cursor = new ByteCursor(pieces)
  const throttleTimeMs = cursor.int32()
  const errorCode = cursor.int16()
  cursor.int32()
  const partitions: FetchedPartition[] = []
  for (let topics = cursor.compactLength() ?? 0; topics > 0; topics--) {
    const topicId = cursor.uuid()
    for (let left = cursor.compactLength() ?? 0; left > 0; left--) partitions.push(decodePartition(cursor, topicId))
    cursor.taggedFields()
  }
  cursor.taggedFields()
  return { throttleTimeMs, errorCode, partitions }
}

function decodePartition(cursor: ByteCursor, topicId: string): FetchedPartition {
  const partition = cursor.int32()
  const errorCode = cursor.int16()
  const highWatermark = cursor.safeInt64()
  const lastStableOffset = cursor.safeInt64()
  const logStartOffset = cursor.safeInt64()
  const abortedTransactions: AbortedTransaction[] = []
  for (let left = cursor.compactLength() ?? 0; left > 0; left--) {
    abortedTransactions.push({ producerId: cursor.int64(), firstOffset: cursor.safeInt64() })
    cursor.taggedFields()
  }
  cursor.int32()
  const records = cursor.takePieces(cursor.compactLength() ?? 0)
  let divergingEpoch: FetchedPartition['divergingEpoch'] = null
  let currentLeader: FetchedPartition['currentLeader'] = null
  cursor.taggedFields((tag, field) => {
    if (tag === 0) divergingEpoch = { epoch: field.int32(), endOffset: field.safeInt64() }
    if (tag === 1) currentLeader = { leaderId: field.int32(), leaderEpoch: field.int32() }
  })
  return { topicId, partition, errorCode, highWatermark, lastStableOffset, logStartOffset, abortedTransactions, records, divergingEpoch, currentLeader }
}
