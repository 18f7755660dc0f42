import { setTimeout as sleep } from 'node:timers/promises'
import { apiErrorName } from '../cluster.ts'
import type { KafkaConnection } from '../connection.ts'
import { faultOf, faultOfApiError, KafkaFault } from '../errors.ts'
import type { PollOptions } from '../log-reader/options.ts'
import { Wake } from '../log-reader/wake.ts'
import { batchesAfter, recordsOf } from './batches.ts'
import { type Controllers, fetchVersionOf, openControllers } from './controllers.ts'
import { metadataFetch, type MetadataFetched } from './fetch-codec.ts'
import { HeldBack } from './held-back.ts'
import type { MetadataLogItem, MetadataPosition } from './items.ts'
import type { EndOffset, Leadership } from './leadership.ts'
import { Quorum } from './quorum.ts'
import { Quiet } from './quiet.ts'
import { fetchSnapshot } from './snapshot-codec.ts'
import { downloadSnapshot } from './snapshot.ts'

export interface MetadataLogOptions {
  /** Where to go on, exactly: the `position` of the last item that was dealt with. Default: the very beginning. */
  readonly startAt?: MetadataPosition
  /** The cluster that the position belongs to: another one refuses us. Default: whichever answers. */
  readonly clusterId?: string
  /** Without a committed record for so long, `poll` gives a `silence`. Default 5,000: controllers write a NoOp every 500 ms. */
  readonly silenceAfterMs?: number
  /** A larger snapshot is an error. It is kept in memory while its item is. Default 256 MiB. */
  readonly maxSnapshotBytes?: number
}

export interface MetadataLogCounts {
  /** Leader epochs that were met. */
  epochs: number
  snapshots: number
  /** Records that were read, never committed, and dropped because a new leader's log went another way. */
  dropped: number
}

/** The metadata log of one cluster, read by one caller at a time. */
export interface MetadataLog {
  /** Behind the last item that `poll` gave. */
  readonly position: MetadataPosition
  readonly counts: Readonly<MetadataLogCounts>
  /** Records that were read and wait for the high watermark. */
  readonly waiting: number
  /**
   * The next item; null when `maxWaitMs` (default 1,000) is over. Survives elections and controllers that go and come. Throws a KafkaFault
   * only where all controllers refuse us (right, login, certificate, version, another cluster) or a snapshot is too large; the next poll
   * tries again.
   */
  poll(options?: PollOptions): Promise<MetadataLogItem | null>
  close(): Promise<void>
}

/**
 * Opens the log of metadata changes. `connection.brokers` are listeners of the controllers. Needs CLUSTER_ACTION on the cluster. Sends
 * ApiVersions, Fetch and FetchSnapshot with replica id -1 and nothing else. At most 64 MiB of answers are held, and one snapshot.
 */
export function openMetadataLog(connection: KafkaConnection, options: MetadataLogOptions = {}): MetadataLog {
  return new MetadataLogReader(connection.brokers, openControllers(connection), options)
}

const holdMs = 500
/** Before Fetch 18 a leader does not tell that the high watermark moved: it is asked again soon while something waits for that. */
const holdWhileWaitingMs = 25
const maxHeldBytes = 16 * 1024 * 1024
const leastPauseMs = 25
const longestPauseMs = 250
/** Controllers that point to each other are not asked faster than this many times without a pause. */
const maxHops = 4

export class MetadataLogReader implements MetadataLog {
  readonly counts: MetadataLogCounts = { epochs: 0, snapshots: 0, dropped: 0 }
  readonly #controllers: Controllers
  readonly #options: Required<Pick<MetadataLogOptions, 'maxSnapshotBytes'>> & { readonly clusterId: string | null }
  readonly #quorum: Quorum
  readonly #held: HeldBack
  readonly #versions = new Map<string, number>()
  readonly #quiet: Quiet
  readonly #wake = new Wake()
  readonly #closing = new AbortController()
  /** Why each controller refuses us for good, since the last one that did not. */
  readonly #refusals = new Map<string, KafkaFault>()
  #position: MetadataPosition
  #highWatermark = { epoch: -1, offset: -1 }
  #furthestChunk = { offset: -1, position: -1 }
  #next: MetadataLogItem | null = null
  #fault: KafkaFault | null = null
  #underWay: Promise<void> | null = null
  #polling = false
  #failures = 0
  #hops = 0
  #metEpoch = -1
  #why = 'no controller has answered yet'

  constructor(addresses: readonly string[], controllers: Controllers, options: MetadataLogOptions) {
    const { startAt = { offset: 0, epoch: 0 }, clusterId = null, silenceAfterMs = 5_000, maxSnapshotBytes = 256 * 1024 * 1024 } = options
    for (const [name, value] of Object.entries(startAt))
      if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`start at ${name} ${value}, expected a whole number from 0`)
    this.#controllers = controllers
    this.#options = { clusterId, maxSnapshotBytes }
    this.#position = startAt
    this.#held = new HeldBack(startAt)
    this.#quorum = new Quorum(addresses, startAt.epoch)
    this.#quiet = new Quiet(silenceAfterMs)
  }

  get position(): MetadataPosition {
    return this.#position
  }

  get waiting(): number {
    return this.#held.records
  }

  async poll({ maxWaitMs = 1_000, signal }: PollOptions = {}): Promise<MetadataLogItem | null> {
    if (this.#polling) throw new Error('the metadata log is being polled already: it serves one caller at a time')
    this.#polling = true
    try {
      this.#quiet.listen()
      return await this.#poll(performance.now() + maxWaitMs, signal)
    } finally {
      this.#quiet.stopListening()
      this.#polling = false
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#wake.now()
    await this.#controllers.close()
    await this.#underWay
  }

  async #poll(deadlineMs: number, signal: AbortSignal | undefined): Promise<MetadataLogItem | null> {
    for (;;) {
      signal?.throwIfAborted()
      if (this.#closing.signal.aborted) throw new KafkaFault('unreachable', 'this reader of the metadata log is closed')
      const item = this.#next
      const fault = this.#fault
      this.#next = this.#fault = null
      if (fault) throw fault
      // Before the item is given away: while its caller works, the next answer is under way.
      this.#launch()
      if (item) {
        this.#position = item.position
        return item
      }
      const silentMs = this.#quiet.silentMs()
      if (silentMs !== null) return { kind: 'silence', position: this.#position, silentMs, why: this.#why }
      if (performance.now() >= deadlineMs) return null
      await this.#quiet.sleep(this.#wake, deadlineMs, signal)
    }
  }

  #launch(): void {
    this.#underWay ??= this.#turn().finally(() => {
      this.#underWay = null
      this.#wake.now()
    })
  }

  /** One question to one controller. Never rejects. */
  async #turn(): Promise<void> {
    const { signal } = this.#closing
    if (this.#failures > 0) await sleep(Math.min(longestPauseMs, leastPauseMs * 2 ** this.#failures), undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    const { address } = this.#quorum
    const askedAtMs = performance.now()
    try {
      await this.#ask(address)
    } catch (error) {
      if (!signal.aborted) this.#failed(address, error, performance.now() - askedAtMs)
    }
  }

  async #ask(address: string): Promise<void> {
    const version = this.#versions.get(address) ?? (await fetchVersionOf(this.#controllers, address))
    this.#versions.set(address, version)
    const { epoch } = this.#quorum
    const answer = await this.#controllers.ask(address, metadataFetch(version), {
      clusterId: this.#options.clusterId,
      leaderEpoch: epoch,
      position: this.#held.end,
      highWatermark: this.#highWatermark.epoch === epoch ? this.#highWatermark.offset : -1,
      maxWaitMs: version < 18 && this.#held.records > 0 ? holdWhileWaitingMs : holdMs
    })
    if (answer.errorCode !== 0) return this.#refused(address, apiErrorName(answer.errorCode), answer)
    if (answer.currentLeader && answer.currentLeader.leaderEpoch > epoch) return this.#refused(address, 'a newer leader epoch', answer)
    this.#led(epoch)
    if (answer.divergingEpoch) this.#diverged(answer.divergingEpoch)
    else if (answer.snapshotId) await this.#takeSnapshot(address, epoch, answer.snapshotId)
    else this.#take(address, epoch, answer)
  }

  /** A leader of this epoch has answered. */
  #led(epoch: number): void {
    this.#failures = this.#hops = 0
    this.#refusals.clear()
    if (epoch !== this.#metEpoch) this.counts.epochs++
    this.#metEpoch = epoch
  }

  #take(address: string, epoch: number, { records, highWatermark }: MetadataFetched): void {
    const batches = batchesAfter(this.#held.end, records)
    const newest = batches.at(-1)?.header.partitionLeaderEpoch ?? 0
    if (newest > epoch) throw new RangeError(`a batch of epoch ${newest} from the leader of epoch ${epoch}`)
    this.#held.add(batches)
    this.#highWatermark = { epoch, offset: highWatermark }
    const committed = this.#held.committed(highWatermark)
    const fromOffset = this.#held.released.offset
    if (committed.length > 0) {
      const decoded = recordsOf(committed, fromOffset)
      this.#held.release(committed.length)
      this.#next = { kind: 'records', fromOffset, position: this.#held.released, ...decoded, highWatermark, leaderEpoch: epoch }
      this.#quiet.heard()
      return
    }
    this.#why = `controller ${address} leads epoch ${epoch} and commits nothing: its high watermark is ${highWatermark}, ${this.#held.records} records wait for it`
    if (this.#held.bytes > maxHeldBytes) this.#held.drop()
    // It may have been cut off from the others, and not know it yet.
    if (this.#quiet.isSuspicious()) this.#quorum.turn()
  }

  #diverged(divergedAt: EndOffset): void {
    const { offset, epoch } = this.#held.released
    if (divergedAt.epoch < epoch || divergedAt.offset < offset) return this.#rewritten(divergedAt)
    if (this.#held.records === 0) throw new RangeError(`the log diverges at offset ${divergedAt.offset}, which was never read: reading is at ${offset}`)
    this.counts.dropped += this.#held.records
    this.#held.drop()
  }

  #rewritten(divergedAt: EndOffset): void {
    const lost = this.#held.released
    const position = { offset: 0, epoch: 0 }
    this.#held.move(position)
    this.#next = { kind: 'rewritten', lost, divergedAt, position }
    this.#quiet.heard()
  }

  async #takeSnapshot(address: string, epoch: number, snapshotId: EndOffset): Promise<void> {
    const { clusterId, maxSnapshotBytes } = this.#options
    const from = this.#held.released
    // It would be read on from there, if that were the same log.
    if (snapshotId.offset <= from.offset) return this.#rewritten(snapshotId)
    const snapshot = await downloadSnapshot({ snapshotId, leaderEpoch: epoch, clusterId, maxSnapshotBytes }, async asked => {
      const answer = await this.#controllers.ask(address, fetchSnapshot, asked)
      this.#reached(snapshotId, asked.position)
      return answer
    })
    if ('refused' in snapshot) return this.#refused(address, snapshot.refused, snapshot.leadership)
    const position = { offset: snapshotId.offset, epoch: snapshotId.epoch }
    this.counts.dropped += this.#held.records
    this.#held.move(position)
    this.counts.snapshots++
    const gap = { from: from.offset, to: position.offset }
    this.#next = { kind: 'snapshot', endOffset: position.offset, epoch: position.epoch, position, gap, ...snapshot }
    this.#quiet.heard()
  }

  /** A chunk that was not read before is a sign of life; the same ones read anew are none. */
  #reached({ offset }: EndOffset, position: number): void {
    if (offset === this.#furthestChunk.offset && position <= this.#furthestChunk.position) return
    this.#furthestChunk = { offset, position }
    this.#quiet.heard()
  }

  #refused(address: string, error: string, leadership: Leadership): void {
    const { currentLeader } = leadership
    const known = currentLeader
      ? ` (it knows leader ${currentLeader.leaderId} of epoch ${currentLeader.leaderEpoch}; asked for epoch ${this.#quorum.epoch})`
      : ''
    if (error === 'CLUSTER_AUTHORIZATION_FAILED' || error === 'INCONSISTENT_CLUSTER_ID') throw faultOfApiError(error, false, `controller ${address}`)
    if (this.#quorum.learn(leadership) && ++this.#hops <= maxHops) return
    this.#why = `controller ${address}: ${error}${known}`
    this.#quorum.turn()
    this.#failures++
  }

  #failed(address: string, error: unknown, tookMs: number): void {
    const fault = faultOf(error, `controller ${address}`)
    this.#why = fault.message
    // What is not sound is read again, from a controller that may have it right.
    if (error instanceof RangeError) this.#held.drop()
    this.#controllers.drop(address)
    this.#versions.delete(address)
    this.#quorum.failed(tookMs)
    this.#failures++
    if (fault.retriable) return
    this.#refusals.set(address, fault)
    if (fault.apiError !== 'RECORD_LIST_TOO_LARGE' && this.#refusals.size < this.#quorum.size) return
    this.#refusals.clear()
    this.#fault = fault
  }
}
