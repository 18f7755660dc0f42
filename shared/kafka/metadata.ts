import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import { ByteCursor } from './byte-cursor.ts'

export interface MetadataPartition {
  readonly errorCode: number
  readonly partitionIndex: number
  /** -1 where there is none. */
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly replicaNodes: readonly number[]
  readonly isrNodes: readonly number[]
}

export interface MetadataResponse {
  readonly throttleTimeMs: number
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly clusterId: string | null
  readonly topics: readonly {
    readonly errorCode: number
    readonly name: string | null
    readonly topicId: string
    readonly partitions: readonly MetadataPartition[]
  }[]
}

/**
 * Metadata v12 of the named topics, or of all (null); never creates one. Without objects for what nobody reads: the whole cluster's
 * comes with every scan. An error of a topic is in its item, and throws nothing.
 */
export const metadataV12 = createAPI<[topics: readonly string[] | null], MetadataResponse>(3, 12, createRequest, parseResponse)

/*
  Metadata Request (Version: 12) => [topics] allow_auto_topic_creation include_topic_authorized_operations TAG_BUFFER
    topics => topic_id name TAG_BUFFER
*/
export function createRequest(topics: readonly string[] | null): Writer {
  return Writer.create()
    .appendArray(topics === null ? null : [...topics], (writer, topic) => writer.appendUUID(null).appendString(topic))
    .appendBoolean(false)
    .appendBoolean(false)
    .appendTaggedFields()
}

/*
  Metadata Response (Version: 12) => throttle_time_ms [brokers] cluster_id controller_id [topics] TAG_BUFFER
    brokers => node_id host port rack TAG_BUFFER
    topics => error_code name topic_id is_internal [partitions] topic_authorized_operations TAG_BUFFER
      partitions => error_code partition_index leader_id leader_epoch [replica_nodes] [isr_nodes] [offline_replicas] TAG_BUFFER
*/
export function parseResponse(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): MetadataResponse {
  const bytes = new ByteCursor(reader.buffer.buffers)
  const nodes = sharedLists(bytes)

  const broker = (): MetadataResponse['brokers'][number] => {
    const nodeId = bytes.int32()
    const host = bytes.string()
    const port = bytes.int32()
    bytes.skipString()
    bytes.taggedFields()
    return { nodeId, host, port }
  }

  const partition = (): MetadataPartition => {
    const errorCode = bytes.int16()
    const partitionIndex = bytes.int32()
    const leaderId = bytes.int32()
    const leaderEpoch = bytes.int32()
    const replicaNodes = nodes()
    const isrNodes = nodes()
    for (let offline = bytes.compactLength() ?? 0; offline > 0; offline--) bytes.skip(4)
    bytes.taggedFields()
    return { errorCode, partitionIndex, leaderId, leaderEpoch, replicaNodes, isrNodes }
  }

  const topic = (): MetadataResponse['topics'][number] => {
    const errorCode = bytes.int16()
    const name = bytes.nullableString()
    const topicId = bytes.uuid()
    bytes.skip(1)
    const partitions = bytes.array(partition)
    bytes.skip(4)
    bytes.taggedFields()
    return { errorCode, name, topicId, partitions }
  }

  const throttleTimeMs = bytes.int32()
  const brokers = bytes.array(broker)
  const clusterId = bytes.nullableString()
  bytes.skip(4)
  return { throttleTimeMs, brokers, clusterId, topics: bytes.array(topic) }
}

/** Reads lists of nodes, each kind of list once: a cluster has as many as it has partitions, and only a few that differ. */
function sharedLists(bytes: ByteCursor): () => readonly number[] {
  const known = new Map<number, (readonly number[])[]>()
  const scratch: number[] = []
  return () => {
    const length = bytes.compactLength() ?? 0
    scratch.length = 0
    let sum = length
    for (let left = length; left > 0; left--) {
      const node = bytes.int32()
      scratch.push(node)
      sum = (Math.imul(sum, 31) + node) | 0
    }
    const alike = known.get(sum)
    const found = alike?.find(list => list.length === length && list.every((node, index) => node === scratch[index]))
    if (found) return found
    const list = [...scratch]
    if (alike) alike.push(list)
    else known.set(sum, [list])
    return list
  }
}
