import { produceV9 } from '@platformatic/kafka'
import { apiErrorName, Cluster, type NodeId } from './cluster.ts'
import type { KafkaConnection } from './connection.ts'
import { faultOfApiError } from './errors.ts'

export interface RecordWriter {
  /**
   * Writes one record with acks = all; never creates the topic. Throws a KafkaFault, after which the record may be there: a caller that writes
   * again may write twice.
   */
  write(topic: string, partition: number, key: Buffer, value: Buffer): Promise<void>
  close(): Promise<void>
}

const replicationTimeoutMs = 5_000

/** Single records without a transaction, for topics of which only the latest record of a key counts. */
export function openRecordWriter(connection: KafkaConnection): RecordWriter {
  const cluster = new Cluster(connection)
  const leaders = new Map<string, NodeId>()

  async function leaderOf(topic: string, partition: number): Promise<NodeId> {
    const name = `${topic}-${partition}`
    const known = leaders.get(name)
    if (known !== undefined) return known
    const { topics } = await cluster.metadata([topic])
    const found = topics.find(each => each.name === topic)
    const leader = found?.partitions.find(({ partitionIndex }) => partitionIndex === partition)?.leaderId ?? -1
    const apiError = found?.errorCode ? apiErrorName(found.errorCode) : 'LEADER_NOT_AVAILABLE'
    if (leader < 0) throw faultOfApiError(apiError, true, `leader of ${name}`)
    leaders.set(name, leader)
    return leader
  }

  return {
    async write(topic, partition, key, value) {
      const name = `${topic}-${partition}`
      try {
        const leader = await leaderOf(topic, partition)
        const response = await cluster.request(leader, produceV9.api, -1, replicationTimeoutMs, [{ topic, partition, key, value }])
        // The codec says true in place of an answer where none was asked for.
        const errorCode = typeof response === 'boolean' ? -1 : (response.responses[0]?.partitionResponses[0]?.errorCode ?? -1)
        if (errorCode !== 0) throw faultOfApiError(apiErrorName(errorCode), true, `write to ${name}`)
      } catch (error) {
        leaders.delete(name)
        throw error
      }
    },
    close: () => cluster.close()
  }
}
