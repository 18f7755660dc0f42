import { listGroupsV5 } from '@platformatic/kafka'
import type { GroupProtocol, GroupState } from '../../domain/cluster-view.ts'
import type { Cluster, NodeId } from '../cluster.ts'
import type { MetadataResponse } from '../metadata.ts'
import { errorText, type Holes, reason } from './holes.ts'

export interface ListedGroup {
  readonly groupId: string
  readonly protocol: GroupProtocol
  readonly state: GroupState
  /** True where members speak the consumer protocol, so that their assignment can be read. */
  readonly consumers: boolean
  /** The broker that listed it, which coordinates it. */
  readonly coordinator: NodeId
}

/** Where the coordinators of groups keep their commits. */
export const offsetsTopic = '__consumer_offsets'

/**
 * Groups of all protocols, asked of every broker, since each knows only those that it coordinates. What no broker could list
 * becomes a hole: a silent broker, a partition of __consumer_offsets without a leader, or one whose leader changed meanwhile.
 */
export async function listGroups(cluster: Cluster, metadata: MetadataResponse, unseen: Holes, signal?: AbortSignal): Promise<ListedGroup[]> {
  const listed = await Promise.all(metadata.brokers.map(({ nodeId }) => listedBy(cluster, nodeId, unseen)))
  signal?.throwIfAborted()
  await noteMovedCoordinators(cluster, metadata, unseen)
  const groups = new Map<string, ListedGroup>()
  for (const group of listed.flat()) groups.set(group.groupId, group)
  return [...groups.values()]
}

async function listedBy(cluster: Cluster, broker: NodeId, unseen: Holes): Promise<ListedGroup[]> {
  try {
    const response = await cluster.request(broker, listGroupsV5.api, [], [])
    if (response.errorCode !== 0) unseen.add('groups', broker, `broker ${broker} did not list its groups: ${errorText(response.errorCode)}`)
    return response.groups.map(({ groupId, protocolType, groupState, groupType }) => ({
      groupId,
      protocol: groupProtocol(groupType, protocolType),
      state: groupStateOf(groupState),
      consumers: protocolType === 'consumer',
      coordinator: broker
    }))
  } catch (error) {
    unseen.add('groups', broker, `broker ${broker} did not list its groups: ${reason(error)}`)
    return []
  }
}

/** A group whose coordinator moves between two answers is in neither; without this look it would seem not to exist. */
async function noteMovedCoordinators(cluster: Cluster, before: MetadataResponse, unseen: Holes): Promise<void> {
  const partitionsBefore = before.topics.find(topic => topic.name === offsetsTopic)?.partitions
  if (!partitionsBefore) return
  try {
    const after = await cluster.metadata([offsetsTopic])
    const epochs = new Map(after.topics[0]?.partitions.map(partition => [partition.partitionIndex, partition.leaderEpoch]))
    for (const { partitionIndex, leaderId, leaderEpoch } of partitionsBefore) {
      const id = `${offsetsTopic}-${partitionIndex}`
      if (leaderId < 0) unseen.add('groups', id, `${id} has no leader: the groups that it holds are in no list`)
      else if (epochs.get(partitionIndex) !== leaderEpoch) unseen.add('groups', id, `${id} changed its leader while groups were listed: some may be in no list`)
    }
  } catch (error) {
    unseen.add('groups', offsetsTopic, `whether coordinators moved while groups were listed is not known: ${reason(error)}`)
  }
}

/** Kafka's group type and protocol type as one word. A classic group without a protocol has commits, but nobody joins. */
export function groupProtocol(groupType: string, protocolType: string): GroupProtocol {
  const type = groupType.toLowerCase()
  if (type === 'consumer' || type === 'share' || type === 'streams') return type
  return protocolType === '' ? 'none' : 'classic'
}

const states: Readonly<Record<string, GroupState>> = {
  stable: 'stable',
  preparingrebalance: 'preparing-rebalance',
  completingrebalance: 'completing-rebalance',
  assigning: 'assigning',
  reconciling: 'reconciling',
  empty: 'empty',
  dead: 'dead',
  notready: 'not-ready'
}

/** Kafka's state of a group, however a version spells it; a state that this build does not know is `unknown`. */
export function groupStateOf(state: string): GroupState {
  const known = state.toLowerCase().replaceAll(/[^a-z]/g, '')
  return Object.hasOwn(states, known) ? states[known]! : 'unknown'
}
