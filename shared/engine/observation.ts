import { readFileSync } from 'node:fs'
import avro from 'avsc'
import {
  type ClusterView,
  type GroupProtocol,
  type GroupState,
  type GroupView,
  type MemberView,
  partitionOf,
  type PartitionView,
  type TopicView,
  type Unseen
} from '../domain/cluster-view.ts'

const type = avro.Type.forSchema(JSON.parse(readFileSync(new URL('../../config/schemas/observation.avsc', import.meta.url), 'utf8')))

interface Committed {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** One record of the observations topic, as config/schemas/observation.avsc has it. */
export interface Observation {
  readonly clusterId: string
  readonly sequence: number
  readonly atMs: number
  readonly intervalMs: number
  readonly keyFrame: boolean
  readonly part: number
  readonly parts: number
  readonly brokers: { id: number; host: string; port: number }[]
  readonly topics: { name: string; topicId: string; partitions: PartitionRow[] }[]
  readonly goneTopics: string[]
  readonly groups: { groupId: string; protocol: string; state: string; members: MemberRow[] | null; offsetsSeen: boolean; committed: Committed[] }[]
  readonly goneGroups: string[]
  readonly unseen: { kind: string; id: string; why: string }[]
}
type PartitionRow = { [K in keyof PartitionView]: number }
type MemberRow = Omit<MemberView, 'assigned'> & { assigned: { topic: string; partitions: number[] }[] }

export interface Frame {
  readonly sequence: number
  readonly intervalMs: number
}

/** A record holds at most this many partitions and commits (some 40 bytes each), so that none comes near a broker's 1 MB. */
const rowsPerRecord = 5_000

/**
 * The records that take a reader from `before` to `after`: everything when `before` is null (a key frame), else only what changed.
 * Together they are appended in one transaction.
 */
export function encodeObservation(before: ClusterView | null, after: ClusterView, frame: Frame): Buffer[] {
  const topics = [...after.topics.values()].flatMap(topic => changedTopic(before?.topics.get(topic.name), topic))
  const groups = [...after.groups.values()].flatMap(group => changedGroup(before?.groups.get(group.groupId), group))
  const parts = pack(topics, groups)
  return parts.map((part, index) =>
    type.toBuffer({
      clusterId: after.clusterId,
      sequence: frame.sequence,
      atMs: after.atMs,
      intervalMs: frame.intervalMs,
      keyFrame: before === null,
      part: index,
      parts: parts.length,
      brokers: index === 0 ? after.brokers : [],
      goneTopics: index === 0 ? [...gone(before?.topics, after.topics), ...shrunk(before, after)] : [],
      goneGroups: index === 0 ? gone(before?.groups, after.groups) : [],
      unseen: index === 0 ? after.unseen : [],
      ...part
    })
  )
}

/** Throws on bytes that are not an observation. */
export function decodeObservation(bytes: Buffer): Observation {
  return type.fromBuffer(bytes) as Observation
}

/** The view after all parts of one observation. A change without the view it changes gives null: the reader waits for a key frame. */
export function foldObservation(before: ClusterView | null, parts: readonly Observation[]): ClusterView | null {
  const first = parts[0]
  if (!first || (!first.keyFrame && before === null)) return null
  const topics = new Map(first.keyFrame ? [] : before!.topics)
  const groups = new Map(first.keyFrame ? [] : before!.groups)
  for (const name of first.goneTopics) topics.delete(name)
  for (const id of first.goneGroups) groups.delete(id)
  for (const part of parts) {
    for (const row of part.topics) topics.set(row.name, mergeTopic(topics.get(row.name), row))
    for (const row of part.groups) groups.set(row.groupId, mergeGroup(groups.get(row.groupId), row))
  }
  return { clusterId: first.clusterId, atMs: first.atMs, brokers: first.brokers, topics, groups, unseen: first.unseen as Unseen[] }
}

function changedTopic(before: TopicView | undefined, after: TopicView): Observation['topics'] {
  const known = before?.topicId === after.topicId && before.partitions.length === after.partitions.length ? before : undefined
  const partitions = known ? after.partitions.filter(partition => !samePartition(partitionOf(known, partition.partition), partition)) : after.partitions
  if (known && partitions.length === 0) return []
  const rows = partitions.map(view => ({
    partition: view.partition,
    leader: view.leader ?? -1,
    replicas: view.replicas,
    inSyncReplicas: view.inSyncReplicas,
    logStartOffset: view.logStartOffset ?? -1,
    highWatermark: view.highWatermark ?? -1,
    lastStableOffset: view.lastStableOffset ?? -1
  }))
  return [{ name: after.name, topicId: after.topicId, partitions: rows }]
}

function samePartition(before: PartitionView | undefined, after: PartitionView): boolean {
  return (
    before !== undefined &&
    before.highWatermark === after.highWatermark &&
    before.lastStableOffset === after.lastStableOffset &&
    before.logStartOffset === after.logStartOffset &&
    before.leader === after.leader &&
    before.replicas === after.replicas &&
    before.inSyncReplicas === after.inSyncReplicas
  )
}

function mergeTopic(before: TopicView | undefined, row: Observation['topics'][number]): TopicView {
  const known = before?.topicId === row.topicId ? before.partitions : []
  const partitions = [...known]
  for (const { partition, leader, replicas, inSyncReplicas, logStartOffset, highWatermark, lastStableOffset } of row.partitions) {
    const there = partitions[partition]?.partition === partition ? partition : partitions.findIndex(each => each.partition === partition)
    partitions[there < 0 ? partitions.length : there] = {
      partition,
      leader: nullable(leader),
      replicas,
      inSyncReplicas,
      logStartOffset: nullable(logStartOffset),
      highWatermark: nullable(highWatermark),
      lastStableOffset: nullable(lastStableOffset)
    }
  }
  if (partitions.length > known.length) partitions.sort((a, b) => a.partition - b.partition)
  return { name: row.name, topicId: row.topicId, partitions }
}

function changedGroup(before: GroupView | undefined, after: GroupView): Observation['groups'] {
  const committed: Committed[] = []
  const known = before?.committed ?? new Map<string, ReadonlyMap<number, number>>()
  for (const [topic, partitions] of after.committed ?? []) {
    const of = known.get(topic)
    for (const [partition, offset] of partitions) if (of?.get(partition) !== offset) committed.push({ topic, partition, offset })
  }
  if (after.committed)
    for (const [topic, partitions] of known) {
      const of = after.committed.get(topic)
      for (const partition of partitions.keys()) if (!of?.has(partition)) committed.push({ topic, partition, offset: -1 })
    }
  const same = before && before.protocol === after.protocol && before.state === after.state && (before.committed === null) === (after.committed === null)
  if (same && committed.length === 0 && sameMembers(before.members, after.members)) return []
  const members =
    after.members?.map(member => ({ ...member, assigned: [...member.assigned].map(([topic, partitions]) => ({ topic, partitions: [...partitions] })) })) ?? null
  return [{ groupId: after.groupId, protocol: after.protocol, state: after.state, members, offsetsSeen: after.committed !== null, committed }]
}

function mergeGroup(before: GroupView | undefined, row: Observation['groups'][number]): GroupView {
  const committed = new Map(before?.committed)
  const own = new Map<string, Map<number, number>>()
  for (const { topic, partition, offset } of row.committed) {
    let offsets = own.get(topic)
    if (!offsets) {
      offsets = new Map(committed.get(topic))
      own.set(topic, offsets)
      committed.set(topic, offsets)
    }
    if (offset >= 0) offsets.set(partition, offset)
    else offsets.delete(partition)
  }
  for (const [topic, offsets] of own) if (offsets.size === 0) committed.delete(topic)
  return {
    groupId: row.groupId,
    protocol: row.protocol as GroupProtocol,
    state: row.state as GroupState,
    members: row.members?.map(member => ({ ...member, assigned: new Map(member.assigned.map(({ topic, partitions }) => [topic, partitions])) })) ?? null,
    committed: row.offsetsSeen ? committed : null
  }
}

function sameMembers(before: readonly MemberView[] | null, after: readonly MemberView[] | null): boolean {
  if (before === null || after === null) return before === after
  return before.length === after.length && before.every((member, index) => sameMember(member, after[index]!))
}

function sameMember(before: MemberView, after: MemberView): boolean {
  if (before.memberId !== after.memberId || before.clientId !== after.clientId || before.host !== after.host) return false
  if (before.assigned.size !== after.assigned.size) return false
  for (const [topic, partitions] of before.assigned) {
    const others = after.assigned.get(topic)
    if (others?.length !== partitions.length || partitions.some((partition, index) => partition !== others[index])) return false
  }
  return true
}

function gone(before: ReadonlyMap<string, unknown> | undefined, after: ReadonlyMap<string, unknown>): string[] {
  return [...(before?.keys() ?? [])].filter(name => !after.has(name))
}

/** Topics seen with fewer partitions than before: told as gone first, so that no old partition survives in the fold. */
function shrunk(before: ClusterView | null, after: ClusterView): string[] {
  return [...after.topics.values()].filter(topic => (before?.topics.get(topic.name)?.partitions.length ?? 0) > topic.partitions.length).map(topic => topic.name)
}

function nullable(value: number): number | null {
  return value < 0 ? null : value
}

/** Splits rows over records; a topic or group too large for one is continued in the next. */
function pack(topics: Observation['topics'], groups: Observation['groups']): Pick<Observation, 'topics' | 'groups'>[] {
  const parts: Pick<Observation, 'topics' | 'groups'>[] = [{ topics: [], groups: [] }]
  let room = rowsPerRecord
  const next = () => {
    parts.push({ topics: [], groups: [] })
    room = rowsPerRecord
  }
  for (const topic of topics) {
    for (let at = 0; at === 0 || at < topic.partitions.length; at += rowsPerRecord) {
      const partitions = topic.partitions.slice(at, at + rowsPerRecord)
      if (partitions.length >= room) next()
      parts.at(-1)!.topics.push({ ...topic, partitions })
      room -= partitions.length + 1
    }
  }
  for (const group of groups) {
    for (let at = 0; at === 0 || at < group.committed.length; at += rowsPerRecord) {
      const committed = group.committed.slice(at, at + rowsPerRecord)
      if (committed.length + (group.members?.length ?? 0) >= room) next()
      parts.at(-1)!.groups.push({ ...group, committed })
      room -= committed.length + (group.members?.length ?? 0) + 1
    }
  }
  return parts
}
