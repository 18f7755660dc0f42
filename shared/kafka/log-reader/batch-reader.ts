import type { NodeId } from '../cluster.ts'
import { faultOf, KafkaFault } from '../errors.ts'
import type { StartAt } from '../ports.ts'
import { arrived, type Place } from './arrival.ts'
import { Assigned } from './assigned.ts'
import { type Arrived, checked, type Chunk, skip } from './chunk.ts'
import type { FetchLimits } from './fetch-codec.ts'
import { disbeliefMs, findLeaders, findPosition, isHole, isPassing, lookUpTopic, lostLeader, type Requests } from './mend.ts'
import { listOffsets, type OffsetKind } from './offsets.ts'
import type { PollOptions, ReaderOptions } from './options.ts'
import { Versions } from './versions.ts'
import { Wake } from './wake.ts'

/** One broker: at most one fetch under way, at most two answers waiting. */
interface Lane {
  inFlight: Promise<void> | null
  readonly answers: Arrived[][]
}

const waitForAnswerMs = 1_000
/** A fetch is held by its broker no longer than this: other requests of the connection wait behind it. */
const longestHoldMs = 500
const heldAnswers = 2

/**
 * Reads batches of assigned partitions, several partitions a fetch, brokers side by side; while an answer is walked the next one is
 * under way. Finds leaders and positions again when they are lost.
 */
export class BatchReader {
  readonly limits: Required<ReaderOptions>
  readonly #cluster: Requests
  readonly #versions: Versions
  readonly #assigned = new Map<string, Assigned>()
  readonly #lanes = new Map<NodeId, Lane>()
  readonly #wake = new Wake()
  readonly #place: Place
  #polling = false
  #closed = false

  constructor(cluster: Requests, options: ReaderOptions) {
    this.#cluster = cluster
    this.#versions = new Versions(cluster)
    let served = 0
    this.#place = { isCurrent: assigned => this.isCurrent(assigned), hasBroker: id => cluster.brokers.has(id), serve: () => ++served }
    this.limits = {
      maxBytes: 8 * 1024 * 1024,
      maxPartitionBytes: 4 * 1024 * 1024,
      maxUncompressedBatchBytes: 256 * 1024 * 1024,
      giveUpAfterMs: 60_000,
      ...options
    }
  }

  get assigned(): readonly Assigned[] {
    return [...this.#assigned.values()]
  }

  isCurrent(assigned: Assigned): boolean {
    return this.#assigned.get(`${assigned.topic} ${assigned.partition}`) === assigned
  }

  async assign(topic: string, partition: number, startAt: StartAt): Promise<void> {
    if (typeof startAt === 'number' && !(Number.isSafeInteger(startAt) && startAt >= 0))
      throw new RangeError(`topic ${topic} partition ${partition}: start at offset ${startAt}, expected a whole number from 0`)
    const assigned = new Assigned(topic, partition, await this.#topicId(topic, partition), typeof startAt === 'number' ? startAt : 0)
    if (typeof startAt === 'string') {
      const offsets = await this.offsets(startAt === 'start' ? 'log-start' : 'last-stable-offset', [assigned])
      assigned.position = assigned.fetchOffset = offsets.get(assigned)!
    }
    this.#assigned.set(`${topic} ${partition}`, assigned)
  }

  unassign(topic: string, partition: number): void {
    this.#assigned.delete(`${topic} ${partition}`)
  }

  /** Offsets of one kind, asked of the leaders until every one has answered. Throws a KafkaFault when that takes too long. */
  async offsets(kind: OffsetKind, partitions: readonly Assigned[], signal?: AbortSignal): Promise<Map<Assigned, number>> {
    const offsets = new Map<Assigned, number>()
    for (;;) {
      this.#check(partitions, signal)
      const missing = partitions.filter(assigned => !offsets.has(assigned))
      if (missing.length === 0) return offsets
      await this.#attempt(missing, () => this.#findLeaders(missing))
      for (const [leader, ofLeader] of Map.groupBy(missing.filter(ready), assigned => assigned.leader!)) {
        await this.#attempt(ofLeader, async () => {
          for (const [assigned, answer] of await listOffsets(this.#cluster, this.#versions, leader, kind, ofLeader)) {
            if ('error' in answer) lostLeader(assigned, answer.error, performance.now())
            else {
              assigned.answered()
              offsets.set(assigned, answer.offset)
            }
          }
        })
      }
      if (offsets.size < partitions.length)
        await this.#waitUntil(Math.min(...partitions.filter(assigned => !offsets.has(assigned)).map(assigned => assigned.retryAtMs)), signal)
    }
  }

  /** Chunks that hold something, or those that hold nothing once `maxWaitMs` is over. Throws a KafkaFault for a partition that cannot be read. */
  async next({ maxWaitMs = 500, signal }: PollOptions = {}): Promise<Chunk[]> {
    if (this.#polling) throw new Error('this reader is being polled already: it serves one caller at a time')
    this.#polling = true
    try {
      return await this.#next(performance.now() + maxWaitMs, signal)
    } finally {
      this.#polling = false
    }
  }

  close(): void {
    this.#closed = true
    this.#wake.now()
  }

  async #next(deadlineMs: number, signal: AbortSignal | undefined): Promise<Chunk[]> {
    const empty = new Map<Assigned, Chunk>()
    for (let first = true; ; first = false) {
      this.#check(this.assigned, signal)
      const skipped = await this.#mend()
      const chunks = [...skipped, ...this.#take()]
      for (const chunk of chunks) empty.set(chunk.assigned, chunk)
      if (chunks.some(chunk => chunk.batches.length > 0 || chunk.moved || chunk.nextOffset !== chunk.fromOffset)) {
        this.#prefetch(Math.max(0, Math.round(deadlineMs - performance.now())))
        return chunks
      }
      // After the empty answers were taken: a fetch is held for less than a long wait, so the next one goes out at once.
      if (first || performance.now() < deadlineMs) this.#launch(Math.max(0, Math.round(deadlineMs - performance.now())))
      const nowMs = performance.now()
      const underWay = [...this.#lanes.values()].some(lane => lane.inFlight !== null)
      if (nowMs >= deadlineMs && (!underWay || nowMs >= deadlineMs + waitForAnswerMs)) return [...empty.values()]
      const retryAtMs = this.assigned.filter(assigned => assigned.retryAtMs > nowMs).map(assigned => assigned.retryAtMs)
      await this.#waitUntil(nowMs < deadlineMs ? Math.min(deadlineMs, ...retryAtMs) : deadlineMs + waitForAnswerMs, signal)
    }
  }

  /** Throws what stops a partition, once: the caller may unassign it, or poll again to try again. */
  #check(partitions: readonly Assigned[], signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    if (this.#closed) throw new KafkaFault('unreachable', 'this log reader is closed')
    for (const assigned of partitions) {
      const { fault } = assigned
      if (fault) {
        assigned.fault = null
        assigned.unknownSinceMs = null
        throw fault
      }
      const failingForMs = performance.now() - (assigned.failingSinceMs ?? Infinity)
      if (failingForMs < this.limits.giveUpAfterMs) continue
      if (assigned.failingSinceMs === null) continue
      assigned.failingSinceMs = null
      throw new KafkaFault('unreachable', `${assigned.name} could not be read for ${Math.round(failingForMs)} ms: ${assigned.lastFailure}`, { retriable: true })
    }
  }

  /** The incarnation that is read already where another partition of the topic is assigned; else the one of now. */
  async #topicId(topic: string, partition: number): Promise<string> {
    for (const sibling of this.#assigned.values()) if (sibling.topic === topic) return sibling.topicId
    const beganMs = performance.now()
    for (let attempt = 0; ; attempt++) {
      const found = await lookUpTopic(this.#cluster, topic, partition)
      if (typeof found === 'string') return found
      const patienceMs = found.apiError === 'UNKNOWN_TOPIC_OR_PARTITION' ? disbeliefMs : this.limits.giveUpAfterMs
      if (!found.retriable || this.#closed || performance.now() - beganMs > patienceMs) throw found
      await this.#waitUntil(performance.now() + Math.min(1_000, 50 * 2 ** attempt), undefined)
    }
  }

  /** Runs a step that asks brokers; a passing failure is noted on the partitions, any other is thrown. */
  async #attempt(partitions: readonly Assigned[], step: () => Promise<unknown>): Promise<void> {
    try {
      await step()
    } catch (error) {
      if (!isPassing(error) || this.#closed) throw error
      for (const assigned of partitions) lostLeader(assigned, faultOf(error, 'request').message, performance.now())
    }
  }

  async #findLeaders(partitions: readonly Assigned[]): Promise<void> {
    const leaderless = partitions.filter(assigned => assigned.leader === null && assigned.retryAtMs <= performance.now())
    if (leaderless.length > 0) await findLeaders(this.#cluster, leaderless, () => performance.now())
  }

  /** Finds leaders and positions that were lost. Returns chunks for offsets where nothing is left. */
  async #mend(): Promise<Chunk[]> {
    const assignedNow = this.assigned
    await this.#attempt(
      assignedNow.filter(assigned => assigned.leader === null),
      () => this.#findLeaders(assignedNow)
    )
    const skipped: Chunk[] = []
    for (const assigned of assignedNow) {
      if (!ready(assigned)) continue
      if (assigned.misplaced) await this.#attempt([assigned], () => findPosition(this.#cluster, this.#versions, assigned, () => performance.now()))
      else if (assigned.emptyAnswers >= 2) {
        await this.#attempt([assigned], async () => {
          if (await isHole(this.#cluster, this.#versions, assigned, () => performance.now())) skipped.push(...skip(assigned))
          assigned.emptyAnswers = 0
        })
      }
    }
    return skipped
  }

  /** Sends a fetch to every leader that has none under way. */
  #launch(maxWaitMs: number): void {
    const wanted = this.assigned.filter(assigned => ready(assigned) && !assigned.held && !assigned.misplaced)
    for (const [leader, partitions] of Map.groupBy(wanted, assigned => assigned.leader!)) {
      const lane = this.#lane(leader)
      if (!lane.inFlight && lane.answers.length === 0) this.#send(leader, lane, partitions, maxWaitMs)
    }
  }

  /** Asks for more of what is known to be there, while the caller works on what came. */
  #prefetch(maxWaitMs: number): void {
    const behind = this.assigned.filter(
      assigned =>
        ready(assigned) &&
        !assigned.held &&
        !assigned.misplaced &&
        assigned.servings > 1 &&
        assigned.ends !== null &&
        assigned.fetchOffset < assigned.ends.lastStableOffset
    )
    for (const [leader, partitions] of Map.groupBy(behind, assigned => assigned.leader!)) {
      const lane = this.#lane(leader)
      if (!lane.inFlight && lane.answers.length < heldAnswers) this.#send(leader, lane, partitions, maxWaitMs)
    }
  }

  #lane(leader: NodeId): Lane {
    const lane = this.#lanes.get(leader) ?? { inFlight: null, answers: [] }
    this.#lanes.set(leader, lane)
    return lane
  }

  #send(leader: NodeId, lane: Lane, partitions: Assigned[], maxWaitMs: number): void {
    partitions.sort((a, b) => a.servedAt - b.servedAt)
    const { maxBytes, maxPartitionBytes } = this.limits
    const doubtful = partitions.some(assigned => assigned.emptyAnswers > 0)
    const limits: FetchLimits = { maxWaitMs: doubtful ? 0 : Math.min(maxWaitMs, longestHoldMs), minBytes: 1, maxBytes, maxPartitionBytes }
    lane.inFlight = this.#fetch(leader, lane, partitions, limits).finally(() => {
      this.#wake.now()
    })
  }

  async #fetch(leader: NodeId, lane: Lane, partitions: readonly Assigned[], limits: FetchLimits): Promise<void> {
    const asked = partitions.map(assigned => ({
      topicId: assigned.topicId,
      partition: assigned.partition,
      currentLeaderEpoch: assigned.leaderEpoch,
      fetchOffset: assigned.fetchOffset,
      lastFetchedEpoch: assigned.epochs.last
    }))
    try {
      const { fetch } = await this.#versions.of(leader)
      const response = await this.#cluster.request(leader, fetch, asked, limits)
      lane.inFlight = null
      const answer = arrived(response, partitions, asked, this.#place)
      if (answer.length > 0) lane.answers.push(answer)
      if (lane.answers.length > 0) this.#prefetch(limits.maxWaitMs)
    } catch (error) {
      lane.inFlight = null
      this.#versions.forget(leader)
      const fault = faultOf(error, `fetch from broker ${leader}`)
      for (const assigned of partitions) {
        if (isPassing(fault)) lostLeader(assigned, fault.message, performance.now())
        else assigned.fault = fault
      }
    }
  }

  /** The oldest answer of every broker, checked; what is not wanted any more is dropped. */
  #take(): Chunk[] {
    const chunks: Chunk[] = []
    for (const lane of this.#lanes.values()) {
      for (const waiting of lane.answers.shift() ?? []) {
        const { assigned, moved, fromOffset } = waiting
        if (!this.isCurrent(assigned)) continue
        if (fromOffset !== (moved ? moved.resumedAt : assigned.position)) {
          assigned.fetchFrom(assigned.position)
          continue
        }
        const chunk = checked(waiting)
        assigned.position = chunk.nextOffset
        if (chunk.nextOffset !== waiting.nextOffset) assigned.fetchFrom(chunk.nextOffset)
        chunks.push(chunk)
      }
    }
    return chunks
  }

  async #waitUntil(atMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#closed) this.#wake.now()
    await this.#wake.sleepUntil(atMs, signal)
  }
}

const ready = (assigned: Assigned): boolean => assigned.leader !== null && assigned.fault === null && assigned.retryAtMs <= performance.now()
