import type { Cluster, NodeId } from '../cluster.ts'
import type { Answered } from './group-members.ts'
import { errorText } from './holes.ts'
import { offsetFetchV8 } from './offset-fetch.ts'

export interface Commits {
  /** Committed offset by topic and partition; a partition without a commit is absent. */
  readonly committed: ReadonlyMap<string, ReadonlyMap<number, number>>
  /** Partitions whose commit could not be read. */
  readonly unread: readonly { readonly topic: string; readonly partition: number; readonly why: string }[]
}

/** Committed offsets of all groups of one coordinator, in one request. Topics that the principal may not describe are left out by the broker without a word. */
export async function fetchCommits(cluster: Cluster, coordinator: NodeId, groupIds: readonly string[]): Promise<Answered<Commits>[]> {
  const response = await cluster.request(coordinator, offsetFetchV8, groupIds)
  return response.groups.map(({ groupId, errorCode, committed, unread }) =>
    errorCode !== 0
      ? { groupId, errorCode, why: errorText(errorCode) }
      : { groupId, got: { committed, unread: unread.map(({ topic, partition, errorCode: code }) => ({ topic, partition, why: errorText(code) })) } }
  )
}
