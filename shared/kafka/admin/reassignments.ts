import { listPartitionReassignmentsV0 } from '@platformatic/kafka'
import type { Cluster } from '../cluster.ts'

const answerWithinMs = 5_000

/** How many partitions are being moved to other brokers now (KIP-455). Any broker answers for the controller; needs DESCRIBE on the cluster. */
export async function reassignments(cluster: Cluster): Promise<number> {
  // Null asks for all; the driver's types do not know it.
  const all = null as unknown as []
  const { topics } = await cluster.request('any', listPartitionReassignmentsV0.api, answerWithinMs, all)
  return topics.reduce((sum, { partitions }) => sum + partitions.length, 0)
}
