import type { ClusterView, GroupProtocol, GroupState, GroupView } from '#shared/domain/cluster-view.ts'
import { groupTopicLags, type TopicLag } from '#shared/domain/lag.ts'
import { type Criticality, ownerOfGroup } from '#shared/domain/owner.ts'
import type { Observed, PersonRequest, Ports, Snapshot, Standing } from '#shared/engine/agent.ts'
import { ackKey, ackSchema, commandSchema, controlKey, decode } from '#shared/sdk/protocol.ts'
import { something } from './facts/peeks.ts'
import { type Policy, policyFor } from './policy.ts'
import { retentionOf } from './facts/retention.ts'

/** Everything that decide.ts may know. */
export interface GuardianSnapshot extends Snapshot {
  readonly clusterId: string
  readonly intervalMs: number
  readonly gap: boolean
  /** Ids of the brokers in the cluster's metadata. */
  readonly brokers: readonly number[]
  /** `topic-partition`, with the topic. */
  readonly leaderless: readonly { readonly topic: string; readonly partition: number }[]
  readonly underReplicated: number
  readonly groups: ReadonlyMap<string, GroupFacts>
  readonly standing: readonly Standing[]
  readonly requests: readonly PersonRequest[]
}

export interface GroupFacts {
  readonly groupId: string
  readonly protocol: GroupProtocol
  readonly state: GroupState
  /** Why this look at the group is incomplete, a sentence each; empty means complete. */
  readonly missing: readonly string[]
  /** Null: not seen. */
  readonly members: readonly { readonly memberId: string; readonly clientId: string }[] | null
  readonly owner: { readonly team: string; readonly channel: string; readonly criticality: Criticality; readonly by: 'group' | 'topic' } | null
  readonly topics: readonly TopicLag[]
  /** Sum over the topics; null where no partition's lag is known. */
  readonly lagMessages: number | null
  /** How many partitions have a commit and the sum of the commits: both stand while the group stands. Null: not seen, or no commit. */
  readonly commits: Commits | null
  readonly readable: Readable
  /** When retention could pass the first of its commits, epoch milliseconds; `never` where nothing expires. Null: unknown. */
  readonly lossAtMs: number | 'never' | null
  /** Null: not seen. */
  readonly acks: readonly MemberAck[] | null
  /** What the control topic says about the whole group; null for nothing. */
  readonly command: { readonly commandId: string; readonly state: 'paused' | 'running'; readonly untilMs: number } | null
}

export type Commits = { readonly partitions: number; readonly total: number }

/** Whether a read_committed fetch at a committed position returns a record. Null: not known. */
export interface Readable {
  readonly held: boolean | null
  readonly because: string
}

export interface MemberAck {
  readonly memberId: string
  readonly clientId: string
  readonly commandId: string | null
  readonly state: 'paused' | 'running' | 'left' | 'unsupported'
  /** By the broker's clock, epoch milliseconds. */
  readonly atMs: number
}

export async function observe(ports: Ports, observed: Observed, policy: Policy): Promise<GuardianSnapshot> {
  const { view, intervalMs, gap, standing, requests } = observed
  const acks = await acksByGroup(ports)
  const control = await ports.table(ports.topics.control)
  const paused = new Set(standing.map(({ action }) => action['groupId' as keyof typeof action] as unknown))

  const holes = holesOf(view)
  const known = [...view.groups.values()].map(group => {
    const { enabled, pauseOn } = policyFor(policy, group.groupId)
    const groupAcks = acks.get(group.groupId) ?? []
    const value = control.get(controlKey({ clusterId: ports.clusterId, groupId: group.groupId }))?.value ?? null
    const facts = { ...seenOf(view, holes, group, observed.owners), acks: groupAcks, command: decode(commandSchema, value) }
    /** Only a group that may be paused is worth a look at every one of its commits. */
    const closely = paused.has(group.groupId) || (pauseOn.length > 0 && facts.owner?.by === 'group' && groupAcks.length > 0)
    return { facts, enabled: enabled || paused.has(group.groupId), closely }
  })

  const watched = known.filter(({ enabled }) => enabled)
  const closely = watched.filter(each => each.closely).map(({ facts }) => facts)
  const peeked = await something(ports, view, watched, policy.maxPeeks, intervalMs)
  const losses = await retentionOf(ports, view, closely, peeked.records)
  return {
    atMs: view.atMs,
    unseen: [...view.unseen, ...peeked.unseen, ...losses.unseen],
    clusterId: ports.clusterId,
    intervalMs,
    gap,
    brokers: view.brokers.map(({ id }) => id),
    ...faults(view),
    groups: new Map(
      known.map(({ facts }) => [
        facts.groupId,
        {
          ...facts,
          readable: peeked.readable.get(facts.groupId) ?? { held: null, because: 'it was not looked at' },
          lossAtMs: losses.lossAtMs.get(facts.groupId) ?? null
        }
      ])
    ),
    standing,
    requests
  }
}

/** What the view itself says of a group. */
export function seenOf(view: ClusterView, holes: Holes, group: GroupView, owners: Observed['owners']) {
  const topics = groupTopicLags(view, group)
  const names = topics.map(({ topic }) => topic)
  const found = ownerOfGroup(owners, group.groupId, names)
  return {
    groupId: group.groupId,
    protocol: group.protocol,
    state: group.state,
    missing: missingOf(view, holes, group, topics),
    members: group.members?.map(({ memberId, clientId }) => ({ memberId, clientId })) ?? null,
    owner: found && { team: found.rule.team, channel: found.rule.channel, criticality: found.rule.criticality, by: found.by },
    topics,
    lagMessages: sumKnown(topics.map(topic => topic.lagMessages)),
    commits: commitsOf(group)
  }
}

async function acksByGroup(ports: Ports): Promise<Map<string, MemberAck[]>> {
  const byGroup = new Map<string, MemberAck[]>()
  for (const [key, { value, timestampMs }] of await ports.table(ports.topics.acks)) {
    const ack = decode(ackSchema, value)
    // A member may only speak for itself; anything else in the topic is not an acknowledgement.
    if (ack === null || key !== ackKey(ports.clusterId, ack.groupId, ack.memberId)) continue
    const list = byGroup.get(ack.groupId) ?? []
    list.push({ memberId: ack.memberId, clientId: ack.clientId, commandId: ack.commandId, state: ack.state, atMs: timestampMs })
    byGroup.set(ack.groupId, list)
  }
  return byGroup
}

export function faults(view: ClusterView): Pick<GuardianSnapshot, 'leaderless' | 'underReplicated'> {
  const leaderless: { topic: string; partition: number }[] = []
  let underReplicated = 0
  for (const { name, partitions } of view.topics.values())
    for (const { partition, leader, inSyncReplicas, replicas } of partitions) {
      if (leader === null) leaderless.push({ topic: name, partition })
      if (inSyncReplicas < replicas) underReplicated++
    }
  return { leaderless, underReplicated }
}

/** The holes of a look by whom they concern, as places in its list: a broker that is down leaves thousands, and there are a thousand groups. */
interface Holes {
  readonly everyone: readonly number[]
  readonly byGroup: ReadonlyMap<string, readonly number[]>
  readonly byTopic: ReadonlyMap<string, readonly number[]>
}

export function holesOf({ unseen }: ClusterView): Holes {
  const everyone: number[] = []
  const byGroup = new Map<string, number[]>()
  const byTopic = new Map<string, number[]>()
  const add = (to: Map<string, number[]>, key: string, place: number): void => {
    const places = to.get(key)
    if (places) places.push(place)
    else to.set(key, [place])
  }
  for (const [place, { kind, id }] of unseen.entries()) {
    if (kind === 'group' || kind === 'group-offsets') add(byGroup, id, place)
    else if (kind === 'topic') add(byTopic, id, place)
    else if (kind === 'partition') add(byTopic, id.slice(0, id.lastIndexOf('-')), place)
    else everyone.push(place)
  }
  return { everyone, byGroup, byTopic }
}

/** What this look at one group lacks. A partition that nobody committed is no hole in the look: it is unknown in itself. */
function missingOf(view: ClusterView, { everyone, byGroup, byTopic }: Holes, group: GroupView, topics: readonly TopicLag[]): string[] {
  const concerning = [...everyone, ...(byGroup.get(group.groupId) ?? []), ...topics.flatMap(({ topic }) => byTopic.get(topic) ?? [])]
  const holes = topics.flatMap(({ topic, partitions }) =>
    partitions
      .filter(({ committed, lagMessages }) => committed !== null && lagMessages === null)
      .map(({ partition }) => `the offsets of ${topic}-${partition} were not seen`)
  )
  return [
    ...concerning
      .toSorted((a, b) => a - b)
      .map(place => view.unseen[place]!)
      .map(({ kind, id, why }) => (kind === 'maintenance' ? `judgement is suspended (${id}): ${why}` : `${kind} ${id} was not seen: ${why}`)),
    ...(group.members === null ? ['its members were not seen'] : []),
    ...(group.committed === null ? ['its commits were not seen'] : []),
    ...(group.state === 'unknown' ? ['its state was not seen'] : []),
    ...holes
  ]
}

function commitsOf(group: GroupView): Commits | null {
  let partitions = 0
  let total = 0
  for (const offsets of group.committed?.values() ?? [])
    for (const offset of offsets.values()) {
      partitions++
      total += offset
    }
  return partitions === 0 ? null : { partitions, total }
}

function sumKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter(value => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0)
}
