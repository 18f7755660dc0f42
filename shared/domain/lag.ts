import { type ClusterView, type GroupView, partitionOf } from './cluster-view.ts'

export interface PartitionLag {
  readonly partition: number
  /** Null: the group has no commit there, or its commits were not seen. */
  readonly committed: number | null
  readonly lagMessages: number | null
}

export interface TopicLag {
  readonly topic: string
  /** Sum over the partitions whose lag is known: a lower bound while `unknownPartitions` is above 0. Null when none is known. */
  readonly lagMessages: number | null
  readonly unknownPartitions: number
  readonly partitions: readonly PartitionLag[]
}

/** What a partition of a group still has to read: max(end − max(committed, log start), 0). Null when any of the three is unknown. */
export function lagMessages({
  endOffset,
  committedOffset,
  logStartOffset
}: {
  readonly endOffset: number | null
  readonly committedOffset: number | null
  readonly logStartOffset: number | null
}): number | null {
  if (endOffset === null || committedOffset === null || logStartOffset === null) return null
  return Math.max(endOffset - Math.max(committedOffset, logStartOffset), 0)
}

/**
 * Lag by topic, over the partitions that the group has committed or that a member holds; by name, then partition. The end is
 * the high watermark, as in Kafka's own kafka-consumer-groups: under an open transaction a read_committed consumer cannot
 * reach it, so whether there is something to read is a question of its own.
 */
export function groupTopicLags(view: ClusterView, group: GroupView): TopicLag[] {
  const partitionsOf = new Map<string, Set<number>>()
  const include = (topic: string, partitions: Iterable<number>): void => {
    const known = partitionsOf.get(topic)
    if (known) for (const partition of partitions) known.add(partition)
    else partitionsOf.set(topic, new Set(partitions))
  }
  for (const [topic, commits] of group.committed ?? []) include(topic, commits.keys())
  for (const member of group.members ?? []) for (const [topic, partitions] of member.assigned) include(topic, partitions)

  return [...partitionsOf]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([topic, partitions]) =>
      topicLag(
        view,
        group,
        topic,
        [...partitions].toSorted((left, right) => left - right)
      )
    )
}

function topicLag(view: ClusterView, group: GroupView, topic: string, partitions: readonly number[]): TopicLag {
  const seen = view.topics.get(topic)
  const commits = group.committed?.get(topic)
  const lags = partitions.map(partition => {
    const committed = commits?.get(partition) ?? null
    const { highWatermark = null, logStartOffset = null } = (seen && partitionOf(seen, partition)) ?? {}
    return { partition, committed, lagMessages: lagMessages({ endOffset: highWatermark, committedOffset: committed, logStartOffset }) }
  })
  const known = lags.flatMap(lag => lag.lagMessages ?? [])
  return {
    topic,
    lagMessages: known.length === 0 ? null : known.reduce((sum, lag) => sum + lag, 0),
    unknownPartitions: lags.length - known.length,
    partitions: lags
  }
}
