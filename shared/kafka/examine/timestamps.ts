import { listOffsetsV7 } from '@platformatic/kafka'
import type { Cluster } from '../cluster.ts'

export interface StampedPartition {
  readonly topic: string
  readonly partition: number
  /** The broker that leads it now, and stamped its newest record unless it took over since. */
  readonly broker: number
  readonly newestMs: number
}

const maxTimestamp = -3n // ListOffsetsRequest.MAX_TIMESTAMP (KIP-734)
const readUncommitted = 0
const notAReplica = -1

/** Needs DESCRIBE on the topics only. What has no leader, no record or no answer is left out. Throws KafkaFault where no metadata came. */
export async function newestTimestamps(cluster: Cluster, topics: readonly string[]): Promise<readonly StampedPartition[]> {
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
      partitions: partitions.map(({ partition }) => ({ partitionIndex: partition, currentLeaderEpoch: -1, timestamp: maxTimestamp }))
    }))
    const answer = await cluster.request(broker, listOffsetsV7.api, notAReplica, readUncommitted, request).catch(() => null)
    for (const { name, partitions } of answer?.topics ?? [])
      for (const { partitionIndex, errorCode, timestamp } of partitions)
        if (errorCode === 0 && timestamp > 0n) stamped.push({ topic: name, partition: partitionIndex, broker, newestMs: Number(timestamp) })
  }
  return stamped
}
