import type { ClusterView, GroupProtocol, GroupState, PartitionView, Unseen } from '#shared/domain/cluster-view.ts'

export interface PartitionSketch {
  /** High watermark; null: not seen. */
  readonly end: number | null
  readonly start?: number | null
  /** Default: the end. */
  readonly lastStable?: number | null
  readonly leader?: number | null
  readonly replicas?: number
  readonly inSyncReplicas?: number
}

export interface GroupSketch {
  readonly protocol?: GroupProtocol
  readonly state?: GroupState
  /** Default: none. Names that are left out are made from the group's. */
  readonly members?:
    | readonly {
        readonly memberId?: string
        readonly clientId?: string
        readonly host?: string
        readonly assigned?: Readonly<Record<string, readonly number[]>>
      }[]
    | null
  /** By topic and partition; null: not seen. */
  readonly committed?: Readonly<Record<string, Readonly<Record<number, number>>>> | null
}

export interface ViewSketch {
  readonly clusterId?: string
  readonly atMs?: number
  readonly brokers?: readonly number[]
  /** A number is a partition's end, and its log starts at 0. */
  readonly topics?: Readonly<
    Record<string, readonly (number | PartitionSketch)[] | { readonly topicId: string; readonly partitions: readonly (number | PartitionSketch)[] }>
  >
  readonly groups?: Readonly<Record<string, GroupSketch>>
  readonly unseen?: readonly Unseen[]
}

/** A view from the few figures that a test is about; three brokers, healthy, complete unless told otherwise. */
export function clusterView({
  clusterId = 'cluster-under-test',
  atMs = 0,
  brokers = [1, 2, 3],
  topics = {},
  groups = {},
  unseen = []
}: ViewSketch = {}): ClusterView {
  return {
    clusterId,
    atMs,
    brokers: brokers.map(id => ({ id, host: '127.0.0.1', port: 9092 + id })),
    topics: new Map(
      Object.entries(topics).map(([name, sketch]) => {
        const { topicId, partitions } = 'partitions' in sketch ? sketch : { topicId: topicIdOf(name), partitions: sketch }
        return [name, { name, topicId, partitions: partitions.map((partition, index) => partitionView(index, partition, brokers)) }]
      })
    ),
    groups: new Map(
      Object.entries(groups).map(([groupId, { protocol = 'classic', members = [], state = members?.length === 0 ? 'empty' : 'stable', committed = {} }]) => [
        groupId,
        {
          groupId,
          protocol,
          state,
          members:
            members?.map(({ memberId, clientId = groupId, host = '/127.0.0.1', assigned = {} }, index) => ({
              memberId: memberId ?? `${groupId}-${index}`,
              clientId,
              host,
              assigned: new Map(Object.entries(assigned))
            })) ?? null,
          committed:
            committed &&
            new Map(
              Object.entries(committed).map(([topic, offsets]) => [
                topic,
                new Map(Object.entries(offsets).map(([partition, offset]) => [Number(partition), offset]))
              ])
            )
        }
      ])
    ),
    unseen
  }
}

function partitionView(partition: number, sketch: number | PartitionSketch, brokers: readonly number[]): PartitionView {
  const { end, start, lastStable, leader, replicas = 3, inSyncReplicas = replicas } = typeof sketch === 'number' ? { end: sketch } : sketch
  return {
    partition,
    leader: leader === undefined ? (brokers[partition % brokers.length] ?? null) : leader,
    replicas,
    inSyncReplicas,
    logStartOffset: start === undefined ? 0 : start,
    highWatermark: end,
    lastStableOffset: lastStable === undefined ? end : lastStable
  }
}

/** Always the same id for the same name, in the shape of a UUID. */
function topicIdOf(name: string): string {
  const hex = Buffer.from(name).toString('hex').padEnd(32, '0').slice(0, 32)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
