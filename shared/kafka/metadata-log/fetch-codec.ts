import { type API, createAPI, type Reader, Writer } from '@platformatic/kafka'
import { ByteCursor } from '../byte-cursor.ts'
import type { BrokerAddress } from '../connection.ts'
import { type CurrentLeader, type EndOffset, type Leadership, readCurrentLeader } from './leadership.ts'

/** 17 names the leader's endpoint (KIP-853), 18 answers as soon as the high watermark moves (KIP-1166). */
export const newestFetchVersion = 18
export const oldestFetchVersion = 17

export interface MetadataFetch {
  /** What the quorum must be; null: any. */
  readonly clusterId: string | null
  readonly leaderEpoch: number
  readonly position: EndOffset
  /** As known to the reader, -1 for unknown; the leader answers at once when it knows a higher one. */
  readonly highWatermark: number
  readonly maxWaitMs: number
}

/** A Fetch answer for the one partition of the metadata log (KIP-595, KIP-630). */
export interface MetadataFetched extends Leadership {
  readonly throttleTimeMs: number
  readonly errorCode: number
  /** -1 where the leader does not know it yet. */
  readonly highWatermark: number
  readonly logStartOffset: number
  /** Batches as they lie in the log, in the pieces in which they came; committed or not. */
  readonly records: readonly Buffer[]
  readonly divergingEpoch: EndOffset | null
  readonly snapshotId: EndOffset | null
}

const topicId = '00000000-0000-0000-0000-000000000001'
const maxBytes = 8 * 1024 * 1024
const minBytes = 1
const readUncommitted = 0
const noSession = 0
const noSessionEpoch = -1

type FetchApi = API<[asked: MetadataFetch], MetadataFetched>
const apis = new Map<number, FetchApi>()

/** Fetch of the metadata log in one version. The replica id is left at its default, -1: no replica at all. */
export function metadataFetch(version: number): FetchApi {
  const known = apis.get(version)
  if (known) return known
  const api = createAPI<[MetadataFetch], MetadataFetched>(
    1,
    version,
    asked => encodeFetch(version, asked),
    (_correlationId, _apiKey, _apiVersion, reader: Reader) => decodeFetch(reader.buffer.buffers)
  )
  apis.set(version, api)
  return api
}

export function encodeFetch(version: number, { clusterId, leaderEpoch, position, highWatermark, maxWaitMs }: MetadataFetch): Writer {
  const writer = Writer.create()
    .appendInt32(maxWaitMs)
    .appendInt32(minBytes)
    .appendInt32(maxBytes)
    .appendInt8(readUncommitted)
    .appendInt32(noSession)
    .appendInt32(noSessionEpoch)
    .appendArray([topicId], (topic, id) => {
      topic.appendUUID(id).appendArray(
        [0],
        (partition, index) => {
          partition
            .appendInt32(index)
            .appendInt32(leaderEpoch)
            .appendInt64(BigInt(position.offset))
            .appendInt32(position.epoch)
            .appendInt64(-1n)
            .appendInt32(maxBytes)
          if (version < 18) partition.appendTaggedFields()
          else partition.appendUnsignedVarInt(1).appendUnsignedVarInt(1).appendUnsignedVarInt(8).appendInt64(BigInt(highWatermark))
        },
        true,
        false
      )
    })
    .appendArray([], () => {})
    .appendString('')
  return appendClusterId(writer, clusterId)
}

/** Ends a request whose field with tag 0 is the cluster's id. */
export function appendClusterId(writer: Writer, clusterId: string | null): Writer {
  if (clusterId === null) return writer.appendTaggedFields()
  const field = Writer.create().appendString(clusterId).buffer
  return writer.appendUnsignedVarInt(1).appendUnsignedVarInt(0).appendUnsignedVarInt(field.length).append(field)
}

/** Throws a RangeError when the bytes are not a Fetch answer for the metadata log. */
export function decodeFetch(pieces: readonly Buffer[]): MetadataFetched {
  const cursor = new ByteCursor(pieces)
  const throttleTimeMs = cursor.int32()
  const errorCode = cursor.int16()
  cursor.skip(4)
  const partitions: FetchedPartition[] = []
  for (let topics = cursor.compactLength() ?? 0; topics > 0; topics--) {
    const id = cursor.uuid()
    const ofTopic = cursor.array(() => decodePartition(cursor))
    cursor.taggedFields()
    if (id !== topicId) throw new RangeError(`an answer for topic id ${id}, expected ${topicId}`)
    partitions.push(...ofTopic)
  }
  const endpoints = new Map<number, BrokerAddress>()
  cursor.taggedFields((tag, field) => {
    if (tag === 0) field.array(() => readEndpoint(field, endpoints))
  })
  if (partitions.length > 1) throw new RangeError(`an answer for ${partitions.length} partitions, expected 1`)
  const partition = partitions[0]
  // An error of the whole request comes without its partition.
  if (!partition) {
    if (errorCode === 0) throw new RangeError('an answer without a partition and without an error')
    return { throttleTimeMs, ...nothing, errorCode, endpoints }
  }
  return { throttleTimeMs, ...partition, errorCode: errorCode === 0 ? partition.errorCode : errorCode, endpoints }
}

type FetchedPartition = Omit<MetadataFetched, 'throttleTimeMs' | 'endpoints'>
const nothing = { highWatermark: -1, logStartOffset: -1, records: [], divergingEpoch: null, currentLeader: null, snapshotId: null }

function decodePartition(cursor: ByteCursor): FetchedPartition {
  cursor.skip(4)
  const errorCode = cursor.int16()
  const highWatermark = cursor.safeInt64()
  cursor.skip(8)
  const logStartOffset = cursor.safeInt64()
  for (let aborted = cursor.compactLength() ?? 0; aborted > 0; aborted--) {
    cursor.skip(16)
    cursor.taggedFields()
  }
  cursor.skip(4)
  const records = cursor.takePieces(cursor.compactLength() ?? 0)
  let divergingEpoch: EndOffset | null = null
  let currentLeader: CurrentLeader | null = null
  let snapshotId: EndOffset | null = null
  cursor.taggedFields((tag, field) => {
    if (tag === 0) {
      const epoch = field.int32()
      divergingEpoch = { offset: field.safeInt64(), epoch }
    }
    if (tag === 1) currentLeader = readCurrentLeader(field)
    if (tag === 2) snapshotId = { offset: field.safeInt64(), epoch: field.int32() }
  })
  return { errorCode, highWatermark, logStartOffset, records, divergingEpoch, currentLeader, snapshotId }
}

function readEndpoint(field: ByteCursor, endpoints: Map<number, BrokerAddress>): void {
  const nodeId = field.int32()
  const host = field.string()
  const port = field.int32()
  field.skipString()
  field.taggedFields()
  if (port > 0 && port < 65536) endpoints.set(nodeId, { host, port })
}
