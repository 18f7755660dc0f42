import type { NodeId } from '../cluster.ts'
import type { KafkaFault } from '../errors.ts'
import type { Fetched } from '../ports.ts'
import { EpochHistory } from './epoch-history.ts'

export type Moved = NonNullable<Fetched['moved']>

/** One assigned partition. A new assign makes a new one, so that answers to older requests are told apart. */
export class Assigned {
  readonly topic: string
  readonly partition: number
  /** The incarnation that was assigned; another one is never read. */
  readonly topicId: string
  leader: NodeId | null = null
  leaderEpoch = -1
  /** Next offset to hand over. */
  position: number
  /** Next offset to ask for; ahead of `position` while answers wait. */
  fetchOffset: number
  readonly epochs = new EpochHistory()
  /** The position is not in the leader's log: find out where to go on. */
  misplaced = false
  /** Since when the cluster does not know this incarnation; one broker may lag behind the others. */
  unknownSinceMs: number | null = null
  /** Answers in a row that held nothing though the last stable offset was beyond. */
  emptyAnswers = 0
  /** What the newest answer said of the log; null before there is one. */
  ends: { readonly logStartOffset: number; readonly highWatermark: number; readonly lastStableOffset: number } | null = null
  /** Grows each time this partition had data, so that others come first in the next request. */
  servedAt = 0
  /** Answers with data so far: only who keeps reading has more fetched ahead. */
  servings = 0
  /** Said with the next answer. */
  moved: Moved | null = null
  /** What stops this partition; thrown by the next poll that has nothing else. */
  fault: KafkaFault | null = null
  /** Left out of fetches: read far enough for now. */
  held = false
  failures = 0
  failingSinceMs: number | null = null
  retryAtMs = 0
  lastFailure = ''

  constructor(topic: string, partition: number, topicId: string, offset: number) {
    this.topic = topic
    this.partition = partition
    this.topicId = topicId
    this.position = offset
    this.fetchOffset = offset
  }

  get name(): string {
    return `topic ${this.topic} partition ${this.partition}`
  }

  move(why: Moved['why'], resumedAt: number): void {
    this.moved = { why, asked: this.moved?.asked ?? this.fetchOffset, resumedAt }
    this.fetchOffset = resumedAt
    this.misplaced = false
    this.epochs.truncate(resumedAt)
    if (why === 'below-log-start') this.epochs.clear()
  }

  /** Asks again for what was fetched but could not be used. */
  fetchFrom(offset: number): void {
    this.fetchOffset = offset
    this.epochs.truncate(offset)
  }

  /** Something retriable went wrong: wait longer each time, between half a delay and a whole one. */
  failed(reason: string, nowMs: number): void {
    this.lastFailure = reason
    this.failingSinceMs ??= nowMs
    const delayMs = Math.min(1_000, 50 * 2 ** this.failures++)
    this.retryAtMs = nowMs + delayMs * (0.5 + Math.random() / 2)
  }

  answered(): void {
    this.failures = 0
    this.failingSinceMs = null
    this.retryAtMs = 0
  }
}
