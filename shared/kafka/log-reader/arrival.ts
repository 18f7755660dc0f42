import { apiErrorName, type NodeId } from '../cluster.ts'
import type { Assigned } from './assigned.ts'
import { type Batch, walkBatches } from './batch.ts'
import { type Arrived, corrupt } from './chunk.ts'
import type { FetchedPartition, FetchPartition, FetchResponse } from './fetch-codec.ts'
import { follow, lostLeader } from './mend.ts'

/** Where an answer arrives: what is still wanted, and which brokers there are. */
export interface Place {
  isCurrent(assigned: Assigned): boolean
  hasBroker(id: NodeId): boolean
  /** One more with each answer that held something: who was served longest ago is asked for first. */
  serve(): number
}

/**
 * What one answer brings, partition by partition: batches to check, or what its partition has learnt from a refusal. An answer for a
 * partition that has moved meanwhile is dropped.
 */
export function arrived(response: FetchResponse, partitions: readonly Assigned[], asked: readonly FetchPartition[], place: Place): Arrived[] {
  const byId = new Map(partitions.map((assigned, index) => [`${assigned.topicId} ${assigned.partition}`, { assigned, askedOffset: asked[index]!.fetchOffset }]))
  const holdsNothing = response.partitions.every(partition => partition.records.length === 0)
  const answer: Arrived[] = []
  for (const fetched of response.partitions) {
    const found = byId.get(`${fetched.topicId} ${fetched.partition}`)
    // Moved meanwhile, or answered already by a newer leader.
    if (!found || !place.isCurrent(found.assigned) || found.askedOffset !== found.assigned.fetchOffset) continue
    const { assigned } = found
    if (fetched.errorCode !== 0) refused(assigned, fetched, place)
    else if (fetched.divergingEpoch)
      assigned.move('truncated', Math.max(fetched.logStartOffset, assigned.epochs.commonEnd(fetched.divergingEpoch.epoch, fetched.divergingEpoch.endOffset)))
    else answer.push(...walked(assigned, fetched, holdsNothing, place))
  }
  if (response.errorCode !== 0) for (const assigned of partitions) lostLeader(assigned, apiErrorName(response.errorCode), performance.now())
  return answer
}

function walked(assigned: Assigned, fetched: FetchedPartition, holdsNothing: boolean, place: Place): Arrived[] {
  const { highWatermark, lastStableOffset, logStartOffset, abortedTransactions } = fetched
  const fromOffset = assigned.fetchOffset
  let batches: Batch[]
  try {
    // Compressed batches begin where the broker's index says, which may be before the offset that was asked.
    batches = walkBatches(fetched.records).filter(batch => batch.header.lastOffset >= fromOffset)
  } catch (error) {
    assigned.fault = corrupt(assigned, fromOffset, String(error))
    return []
  }
  assigned.answered()
  assigned.ends = { logStartOffset, highWatermark, lastStableOffset }
  for (const { header } of batches) assigned.epochs.read(header.partitionLeaderEpoch, header.baseOffset)
  const last = batches.at(-1)
  if (last) {
    assigned.fetchOffset = last.header.lastOffset + 1
    assigned.servedAt = place.serve()
    assigned.servings++
  }
  if (last || fromOffset >= lastStableOffset) assigned.emptyAnswers = 0
  else if (holdsNothing) assigned.emptyAnswers++
  const { moved } = assigned
  assigned.moved = null
  return [{ assigned, fromOffset, nextOffset: assigned.fetchOffset, highWatermark, lastStableOffset, logStartOffset, abortedTransactions, batches, moved }]
}

function refused(assigned: Assigned, { errorCode, currentLeader }: FetchedPartition, place: Place): void {
  const error = apiErrorName(errorCode)
  if (error === 'OFFSET_OUT_OF_RANGE') {
    assigned.misplaced = true
    return
  }
  lostLeader(assigned, error, performance.now())
  if (currentLeader && currentLeader.leaderEpoch > assigned.leaderEpoch && place.hasBroker(currentLeader.leaderId))
    follow(assigned, currentLeader.leaderId, currentLeader.leaderEpoch)
}
