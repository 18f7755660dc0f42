/**
 * One look at a cluster: what the observer saw, and what it did not. Offsets are plain numbers: the readers refuse an
 * offset above 2^53 - 1 (at 500,000 records a second a partition gets there after 570 years).
 */
export interface ClusterView {
  readonly clusterId: string
  /** When the scan began, milliseconds since the epoch, by the trusted clock of the scanner. */
  readonly atMs: number
  readonly brokers: readonly BrokerView[]
  readonly topics: ReadonlyMap<string, TopicView>
  readonly groups: ReadonlyMap<string, GroupView>
  /** Everything the scan asked for and did not get. Empty means complete. */
  readonly unseen: readonly Unseen[]
}

export interface BrokerView {
  readonly id: number
  readonly host: string
  readonly port: number
}

export interface TopicView {
  readonly name: string
  /** Kafka's id of this incarnation of the name. */
  readonly topicId: string
  readonly partitions: readonly PartitionView[]
}

/** Null is "not seen", never zero. */
export interface PartitionView {
  readonly partition: number
  /** Broker id, or null while the partition has no leader. */
  readonly leader: number | null
  readonly replicas: number
  readonly inSyncReplicas: number
  readonly logStartOffset: number | null
  readonly highWatermark: number | null
  readonly lastStableOffset: number | null
}

/** The partition with that number, which in a topic that was seen whole is at that place. */
export function partitionOf<Partition extends { readonly partition: number }>(
  topic: { readonly partitions: readonly Partition[] },
  partition: number
): Partition | undefined {
  const there = topic.partitions[partition]
  return there?.partition === partition ? there : topic.partitions.find(each => each.partition === partition)
}

export type GroupProtocol = 'classic' | 'consumer' | 'share' | 'streams' | 'none'
export type GroupState = 'stable' | 'preparing-rebalance' | 'completing-rebalance' | 'assigning' | 'reconciling' | 'empty' | 'dead' | 'not-ready' | 'unknown'

export interface GroupView {
  readonly groupId: string
  /** `none`: offsets are committed, but nobody joins (assign). */
  readonly protocol: GroupProtocol
  readonly state: GroupState
  /** Null where members could not be described. */
  readonly members: readonly MemberView[] | null
  /** Committed offset by topic and partition; a partition without a commit is absent (unknown, not zero). Null: offsets were not seen. */
  readonly committed: ReadonlyMap<string, ReadonlyMap<number, number>> | null
}

export interface MemberView {
  readonly memberId: string
  readonly clientId: string
  readonly host: string
  /** Partitions by topic; empty where the protocol does not tell. */
  readonly assigned: ReadonlyMap<string, readonly number[]>
}

export interface Unseen {
  /** `maintenance`: the cluster is being worked on, and nothing that is seen of it now is judged. */
  readonly kind: 'broker' | 'topics' | 'topic' | 'partition' | 'groups' | 'group' | 'group-offsets' | 'clock' | 'maintenance'
  /**
   * Which one: broker id, topic name, `topic-partition`, group id. For `groups`, whose list has a hole: the broker, or the
   * partition of __consumer_offsets, that told of none; `all` where the principal may not list them.
   */
  readonly id: string
  readonly why: string
}
