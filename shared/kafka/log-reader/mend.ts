import { apiErrorName, type Cluster } from '../cluster.ts'
import { faultOf, faultOfApiError, KafkaFault } from '../errors.ts'
import type { Assigned } from './assigned.ts'
import { endOfEpoch, listOffsets } from './offsets.ts'
import type { Versions } from './versions.ts'

/** What the reader needs of a cluster. */
export type Requests = Pick<Cluster, 'request' | 'metadata' | 'brokers'>

/** How long a topic may be unknown, or another incarnation, before it is believed: brokers learn of changes one after another. */
export const disbeliefMs = 3_000

/** Finds the leaders of partitions. What went wrong is noted on each. Throws a KafkaFault when no broker answered, or refuses us. */
export async function findLeaders(cluster: Requests, partitions: readonly Assigned[], nowMs: () => number): Promise<void> {
  const { topics } = await cluster.metadata([...new Set(partitions.map(partition => partition.topic))])
  const byName = new Map(topics.map(topic => [topic.name, topic]))
  for (const assigned of partitions) {
    const topic = byName.get(assigned.topic)
    const error = apiErrorName(topic?.errorCode ?? 3)
    if (topic && topic.errorCode !== 0 && error !== 'UNKNOWN_TOPIC_OR_PARTITION' && error !== 'LEADER_NOT_AVAILABLE') {
      assigned.fault = faultOfApiError(error, false, assigned.name)
      continue
    }
    if (!topic || error === 'UNKNOWN_TOPIC_OR_PARTITION') {
      disbelieve(assigned, nowMs(), `${assigned.name}: the topic was deleted, its id was ${assigned.topicId}`, 'UNKNOWN_TOPIC_OR_PARTITION')
      continue
    }
    if (topic.errorCode === 0 && topic.topicId !== assigned.topicId) {
      disbelieve(
        assigned,
        nowMs(),
        `${assigned.name}: the topic was deleted and created again, its id was ${assigned.topicId} and is ${topic.topicId}`,
        'INCONSISTENT_TOPIC_ID'
      )
      continue
    }
    assigned.unknownSinceMs = null
    const found = topic.partitions.find(({ partitionIndex }) => partitionIndex === assigned.partition)
    if (!found || found.leaderId < 0) assigned.failed(found ? 'LEADER_NOT_AVAILABLE' : 'UNKNOWN_TOPIC_OR_PARTITION', nowMs())
    else if (!follow(assigned, found.leaderId, found.leaderEpoch)) assigned.failed('metadata older than what was known', nowMs())
  }
}

/** The id of a topic that has this partition, or why there is none now. */
export async function lookUpTopic(cluster: Requests, name: string, partition: number): Promise<string | KafkaFault> {
  try {
    const { topics } = await cluster.metadata([name])
    const topic = topics.find(found => found.name === name)
    const error = topic && topic.errorCode !== 0 ? apiErrorName(topic.errorCode) : null
    if (topic && !error && topic.partitions.some(found => found.partitionIndex === partition)) return topic.topicId
    const why = error ?? 'UNKNOWN_TOPIC_OR_PARTITION'
    return faultOfApiError(why, why === 'UNKNOWN_TOPIC_OR_PARTITION' || why === 'LEADER_NOT_AVAILABLE', `topic ${name} partition ${partition}`)
  } catch (error) {
    return faultOf(error, `topic ${name}`)
  }
}

/** Takes over a leader unless its epoch is older than one already seen. */
export function follow(assigned: Assigned, leader: number, leaderEpoch: number): boolean {
  if (leaderEpoch < assigned.leaderEpoch) return false
  if (leaderEpoch > assigned.leaderEpoch) assigned.retryAtMs = 0
  assigned.leader = leader
  assigned.leaderEpoch = leaderEpoch
  return true
}

function disbelieve(assigned: Assigned, nowMs: number, message: string, apiError: string): void {
  assigned.unknownSinceMs ??= nowMs
  if (nowMs - assigned.unknownSinceMs >= disbeliefMs) assigned.fault = new KafkaFault('protocol', message, { apiError })
  else assigned.failed(apiError, nowMs)
}

/**
 * The leader said OFFSET_OUT_OF_RANGE: finds where reading can go on. Below the log start: at the log start. Above the end, or after
 * an epoch that this leader never had: where the two logs part, as far as it is known.
 */
export async function findPosition(cluster: Requests, versions: Versions, assigned: Assigned, nowMs: () => number): Promise<void> {
  const leader = assigned.leader
  if (leader === null) return
  const start = (await listOffsets(cluster, versions, leader, 'log-start', [assigned])).get(assigned)!
  const end = (await listOffsets(cluster, versions, leader, 'high-watermark', [assigned])).get(assigned)!
  if ('error' in start || 'error' in end) return lostLeader(assigned, 'error' in start ? start.error : (end as { error: string }).error, nowMs())
  if (assigned.fetchOffset < start.offset) return assigned.move('below-log-start', start.offset)
  for (const epoch of assigned.epochs.newestFirst) {
    const common = await endOfEpoch(cluster, leader, assigned, epoch)
    if (common === null) continue
    if ('error' in common) return lostLeader(assigned, common.error, nowMs())
    const resumeAt = Math.max(start.offset, assigned.epochs.commonEnd(common.epoch, common.endOffset))
    if (resumeAt < assigned.fetchOffset) return assigned.move('truncated', resumeAt)
    break
  }
  if (assigned.fetchOffset > end.offset) return assigned.move('truncated', end.offset)
  // Within the log, and yet refused: of all that was read, this leader knows no epoch.
  if (assigned.epochs.last >= 0) return assigned.move('truncated', start.offset)
  assigned.misplaced = false
  assigned.failed('OFFSET_OUT_OF_RANGE', nowMs())
}

/** After two empty answers below the last stable offset: whether nothing is left there, rather than tiered data that is still on its way. */
export async function isHole(cluster: Requests, versions: Versions, assigned: Assigned, nowMs: () => number): Promise<boolean> {
  const leader = assigned.leader
  if (leader === null) return false
  if (!(await versions.of(leader)).knowsLocalLogStart) return true
  const local = (await listOffsets(cluster, versions, leader, 'local-log-start', [assigned])).get(assigned)!
  if ('error' in local) lostLeader(assigned, local.error, nowMs())
  return 'offset' in local && local.offset <= assigned.fetchOffset
}

/** A leader that does not answer for a partition: look for another one, later each time. */
export function lostLeader(assigned: Assigned, reason: string, nowMs: number): void {
  if (reason.endsWith('_AUTHORIZATION_FAILED')) {
    assigned.fault = faultOfApiError(reason, false, assigned.name)
    return
  }
  assigned.leader = null
  assigned.failed(reason, nowMs)
}

/** True where asking again, of this broker or another, may help. */
export function isPassing(error: unknown): boolean {
  const fault = faultOf(error, '')
  return fault.kind === 'unreachable' || fault.kind === 'timeout' || fault.retriable
}
