import { setTimeout as sleep } from 'node:timers/promises'
import type { Circumstances, Continued } from '../audit/checkpoint-entry.ts'
import type { SourcePositions } from '../audit/trailer.ts'
import { signCheckpoint } from '../proof/checkpoint.ts'
import type { Signer } from '../proof/note-key.ts'
import { ProofError } from '../proof/proof-error.ts'
import { KafkaFault } from '../kafka/errors.ts'
import type { Appender, LogReader, NewRecord } from '../kafka/ports.ts'
import { type AnchoredCheckpoint, checkpointToAnchor } from '../anchors/anchor.ts'
import { type AnchorStanding, Anchoring, type CheckpointKeeper, largestAnchored } from './anchoring.ts'
import { AuditLogFault } from './fault.ts'
import type { AuditBatch, ChainEnd, SealedGroup, Sealing } from './group.ts'
import { findHead, type Head } from './head.ts'
import { type LogPlace, originOf } from './place.ts'
import { beginOrGoOn, type Start } from './start.ts'

export interface AuditLogOptions {
  readonly place: LogPlace
  /** With the transactional id of the place; fenced here, and closed by the caller. */
  readonly appender: Appender
  /** For the end of the log alone, and closed by the caller. */
  readonly reader: LogReader
  /** Id of the topic, for the first entry. */
  readonly topicId: string
  /** The end of the log that this one goes on from, for the first entry. */
  readonly continues?: Continued
  /** The newest last, which signs. Where the log was signed by the one before, that one is needed once more, to hand over. */
  readonly signers: readonly Signer[]
  /** Asked at the start for the largest checkpoint that they hold: a log that is shorter was cut, and is not written on. */
  readonly anchors: readonly CheckpointKeeper[]
  /** Asked for each checkpoint; must not throw. */
  readonly circumstances: () => Circumstances
  readonly limits?: Partial<AuditLogLimits>
  readonly nowMs?: () => number
  /** What an operator should hear: a loss, an anchor or a signer that fails, a commit that takes several attempts. */
  readonly onTrouble?: (message: string) => void
  /** After each transaction that holds entries. */
  readonly onCommitted?: (head: CommittedHead) => void
}

export interface AuditLogLimits {
  /** A transaction that has this many entries, or bytes of them, takes no further batch. */
  readonly transactionEntries: number
  readonly transactionBytes: number
  /** How long the first batch of a transaction waits for others. */
  readonly lingerMs: number
  /** A checkpoint comes after so many entries, or so long after anything moved, and this long after the last one even if nothing did. */
  readonly checkpointEntries: number
  readonly checkpointMs: number
  readonly heartbeatMs: number
}

const defaults: AuditLogLimits = {
  transactionEntries: 4_000,
  transactionBytes: 4 * 1024 * 1024,
  lingerMs: 5,
  checkpointEntries: 10_000,
  checkpointMs: 60_000,
  // Below a day, after which producers' state begins to expire.
  heartbeatMs: 20 * 3_600_000
}

/** What is committed, markers and all. */
export interface CommittedHead {
  readonly size: number
  readonly fingerprint: string | null
  readonly sources: SourcePositions
  readonly closedThroughMs: number | null
}

/** The only writer of one log. */
export interface AuditLog {
  readonly origin: string
  readonly head: CommittedHead
  /** Offset and key of records near the end that somebody else has written, as they were found at the start. */
  readonly foreign: Head['foreign']
  /**
   * Takes a batch: it is sealed at once, and committed as a whole. Resolves when there is room for the next one, which the caller awaits before it
   * reads on. Rejects when the log has ended, with why: what was not committed by then is not written.
   */
  offer(batch: AuditBatch): Promise<void>
  /** Resolves when all that was offered before is committed; positions that came without an event may wait for the next entry. Rejects as offer does. */
  flushed(): Promise<void>
  /** Writes a checkpoint now. Resolves with it once it is committed, entry and note; anchors have it then, or are being tried. */
  checkpoint(): Promise<AnchoredCheckpoint>
  anchors(): readonly AnchorStanding[]
  /** Size of the newest signed checkpoint, and when it was made; null: none since the start. */
  readonly newestCheckpoint: { readonly size: number; readonly atMs: number } | null
  /** Resolves with why the log has ended: null after close(). A KafkaFault of the kind `fenced` says that another writer has taken over, for good. */
  readonly ended: Promise<Error | null>
  /** Commits what was offered, and ends. The last anchors are given a moment. */
  close(): Promise<void>
}

const firstPauseMs = 100
const longestPauseMs = 5_000
const farewellMs = 2_000

/**
 * Takes a log over: fences every other writer, finds its end, and goes on behind it; an empty one is begun. Throws AuditLogFault where that must
 * not be done, KafkaFault where it cannot.
 */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const { appender, reader, place } = options
  const { producerEpoch } = await appender.fence()
  const head = await findHead(reader, place)
  const anchoredSize = await largestAnchored(options.anchors, originOf(place), options.onTrouble ?? (() => undefined))
  const start = await beginOrGoOn(head, { ...options, epoch: producerEpoch, anchoredSize })
  return new Writer(options, head, start)
}

class Writer implements AuditLog {
  readonly origin: string
  readonly foreign: Head['foreign']
  readonly ended: Promise<Error | null>
  readonly #options: AuditLogOptions
  readonly #limits: AuditLogLimits
  readonly #nowMs: () => number
  readonly #sealing: Sealing
  readonly #anchoring: Anchoring
  readonly #onTrouble: (message: string) => void
  readonly #closing = new AbortController()
  #committed: ChainEnd
  /** A signed checkpoint whose note is not committed yet. */
  #note: AnchoredCheckpoint | null
  #newest: AnchoredCheckpoint | null = null
  #signed: AuditLog['newestCheckpoint'] = null
  #failure: Error | null = null
  /** Wakes the loop: something came, or is wanted. */
  #wake = Promise.withResolvers<void>()
  /** Wakes those who wait for the loop: a transaction was taken over, committed, or all is over. */
  #progress = Promise.withResolvers<void>()
  #checkpointWanted: boolean
  #lastCheckpointMs: number
  #sinceCheckpoint = 0
  #gatheringSinceMs = 0
  /** Batches that were sealed, and how many of them are committed. */
  #taken = 0
  #done = 0
  /** Whom to tell when so many are committed. */
  readonly #tells: { readonly from: number; readonly durable: () => void }[] = []

  constructor(options: AuditLogOptions, head: Head, start: Start) {
    const { limits, nowMs = Date.now, onTrouble = () => undefined, anchors } = options
    this.#options = options
    this.#limits = { ...defaults, ...limits }
    this.#nowMs = nowMs
    this.#onTrouble = onTrouble
    this.origin = start.origin
    this.foreign = head.foreign
    this.#sealing = start.sealing
    this.#committed = start.end
    this.#lastCheckpointMs = nowMs()
    // The new fence is told in a checkpoint, unless there was nothing since the last.
    this.#checkpointWanted = head.size > 0 && start.checkpoint === null
    this.#anchoring = new Anchoring(anchors, { nowMs, onTrouble })
    if (start.checkpoint) {
      this.#anchoring.put(start.checkpoint.signed)
      this.#signed = { size: start.checkpoint.signed.size, atMs: Date.parse(head.last!.entry.value.timestamp) }
    }
    this.#note = start.checkpoint?.written === false ? start.checkpoint.signed : null
    this.#taken = this.#sealing.entries > 0 ? 1 : 0
    this.ended = this.#run().then(
      () => null,
      (error: unknown) => this.#fail(error)
    )
  }

  get head(): CommittedHead {
    const { size, last, sources, closedThroughMs } = this.#committed
    return { size, fingerprint: last?.fingerprint ?? null, sources, closedThroughMs }
  }

  async offer(batch: AuditBatch): Promise<void> {
    this.#requireOpen()
    while (this.#isFull()) {
      await this.#progress.promise
      this.#requireOpen()
    }
    if (this.#sealing.entries === 0) this.#gatheringSinceMs = performance.now()
    this.#sealing.take(batch)
    this.#taken++
    if (batch.durable) this.#tells.push({ from: this.#taken, durable: batch.durable })
    this.#wake.resolve()
    while (this.#isFull() && this.#failure === null) await this.#progress.promise
    if (this.#failure) throw this.#failure
  }

  async flushed(): Promise<void> {
    const wanted = this.#taken
    while (this.#done < wanted || this.#note !== null) {
      if (this.#failure) throw this.#failure
      if (this.#sealing.owesAnEntry) this.#wantCheckpoint()
      await this.#progress.promise
    }
  }

  async checkpoint(): Promise<AnchoredCheckpoint> {
    this.#requireOpen()
    const from = this.#sealing.sequence
    this.#wantCheckpoint()
    while (this.#newest === null || this.#newest.size <= from || this.#note !== null) {
      if (this.#failure) throw this.#failure
      await this.#progress.promise
    }
    return this.#newest
  }

  get newestCheckpoint(): AuditLog['newestCheckpoint'] {
    return this.#signed
  }

  anchors(): readonly AnchorStanding[] {
    return this.#anchoring.standing()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#wake.resolve()
    await this.ended
    await Promise.race([this.#anchoring.settled(), sleep(farewellMs, undefined, { ref: false })])
    this.#anchoring.close()
  }

  async #run(): Promise<void> {
    while (await this.#due()) {
      const taken = this.#taken
      const note = this.#note
      const wanted = this.#checkpointDue()
      const group = this.#sealing.entries > 0 || wanted ? this.#cut(wanted) : this.#sealing.hasOthers ? this.#sealing.cutOthers() : null
      // Whoever waited for room may seal the next transaction while this one is being committed.
      this.#tell()
      const records = [...(note ? [this.#sealing.noteRecord(note.text)] : []), ...(group?.records ?? [])]
      await this.#commit(records, group, note)
      if (note) {
        this.#note = null
        this.#newest = note
      }
      if (group) {
        if (group.entries > 0) await this.#advance(group)
        this.#done = taken
        while (this.#tells[0] !== undefined && this.#tells[0].from <= taken) this.#tells.shift()!.durable()
      }
      this.#tell()
    }
  }

  /** Waits until there is something to write. False when the log is closed and all is written. */
  async #due(): Promise<boolean> {
    for (;;) {
      const closing = this.#closing.signal.aborted
      if (this.#note !== null || this.#checkpointDue() || this.#sealing.hasOthers || this.#isFull()) return true
      if (this.#sealing.entries > 0) {
        if (!closing) await this.#linger()
        return true
      }
      if (closing) return false
      await this.#sleepUntilWoken(this.#untilCheckpointMs())
    }
  }

  async #linger(): Promise<void> {
    const endMs = this.#gatheringSinceMs + this.#limits.lingerMs
    while (performance.now() < endMs && !this.#isFull() && !this.#closing.signal.aborted) await this.#sleepUntilWoken(endMs - performance.now())
  }

  async #sleepUntilWoken(ms: number): Promise<void> {
    const { promise, resolve } = (this.#wake = Promise.withResolvers<void>())
    const timer = setTimeout(resolve, Math.min(2 ** 31 - 1, Math.max(1, ms)))
    await promise
    clearTimeout(timer)
  }

  #cut(withCheckpoint: boolean): SealedGroup {
    const group = this.#sealing.cut(withCheckpoint ? { ...this.#options.circumstances(), timestampMs: this.#nowMs() } : null)
    this.#sinceCheckpoint = withCheckpoint ? 0 : this.#sinceCheckpoint + group.entries
    if (withCheckpoint) {
      this.#checkpointWanted = false
      this.#lastCheckpointMs = this.#nowMs()
    }
    return group
  }

  /** Takes over what is committed. A checkpoint is signed before anything is written behind it. */
  async #advance({ after, checkpoint }: SealedGroup): Promise<void> {
    this.#committed = after
    this.#options.onCommitted?.(this.head)
    if (checkpoint === null) return
    const { signers, ...tree } = checkpoint
    const isSignersOwn = (error: unknown): boolean => !(error instanceof ProofError)
    const signed = checkpointToAnchor(await this.#patiently('signing a checkpoint', isSignersOwn, () => signCheckpoint(tree, signers)))
    this.#note = signed
    this.#signed = { size: signed.size, atMs: this.#nowMs() }
    this.#anchoring.put(signed)
  }

  /** Tries until it is committed for certain, the same bytes each time. */
  async #commit(records: readonly NewRecord[], group: SealedGroup | null, note: AnchoredCheckpoint | null): Promise<void> {
    const { appender } = this.#options
    await this.#patiently('commit', isPassing, async () => {
      try {
        await appender.append(records)
      } catch (error) {
        if (!(error instanceof KafkaFault) || error.kind === 'fenced' || error.outcome === 'refused') throw error
        if (await this.#wasCommitted(group, note)) return
        throw new KafkaFault(error.kind, `${error.message}; read back: not committed`, { retriable: error.retriable, outcome: 'refused', cause: error })
      }
    })
  }

  /** After a commit whose end is not known: what the log says. */
  async #wasCommitted(group: SealedGroup | null, note: AnchoredCheckpoint | null): Promise<boolean> {
    const { reader, place } = this.#options
    const head = await this.#patiently('reading back', isPassing, () => findHead(reader, place))
    const fingerprint = head.last?.entry.fingerprint
    const is = (end: ChainEnd): boolean => head.size === end.size && fingerprint === end.last?.fingerprint
    if (group && group.entries > 0 && is(group.after)) return true
    if (!is(this.#committed))
      throw new AuditLogFault(
        'inconsistent',
        `${this.origin}: its end is entry ${head.size - 1} (${fingerprint ?? 'none'}), which this writer has not written behind ${this.#committed.size - 1}`
      )
    // The log did not move: a note tells, if there was one. Other topics' records alone leave no trace here: written again they say the same.
    if (group !== null && group.entries > 0) return false
    return note !== null && head.note !== null
  }

  /** What fails for a while is tried again until the log is closed. */
  async #patiently<T>(what: string, isPassing: (error: unknown) => boolean, attempt: () => Promise<T>): Promise<T> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
      try {
        return await attempt()
      } catch (error) {
        if (!isPassing(error) || this.#closing.signal.aborted) throw error
        this.#onTrouble(`${this.origin}: ${what} is tried again: ${(error as Error).message}`)
      }
      await sleep(pauseMs, undefined, { signal: this.#closing.signal }).catch(() => undefined)
    }
  }

  #isFull(): boolean {
    return this.#sealing.entries >= this.#limits.transactionEntries || this.#sealing.bytes >= this.#limits.transactionBytes
  }

  #checkpointDue(): boolean {
    return this.#checkpointWanted || this.#sinceCheckpoint + this.#sealing.entries >= this.#limits.checkpointEntries || this.#untilCheckpointMs() <= 0
  }

  #untilCheckpointMs(): number {
    const moved = this.#sinceCheckpoint > 0 || this.#sealing.entries > 0 || this.#sealing.owesAnEntry
    return this.#lastCheckpointMs + (moved ? this.#limits.checkpointMs : this.#limits.heartbeatMs) - this.#nowMs()
  }

  #wantCheckpoint(): void {
    this.#checkpointWanted = true
    this.#wake.resolve()
  }

  #requireOpen(): void {
    if (this.#failure) throw this.#failure
    if (this.#closing.signal.aborted) throw new Error(`${this.origin}: this log is closed`)
  }

  #tell(): void {
    const { resolve } = this.#progress
    this.#progress = Promise.withResolvers()
    resolve()
  }

  #fail(error: unknown): Error {
    this.#failure = error instanceof Error ? error : new Error(String(error))
    this.#tell()
    return this.#failure
  }
}

const isPassing = (error: unknown): boolean => error instanceof KafkaFault && error.kind !== 'fenced' && error.retriable
