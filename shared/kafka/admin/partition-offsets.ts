import { partitionOf, type PartitionView } from '../../domain/cluster-view.ts'
import type { Cluster, NodeId } from '../cluster.ts'
import { errorText, type Holes, reason } from './holes.ts'
import { highWatermark, lastStable, listOffsetsV7, logStart, type OffsetKind, type PartitionsOf } from './list-offsets.ts'

/** A partition that is being filled in. */
export type OpenPartition = { -readonly [Field in keyof PartitionView]: PartitionView[Field] }

/** Gentle: never more than this in one request, and one request at a time to each broker. */
const partitionsPerRequest = 2_000

/**
 * The order matters. Last stable before high watermark keeps the first at or below the second. Log start comes last:
 * retention moves it forward, so an older one would make `end - max(committed, logStart)` count records that are gone.
 */
const kinds: readonly [OffsetKind, (partition: OpenPartition, offset: number) => void][] = [
  [lastStable, (partition, offset) => (partition.lastStableOffset = offset)],
  [highWatermark, (partition, offset) => (partition.highWatermark = offset)],
  [logStart, (partition, offset) => (partition.logStartOffset = offset)]
]

const authorizationErrors = new Set([29, 30, 31]) // TOPIC_, GROUP_, CLUSTER_AUTHORIZATION_FAILED

type Topics = ReadonlyMap<string, readonly OpenPartition[]>
/** Why, by topic and partition. */
type Failures = Map<OpenPartition, { topic: string; why: string; final: boolean }>

/** Fills in the three offsets of every partition that has a leader. What failed is asked of the leader of that moment once more, then it is a hole. */
export async function readOffsets(cluster: Cluster, topics: Topics, unseen: Holes, signal?: AbortSignal): Promise<void> {
  for (const [topic, partitions] of topics)
    for (const { partition, leader } of partitions) if (leader === null) unseen.add('partition', `${topic}-${partition}`, 'it has no leader')

  const failures = await askLeaders(cluster, topics, signal)
  const again = new Map<string, OpenPartition[]>()
  for (const [partition, { topic, final }] of failures) if (!final) again.set(topic, [...(again.get(topic) ?? []), partition])
  if (again.size > 0) {
    const why = await learnLeaders(cluster, again)
    if (why === null) {
      for (const partitions of again.values()) for (const partition of partitions) failures.delete(partition)
      for (const [partition, failure] of await askLeaders(cluster, again, signal)) failures.set(partition, failure)
      for (const [topic, partitions] of again)
        for (const partition of partitions)
          if (partition.leader === null) failures.set(partition, { topic, why: 'it lost its leader while it was asked', final: true })
    }
  }
  for (const [{ partition }, { topic, why }] of failures) unseen.add('partition', `${topic}-${partition}`, why)
}

/** Null when the leaders are known again, else why not. */
async function learnLeaders(cluster: Cluster, topics: Topics): Promise<string | null> {
  try {
    const metadata = await cluster.metadata([...topics.keys()])
    const leaders = new Map(
      metadata.topics.map(topic => [topic.name, new Map(topic.partitions.map(partition => [partition.partitionIndex, partition.leaderId]))])
    )
    for (const [topic, partitions] of topics)
      for (const partition of partitions) {
        const leader = leaders.get(topic)?.get(partition.partition)
        // A topic that metadata no longer names keeps its leader: the second asking gives the reason.
        if (leader !== undefined) partition.leader = leader < 0 ? null : leader
      }
    return null
  } catch (error) {
    return reason(error)
  }
}

async function askLeaders(cluster: Cluster, topics: Topics, signal?: AbortSignal): Promise<Failures> {
  const failures: Failures = new Map()
  const ofLeader = new Map<NodeId, Asked>()
  for (const [topic, partitions] of topics)
    for (const partition of partitions) {
      if (partition.leader === null) continue
      let asked = ofLeader.get(partition.leader)
      if (!asked) ofLeader.set(partition.leader, (asked = { names: [], partitions: [] }))
      asked.names.push(topic)
      asked.partitions.push(partition)
    }
  await Promise.all([...ofLeader].map(([leader, asked]) => askLeader(cluster, leader, asked, topics, failures, signal)))
  return failures
}

/** Partitions in a row, those of one topic side by side, and the topic of each. Two lists in place of an object for each. */
interface Asked {
  readonly names: string[]
  readonly partitions: OpenPartition[]
}

async function askLeader(
  cluster: Cluster,
  leader: NodeId,
  { names, partitions }: Asked,
  topics: Topics,
  failures: Failures,
  signal?: AbortSignal
): Promise<void> {
  for (let start = 0; start < partitions.length; start += partitionsPerRequest) {
    const end = Math.min(start + partitionsPerRequest, partitions.length)
    const request = byTopic(names, partitions, start, end)
    try {
      for (const [kind, fill] of kinds) {
        signal?.throwIfAborted()
        const response = await cluster.request(leader, listOffsetsV7, kind, request)
        for (const { topic, partitions: answered } of response.topics) {
          const open = topics.get(topic)
          for (const { partition: index, errorCode, offset } of answered) {
            const partition = open && partitionOf({ partitions: open }, index)
            if (partition?.leader !== leader) continue
            if (errorCode === 0 && offset >= 0) fill(partition, offset)
            else
              failures.set(partition, {
                topic,
                why: errorCode === 0 ? 'the leader knows no offset' : errorText(errorCode),
                final: authorizationErrors.has(errorCode)
              })
          }
        }
      }
    } catch (error) {
      if (signal?.aborted) throw error
      // A broker that did not answer this request is not made to wait for, nor asked, the rest.
      const why = `broker ${leader} did not answer: ${reason(error)}`
      for (let at = start; at < partitions.length; at++) failures.set(partitions[at]!, { topic: names[at]!, why, final: false })
      return
    }
    for (let at = start; at < end; at++) {
      const partition = partitions[at]!
      if ((partition.lastStableOffset === null || partition.highWatermark === null || partition.logStartOffset === null) && !failures.has(partition))
        failures.set(partition, { topic: names[at]!, why: 'the answer left it out', final: false })
    }
  }
}

function byTopic(names: readonly string[], partitions: readonly OpenPartition[], start: number, end: number): PartitionsOf[] {
  const request: { topic: string; partitions: number[] }[] = []
  for (let at = start; at < end; at++) {
    const last = request.at(-1)
    if (last !== undefined && last.topic === names[at]) last.partitions.push(partitions[at]!.partition)
    else request.push({ topic: names[at]!, partitions: [partitions[at]!.partition] })
  }
  return request
}
