import { canonicalJson, sameJson } from '../../../domain/json.ts'
import {
  addedView,
  byPartition,
  changedMembers,
  type Difference,
  leadershipView,
  replicasView,
  type Section,
  stateDifference,
  topicResource,
  topicView
} from './describe.ts'
import type { MetadataImage, TopicState } from './image.ts'
import { topicConfigs } from './apply.ts'

export interface Differences {
  /** Sorted by the type, name and id of the resource, then by kind. */
  readonly changes: readonly Difference[]
  /** Partitions whose leader, in-sync replicas or epochs alone are not what they were. */
  readonly leaderOrIsrChanged: number
}

const sections: readonly Section[] = ['configs', 'quotas', 'acls', 'scramCredentials', 'features', 'brokers', 'controllers', 'delegationTokens']

/**
 * What changed between two images, for example behind a snapshot: what was done and undone in between is lost. A topic that was
 * deleted and created again is both, by its ids. Hashes made with two keys look like changes of each secret.
 */
export function differences(before: MetadataImage, after: MetadataImage): Differences {
  const changes: Difference[] = []
  const leaderOrIsr = { changed: 0 }
  for (const id of new Set([...before.topics.keys(), ...after.topics.keys()])) {
    const [was, is] = [before.topics.get(id), after.topics.get(id)]
    if (was && is) changes.push(...partitionDifferences(was, is, leaderOrIsr))
    else if (is) changes.push({ kind: 'topic-created', resource: topicResource(is), before: null, after: topicView(is, after.configs) })
    else if (was) changes.push({ kind: 'topic-deleted', resource: topicResource(was), before: topicView(was, before.configs), after: null })
  }
  for (const section of sections) changes.push(...sectionDifferences(section, before, after))
  return { changes: changes.sort(byResource), leaderOrIsrChanged: leaderOrIsr.changed }
}

function partitionDifferences(was: TopicState, is: TopicState, leaderOrIsr: { changed: number }): Difference[] {
  const found: Difference[] = []
  const added = [...is.partitions.keys()].filter(partition => !was.partitions.has(partition))
  const moved: number[] = []
  for (const [partition, state] of was.partitions) {
    const now = is.partitions.get(partition)
    if (now === state || !now) continue
    if (!sameJson(replicasView(state), replicasView(now))) moved.push(partition)
    else if (!sameJson(leadershipView(state), leadershipView(now))) leaderOrIsr.changed++
  }
  const resource = topicResource(is)
  if (added.length > 0) found.push({ kind: 'partitions-added', resource, before: addedView(was, added), after: addedView(is, added) })
  if (moved.length > 0)
    found.push({
      kind: 'partitions-reassigned',
      resource,
      before: byPartition(was.partitions, moved, replicasView),
      after: byPartition(is.partitions, moved, replicasView)
    })
  return found
}

function sectionDifferences(section: Section, before: MetadataImage, after: MetadataImage): Difference[] {
  const [was, is]: ReadonlyMap<string, unknown>[] = [before[section], after[section]]
  return [...new Set([...was!.keys(), ...is!.keys()])].flatMap(key => {
    const [one, other] = [was!.get(key), is!.get(key)] as [never, never]
    if (sameJson(one, other)) return []
    if (section === 'configs' && ofTopicThatCameOrWent(key, before, after)) return []
    const found = stateDifference(section, one, other, after.topicIds)
    if (!found) return []
    return section === 'configs' || section === 'quotas' ? [{ ...found, ...changedMembers(found.before, found.after) }] : [found]
  })
}

/** Those configs are part of the topic's own difference. */
function ofTopicThatCameOrWent(key: string, before: MetadataImage, after: MetadataImage): boolean {
  const { resourceType, name } = (after.configs.get(key) ?? before.configs.get(key))!
  return resourceType === topicConfigs && before.topicIds.get(name) !== after.topicIds.get(name)
}

function byResource(one: Difference, other: Difference): number {
  return compareText(sortKey(one), sortKey(other)) || compareText(canonicalJson([one.before, one.after]), canonicalJson([other.before, other.after]))
}

const sortKey = ({ kind, resource: { type, name, id } }: Difference): string => [type, name ?? '', id ?? '', kind].join('\0')
const compareText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)
