import type { ClusterView } from './cluster-view.ts'

export type Which = ReadonlyMap<string, Iterable<number>>

/** Growth of the ends of these partitions between two views, records a second. Null: not one was seen in both, a topic is another one now, or time stood still. */
export function growthRate(before: ClusterView, after: ClusterView, which: Which): number | null {
  const pairs = [...which].flatMap(([topic, partitions]) => {
    const [earlier, later] = [before.topics.get(topic), after.topics.get(topic)]
    const known = new Map(earlier?.topicId === later?.topicId ? earlier?.partitions.map(each => [each.partition, each.highWatermark]) : [])
    const ends = new Map(later?.partitions.map(each => [each.partition, each.highWatermark]))
    return [...partitions].map(partition => [known.get(partition) ?? null, ends.get(partition) ?? null] as const)
  })
  return rate(pairs, after.atMs - before.atMs)
}

/** How fast a group's commits advance between two views, records a second; below zero where it was rewound. */
export function commitRate(before: ClusterView, after: ClusterView, groupId: string): number | null {
  const known = before.groups.get(groupId)?.committed
  const pairs = [...(after.groups.get(groupId)?.committed ?? [])].flatMap(([topic, offsets]) =>
    [...offsets].map(([partition, offset]) => [known?.get(topic)?.get(partition) ?? null, offset] as const)
  )
  return rate(pairs, after.atMs - before.atMs)
}

function rate(pairs: readonly (readonly [number | null, number | null])[], tookMs: number): number | null {
  const known = pairs.flatMap(([before, after]) => (before === null || after === null ? [] : [after - before]))
  if (known.length === 0 || tookMs <= 0) return null
  return (known.reduce((sum, each) => sum + each, 0) * 1_000) / tookMs
}
