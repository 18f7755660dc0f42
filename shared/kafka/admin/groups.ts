import type { GroupView } from '../../domain/cluster-view.ts'
import type { Cluster, NodeId } from '../cluster.ts'
import type { MetadataResponse } from '../metadata.ts'
import { type Commits, fetchCommits } from './group-offsets.ts'
import { listGroups, type ListedGroup } from './group-list.ts'
import { type Answered, type DescribedGroup, describerOf } from './group-members.ts'
import { type Holes, inPieces, reason } from './holes.ts'

/** Groups in one request: bounds the size of an answer, as a description carries each member's subscription and assignment. */
const groupsPerDescribe = 100
const groupsPerOffsetFetch = 250

const coordinatorErrors = new Set([14, 15, 16]) // COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR

type Ask<T> = (coordinator: NodeId, groups: readonly ListedGroup[]) => Promise<Answered<T>[]>

/** Every group with its members and committed offsets; one request at a time to each coordinator. */
export async function readGroups(cluster: Cluster, metadata: MetadataResponse, unseen: Holes, signal?: AbortSignal): Promise<Map<string, GroupView>> {
  const listed = await listGroups(cluster, metadata, unseen, signal)

  const described = new Map<string, DescribedGroup>()
  for (const describe of new Set(listed.map(describerOf))) {
    if (!describe) continue
    const groups = listed.filter(group => describerOf(group) === describe)
    for await (const answer of askCoordinators(cluster, groups, groupsPerDescribe, (broker, batch) => describe(cluster, broker, batch), signal)) {
      if ('got' in answer) described.set(answer.groupId, answer.got)
      else unseen.add('group', answer.groupId, answer.why)
    }
  }

  const commits = new Map<string, Commits>()
  const committing = listed.filter(group => group.protocol !== 'share')
  const ask: Ask<Commits> = (broker, batch) =>
    fetchCommits(
      cluster,
      broker,
      batch.map(group => group.groupId)
    )
  for await (const answer of askCoordinators(cluster, committing, groupsPerOffsetFetch, ask, signal)) {
    if (!('got' in answer)) {
      unseen.add('group-offsets', answer.groupId, answer.why)
      continue
    }
    commits.set(answer.groupId, answer.got)
    for (const { topic, partition, why } of answer.got.unread) unseen.add('group-offsets', answer.groupId, `${topic}-${partition}: ${why}`)
  }

  return new Map(listed.map(group => [group.groupId, viewOf(group, described.get(group.groupId), commits.get(group.groupId))]))
}

function viewOf({ groupId, protocol, state }: ListedGroup, described: DescribedGroup | undefined, commits: Commits | undefined): GroupView {
  return {
    groupId,
    protocol,
    state: described?.state ?? state,
    members: described?.members ?? (protocol === 'none' ? [] : null),
    committed: commits?.committed ?? null
  }
}

/** Asks each group's coordinator in batches; what had moved is looked up and asked once more. */
async function* askCoordinators<T>(
  cluster: Cluster,
  groups: readonly ListedGroup[],
  batchSize: number,
  ask: Ask<T>,
  signal?: AbortSignal
): AsyncIterable<Answered<T>> {
  const first = await askEach(groups, group => group.coordinator, batchSize, ask, signal)
  const moved = new Map(first.flatMap(answer => ('got' in answer || !coordinatorErrors.has(answer.errorCode) ? [] : [[answer.groupId, answer]])))
  yield* first.filter(answer => !moved.has(answer.groupId))
  if (moved.size === 0) return

  const again = groups.filter(group => moved.has(group.groupId))
  const now = await cluster.coordinators('group', [...moved.keys()]).catch((error: unknown) => {
    const why = reason(error)
    return { of: new Map<string, NodeId>(), unseen: new Map(again.map(group => [group.groupId, why])) }
  })
  for (const group of again)
    if (!now.of.has(group.groupId)) yield { groupId: group.groupId, errorCode: 15, why: `no coordinator: ${now.unseen.get(group.groupId) ?? 'not known'}` }
  yield* await askEach(
    again.filter(group => now.of.has(group.groupId)),
    group => now.of.get(group.groupId)!,
    batchSize,
    ask,
    signal
  )
}

async function askEach<T>(
  groups: readonly ListedGroup[],
  coordinatorOf: (group: ListedGroup) => NodeId,
  batchSize: number,
  ask: Ask<T>,
  signal?: AbortSignal
): Promise<Answered<T>[]> {
  const byCoordinator = Map.groupBy(groups, coordinatorOf)
  const answers = await Promise.all(
    [...byCoordinator].map(async ([coordinator, all]) => {
      const mine: Answered<T>[] = []
      let silent: string | null = null
      for (const batch of inPieces(all, batchSize)) {
        signal?.throwIfAborted()
        try {
          if (silent === null) mine.push(...(await ask(coordinator, batch)))
        } catch (error) {
          silent = `broker ${coordinator} did not answer: ${reason(error)}`
        }
        if (silent !== null) for (const { groupId } of batch) mine.push({ groupId, errorCode: 15, why: silent })
      }
      return mine
    })
  )
  return answers.flat()
}
