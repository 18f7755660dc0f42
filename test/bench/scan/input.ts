import type { ClusterView } from '#shared/domain/cluster-view.ts'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import type { Stack } from '#test/support/stack.ts'

/** What a measured process is told. */
export interface ScanInput {
  readonly connection: KafkaConnection
  readonly stack: Pick<Stack, 'nodes' | 'logs'>
  /** Scans, or turns, after the first. */
  readonly scans: number
  /** What a whole look sees at least. */
  readonly expected: { readonly partitions: number; readonly groups: number; readonly commits: number }
}

/** A look that saw less than there is must not count as a fast one. Throws with what is missing. */
export function checkComplete(view: ClusterView, { expected }: ScanInput): void {
  const partitions = [...view.topics.values()].reduce((sum, topic) => sum + topic.partitions.length, 0)
  const commits = [...view.groups.values()].reduce((sum, group) => sum + [...(group.committed?.values() ?? [])].reduce((count, of) => count + of.size, 0), 0)
  const seen = { partitions, groups: view.groups.size, commits }
  const short = Object.entries(expected).filter(([what, least]) => seen[what as keyof typeof seen] < least)
  if (short.length > 0 || view.unseen.length > 0)
    throw new Error(`the scan saw ${JSON.stringify(seen)} of ${JSON.stringify(expected)}; unseen: ${JSON.stringify(view.unseen.slice(0, 5))}`)
}
