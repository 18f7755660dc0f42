import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import { ByteCursor } from '../byte-cursor.ts'
import type { BrokerAddress } from '../connection.ts'
import { appendClusterId } from './fetch-codec.ts'
import { type CurrentLeader, type EndOffset, type Leadership, metadataTopicName, readCurrentLeader } from './leadership.ts'

export interface SnapshotFetch {
  readonly clusterId: string | null
  readonly leaderEpoch: number
  readonly snapshotId: EndOffset
  /** Byte of the snapshot from which to go on. */
  readonly position: number
  readonly maxBytes: number
}

export interface SnapshotFetched extends Leadership {
  readonly throttleTimeMs: number
  readonly errorCode: number
  readonly snapshotId: EndOffset
  /** Bytes of the whole snapshot. */
  readonly size: number
  readonly position: number
  /** Bytes of the snapshot from `position`; may begin and end within a batch. */
  readonly unalignedRecords: readonly Buffer[]
}

const noReplica = -1

/** FetchSnapshot v1 (KIP-630, KIP-853), as no replica: its id is -1. */
export const fetchSnapshot = createAPI<[asked: SnapshotFetch], SnapshotFetched>(
  59,
  1,
  encodeFetchSnapshot,
  (_correlationId, _apiKey, _apiVersion, reader: Reader) => decodeFetchSnapshot(reader.buffer.buffers)
)

export function encodeFetchSnapshot({ clusterId, leaderEpoch, snapshotId, position, maxBytes }: SnapshotFetch): Writer {
  const writer = Writer.create()
    .appendInt32(noReplica)
    .appendInt32(maxBytes)
    .appendArray([metadataTopicName], (topic, name) => {
      topic.appendString(name).appendArray([0], (partition, index) => {
        partition
          .appendInt32(index)
          .appendInt32(leaderEpoch)
          .appendInt64(BigInt(snapshotId.offset))
          .appendInt32(snapshotId.epoch)
          .appendTaggedFields()
          .appendInt64(BigInt(position))
      })
    })
  return appendClusterId(writer, clusterId)
}

/** Throws a RangeError when the bytes are not a FetchSnapshot answer for the metadata log. */
export function decodeFetchSnapshot(pieces: readonly Buffer[]): SnapshotFetched {
  const cursor = new ByteCursor(pieces)
  const throttleTimeMs = cursor.int32()
  const errorCode = cursor.int16()
  const partitions: Omit<SnapshotFetched, 'throttleTimeMs' | 'endpoints'>[] = []
  for (let topics = cursor.compactLength() ?? 0; topics > 0; topics--) {
    const name = cursor.string()
    const ofTopic = cursor.array(() => decodePartition(cursor))
    cursor.taggedFields()
    if (name !== metadataTopicName) throw new RangeError(`an answer for topic ${JSON.stringify(name)}, expected ${metadataTopicName}`)
    partitions.push(...ofTopic)
  }
  const endpoints = new Map<number, BrokerAddress>()
  cursor.taggedFields((tag, field) => {
    if (tag === 0) field.array(() => readEndpoint(field, endpoints))
  })
  if (partitions.length > 1) throw new RangeError(`an answer for ${partitions.length} partitions, expected 1`)
  const partition = partitions[0]
  if (!partition) {
    if (errorCode === 0) throw new RangeError('an answer without a partition and without an error')
    return { throttleTimeMs, errorCode, snapshotId: { offset: -1, epoch: -1 }, size: 0, position: 0, unalignedRecords: [], currentLeader: null, endpoints }
  }
  return { throttleTimeMs, ...partition, errorCode: errorCode === 0 ? partition.errorCode : errorCode, endpoints }
}

function decodePartition(cursor: ByteCursor): Omit<SnapshotFetched, 'throttleTimeMs' | 'endpoints'> {
  cursor.skip(4)
  const errorCode = cursor.int16()
  const snapshotId = { offset: cursor.safeInt64(), epoch: cursor.int32() }
  cursor.taggedFields()
  const size = cursor.safeInt64()
  const position = cursor.safeInt64()
  const unalignedRecords = cursor.takePieces(cursor.compactLength() ?? 0)
  let currentLeader: CurrentLeader | null = null
  cursor.taggedFields((tag, field) => {
    if (tag === 0) currentLeader = readCurrentLeader(field)
  })
  return { errorCode, snapshotId, size, position, unalignedRecords, currentLeader }
}

function readEndpoint(field: ByteCursor, endpoints: Map<number, BrokerAddress>): void {
  const nodeId = field.int32()
  const host = field.string()
  const port = field.int16() & 0xffff
  field.taggedFields()
  if (port > 0) endpoints.set(nodeId, { host, port })
}
