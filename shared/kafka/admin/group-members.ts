import { consumerGroupDescribeV0, describeGroupsV5 } from '@platformatic/kafka'
import type { GroupState, MemberView } from '../../domain/cluster-view.ts'
import type { Cluster, NodeId } from '../cluster.ts'
import { decodeConsumerAssignment } from './consumer-assignment.ts'
import { groupStateOf, type ListedGroup } from './group-list.ts'
import { errorText } from './holes.ts'
import { shareGroupDescribeV1 } from './share-group-describe.ts'

export interface DescribedGroup {
  readonly groupId: string
  readonly state: GroupState
  readonly members: readonly MemberView[]
}

/** One item of a batch: what came, or why it did not. */
export type Answered<T> = { readonly groupId: string } & ({ readonly got: T } | { readonly errorCode: number; readonly why: string })

/**
 * Members by the call that tells the truth about a group's protocol: DescribeGroups says of a KIP-848 group that it is dead
 * and has no members. `none` has no members by its nature. Null: no call describes this protocol (streams).
 */
export function describerOf(
  group: ListedGroup
): ((cluster: Cluster, broker: NodeId, groups: readonly ListedGroup[]) => Promise<Answered<DescribedGroup>[]>) | null {
  switch (group.protocol) {
    case 'consumer':
      return describeConsumerGroups
    case 'share':
      return describeShareGroups
    case 'classic':
      return describeClassicGroups
    default:
      return null
  }
}

async function describeClassicGroups(cluster: Cluster, broker: NodeId, groups: readonly ListedGroup[]): Promise<Answered<DescribedGroup>[]> {
  const listed = new Map(groups.map(group => [group.groupId, group]))
  const response = await cluster.request(broker, describeGroupsV5.api, [...listed.keys()], false)
  return response.groups.map(({ groupId, errorCode, groupState, members }) => {
    if (errorCode !== 0) return { groupId, errorCode, why: errorText(errorCode) }
    const before = listed.get(groupId)
    const state = groupStateOf(groupState)
    if (state === 'dead' && before?.state !== 'dead') return { groupId, errorCode, why: 'it was deleted or changed its protocol between two requests' }
    const view = members.map(({ memberId, clientId, clientHost, memberAssignment }) => ({
      memberId,
      clientId,
      host: clientHost,
      assigned: before?.consumers ? decodeConsumerAssignment(memberAssignment) : new Map<string, number[]>()
    }))
    return { groupId, got: { groupId, state, members: view } }
  })
}

async function describeConsumerGroups(cluster: Cluster, broker: NodeId, groups: readonly ListedGroup[]): Promise<Answered<DescribedGroup>[]> {
  const response = await cluster.request(
    broker,
    consumerGroupDescribeV0.api,
    groups.map(group => group.groupId),
    false
  )
  return response.groups.map(({ groupId, errorCode, errorMessage, groupState, members }) => {
    if (errorCode !== 0) return { groupId, errorCode, why: errorText(errorCode, errorMessage) }
    const view = members.map(({ memberId, clientId, clientHost, assignment }) => ({
      memberId,
      clientId,
      host: clientHost,
      assigned: new Map(assignment.topicPartitions.map(({ topicName, partitions }) => [topicName, partitions]))
    }))
    return { groupId, got: { groupId, state: groupStateOf(groupState), members: view } }
  })
}

async function describeShareGroups(cluster: Cluster, broker: NodeId, groups: readonly ListedGroup[]): Promise<Answered<DescribedGroup>[]> {
  const response = await cluster.request(
    broker,
    shareGroupDescribeV1,
    groups.map(group => group.groupId)
  )
  return response.groups.map(({ groupId, errorCode, state, members }) => {
    if (errorCode !== 0) return { groupId, errorCode, why: errorText(errorCode) }
    const view = members.map(({ memberId, clientId, host, assigned }) => ({
      memberId,
      clientId,
      host,
      assigned: new Map(assigned.map(({ topic, partitions }) => [topic, partitions]))
    }))
    return { groupId, got: { groupId, state: groupStateOf(state), members: view } }
  })
}
