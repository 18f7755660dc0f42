import { describeLogDirsV4 } from '@platformatic/kafka'
import type { Cluster, NodeId } from '../cluster.ts'
import type { Incomplete, ReplicaSize } from '../ports.ts'
import { errorText, reason } from './holes.ts'

type Unseen = Incomplete<unknown>['unseen'][number]

/** Bytes of every replica on every broker; a copy that is being moved between directories is left out. Needs DESCRIBE on the cluster. */
export async function logDirs(cluster: Cluster): Promise<Incomplete<readonly ReplicaSize[]>> {
  const { brokers } = await cluster.metadata([])
  const answers = await Promise.all(brokers.map(({ nodeId }) => logDirsOf(cluster, nodeId)))
  return { value: answers.flatMap(answer => answer.value), unseen: answers.flatMap(answer => answer.unseen) }
}

async function logDirsOf(cluster: Cluster, broker: NodeId): Promise<Incomplete<readonly ReplicaSize[]>> {
  const unseen: Unseen[] = []
  const value: ReplicaSize[] = []
  try {
    // Null asks for all topics; an empty list would bring none.
    const everyTopic = null
    const response = await cluster.request(broker, describeLogDirsV4.api, everyTopic)
    if (response.errorCode !== 0) unseen.push({ id: `broker ${broker}`, why: errorText(response.errorCode) })
    for (const { errorCode, logDir, topics } of response.results) {
      if (errorCode !== 0) unseen.push({ id: `broker ${broker}: ${logDir}`, why: errorText(errorCode) })
      for (const { name: topic, partitions } of topics)
        for (const { partitionIndex: partition, partitionSize, isFutureKey } of partitions)
          if (!isFutureKey) value.push({ topic, partition, broker, sizeBytes: Number(partitionSize), logDir })
    }
  } catch (error) {
    unseen.push({ id: `broker ${broker}`, why: reason(error) })
  }
  return { value, unseen }
}
