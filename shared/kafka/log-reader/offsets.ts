import { offsetForLeaderEpochV4 } from '@platformatic/kafka'
import { apiErrorName, type Cluster, type NodeId } from '../cluster.ts'
import type { Assigned } from './assigned.ts'
import type { Versions } from './versions.ts'

type Requests = Pick<Cluster, 'request'>
export type OffsetAnswer = { readonly offset: number } | { readonly error: string }

/** Which offset to ask for: timestamps with a meaning of their own in ListOffsets. */
const asked = { 'log-start': -2n, 'high-watermark': -1n, 'last-stable-offset': -1n, 'local-log-start': -4n } as const
export type OffsetKind = keyof typeof asked

/** Asks one leader for one kind of offset of partitions that it leads. An error is an answer; throws a KafkaFault when none came. */
export async function listOffsets(
  cluster: Requests,
  versions: Versions,
  leader: NodeId,
  kind: OffsetKind,
  partitions: readonly Assigned[]
): Promise<Map<Assigned, OffsetAnswer>> {
  const isolation = kind === 'last-stable-offset' ? 1 : 0
  const topics = [...Map.groupBy(partitions, partition => partition.topic)].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(({ partition, leaderEpoch }) => ({ partitionIndex: partition, currentLeaderEpoch: leaderEpoch, timestamp: asked[kind] }))
  }))
  const { listOffsets: api } = await versions.of(leader)
  const response = await cluster.request(leader, api, -1, isolation, topics)
  const answers = new Map(response.topics.flatMap(topic => topic.partitions.map(found => [`${topic.name} ${found.partitionIndex}`, found] as const)))
  return new Map(
    partitions.map(assigned => {
      const found = answers.get(`${assigned.topic} ${assigned.partition}`)
      if (!found) return [assigned, { error: 'no answer' }]
      if (found.errorCode !== 0) return [assigned, { error: apiErrorName(found.errorCode) }]
      const offset = Number(found.offset)
      return [assigned, Number.isSafeInteger(offset) ? { offset } : { error: `offset ${found.offset} is more than a safe integer` }]
    })
  )
}

/**
 * The end of the newest leader epoch at or below `epoch` in the leader's log (KIP-101); null when the leader knows none.
 * Throws a KafkaFault when no answer came.
 */
export async function endOfEpoch(
  cluster: Requests,
  leader: NodeId,
  assigned: Assigned,
  epoch: number
): Promise<{ epoch: number; endOffset: number } | { error: string } | null> {
  const response = await cluster.request(leader, offsetForLeaderEpochV4.api, -1, [
    { name: assigned.topic, partitions: [{ partitionIndex: assigned.partition, currentLeaderEpoch: assigned.leaderEpoch, leaderEpoch: epoch }] }
  ])
  const found = response.topics[0]?.partitions[0]
  if (!found) return { error: 'no answer' }
  if (found.errorCode !== 0) return { error: apiErrorName(found.errorCode) }
  if (found.leaderEpoch < 0 || found.endOffset < 0n) return null
  return { epoch: found.leaderEpoch, endOffset: Number(found.endOffset) }
}
