import { describeClusterV1 } from '@platformatic/kafka'
import type { ClusterView, GroupView, TopicView } from '../../domain/cluster-view.ts'
import { apiErrorName, type Cluster } from '../cluster.ts'
import type { MetadataResponse } from '../metadata.ts'
import type { ScanOptions } from '../ports.ts'
import { offsetsTopic } from './group-list.ts'
import { readGroups } from './groups.ts'
import { errorText, type Holes, holes, reason } from './holes.ts'
import { type OpenPartition, readOffsets } from './partition-offsets.ts'

const describeOperation = 8 // AclOperation.DESCRIBE, a bit in the set of authorised operations

/**
 * One look at the whole cluster: topics, groups with their commits, then offsets. Commits are read before end offsets, so a
 * lag is never negative; it may count what was produced, and not yet committed, during the scan. Whatever a broker or a
 * missing right kept back is in `unseen`. Throws only when no broker gave its metadata, or with the signal's reason.
 */
export async function scan(cluster: Cluster, options: ScanOptions): Promise<ClusterView> {
  const { signal } = options
  signal?.throwIfAborted()
  const look = lookAt(cluster, options)
  if (!signal) return look
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([look, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

async function lookAt(cluster: Cluster, { atMs, signal, groups: withGroups = true, topics: named }: ScanOptions): Promise<ClusterView> {
  const unseen = holes()
  const { open, metadata } = await lookAtTopics(cluster, named ?? null, unseen)
  if (withGroups) await noteMissingRights(cluster, unseen)
  else unseen.add('groups', 'all', 'they were not asked for')
  const groups = withGroups ? await readGroups(cluster, metadata, unseen, signal) : new Map<string, GroupView>()
  await readOffsets(cluster, new Map([...open].map(([name, { partitions }]) => [name, partitions])), unseen, signal)

  const brokers = metadata.brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port }))
  return { clusterId: metadata.clusterId ?? '', atMs, brokers, topics: open, groups, unseen: unseen.list() }
}

type OpenTopic = Omit<TopicView, 'partitions'> & { readonly partitions: readonly OpenPartition[] }

/** The topics, to be filled in, and of the answer what is still needed: all of it would be kept in memory for the whole look. */
async function lookAtTopics(
  cluster: Cluster,
  named: readonly string[] | null,
  unseen: Holes
): Promise<{ open: Map<string, OpenTopic>; metadata: MetadataResponse }> {
  const answer = await cluster.metadata(named)
  const there = answer.topics.filter(({ errorCode }) => named === null || apiErrorName(errorCode) !== 'UNKNOWN_TOPIC_OR_PARTITION')
  const metadata = { ...answer, topics: there }
  if (named === null && there.length === 0)
    unseen.add('topics', 'all', 'the cluster answered with no topics: either it has none, or this principal may describe none')
  const open = openTopics(metadata, unseen)
  noteMissingBrokers(metadata, unseen)
  return { open, metadata: { ...metadata, topics: metadata.topics.filter(({ name }) => name === offsetsTopic) } }
}

function openTopics(metadata: MetadataResponse, unseen: Holes): Map<string, OpenTopic> {
  const topics = new Map<string, OpenTopic>()
  for (const { name, topicId, errorCode, partitions } of metadata.topics) {
    if (name == null) continue
    if (errorCode !== 0) {
      unseen.add('topic', name, errorText(errorCode))
      continue
    }
    const open = partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }): OpenPartition => ({
      partition: partitionIndex,
      leader: leaderId < 0 ? null : leaderId,
      replicas: replicaNodes.length,
      inSyncReplicas: isrNodes.length,
      logStartOffset: null,
      highWatermark: null,
      lastStableOffset: null
    }))
    open.sort((left, right) => left.partition - right.partition)
    topics.set(name, { name, topicId, partitions: open })
  }
  return topics
}

/** A broker that is down is in no list of brokers, but it is still named where it holds replicas. */
function noteMissingBrokers(metadata: MetadataResponse, unseen: Holes): void {
  const present = new Set(metadata.brokers.map(broker => broker.nodeId))
  // Partitions share their lists of replicas: each list is looked at once.
  const looked = new Set<readonly number[]>()
  for (const { partitions } of metadata.topics)
    for (const { replicaNodes } of partitions) {
      if (looked.has(replicaNodes)) continue
      looked.add(replicaNodes)
      for (const replica of replicaNodes)
        if (!present.has(replica)) unseen.add('broker', replica, `broker ${replica} holds replicas, but the cluster does not list it: it is down or fenced`)
    }
}

/** Without DESCRIBE on the cluster, brokers leave groups out of their lists and say nothing. */
async function noteMissingRights(cluster: Cluster, unseen: Holes): Promise<void> {
  const missing = 'groups that this principal may not describe are left out of the lists'
  try {
    const { errorCode, errorMessage, clusterAuthorizedOperations } = await cluster.request('any', describeClusterV1.api, true, 1)
    if (errorCode !== 0) unseen.add('groups', 'all', `whether groups are missing is not known: ${errorText(errorCode, errorMessage)}`)
    else if ((clusterAuthorizedOperations & (1 << describeOperation)) === 0)
      unseen.add('groups', 'all', `this principal lacks DESCRIBE on the cluster: ${missing}`)
  } catch (error) {
    unseen.add('groups', 'all', `whether groups are missing is not known: ${reason(error)}`)
  }
}
