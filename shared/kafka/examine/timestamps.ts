import { listOffsetsV7 } from '@platformatic/kafka'
import type { Cluster } from '../cluster.ts'

export interface StampedPartition {
  readonly topic: string
  readonly partition: number
  /** Of the record. */
  readonly offset: number
  /** The broker that leads it now, and stamped its newest record unless it took over since. */
  readonly broker: number
  readonly timestampMs: number
}

const maxTimestamp = -3n // ListOffsetsRequest.MAX_TIMESTAMP (KIP-734)
const readUncommitted = 0
const notAReplica = -1

/**
 * The record of each partition with the newest timestamp, or the first one at or after a moment in epoch milliseconds. Needs DESCRIBE on the
 * topics only. What has no leader, no such record or no answer is left out. Throws KafkaFault where no metadata came.
 */
export async function stampedRecords(cluster: Cluster, topics: readonly string[], at: 'newest' | number): Promise<readonly StampedPartition[]> {
  const asked = at === 'newest' ? maxTimestamp : BigInt(Math.max(0, Math.floor(at)))
  const { topics: known } = await cluster.metadata(topics)
  const led = known.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ leaderId }) => leaderId >= 0)
      .map(({ partitionIndex, leaderId }) => ({ topic: name ?? '', partition: partitionIndex, leader: leaderId }))
  )
  const stamped: StampedPartition[] = []
  for (const [broker, ofBroker] of Map.groupBy(led, ({ leader }) => leader)) {
    const request = [...Map.groupBy(ofBroker, ({ topic }) => topic)].map(([name, partitions]) => ({
      name,
      partitions: partitions.map(({ partition }) => ({ partitionIndex: partition, currentLeaderEpoch: -1, timestamp: asked }))
    }))
    const answer = await cluster.request(broker, listOffsetsV7.api, notAReplica, readUncommitted, request).catch(() => null)
    for (const { name, partitions } of answer?.topics ?? [])
      for (const { partitionIndex, errorCode, timestamp, offset } of partitions)
        if (errorCode === 0 && timestamp > 0n)
          stamped.push({ topic: name, partition: partitionIndex, offset: Number(offset), broker, timestampMs: Number(timestamp) })
  }
  return stamped
}
