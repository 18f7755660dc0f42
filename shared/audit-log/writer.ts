import type { AnchoredCheckpoint } from '../anchors/anchor.ts'
import { parseCheckpoint } from '../proof/checkpoint.ts'
import { unverifiedText } from '../proof/note.ts'
import { type AuditLog, type AuditLogLimits, type AuditLogOptions, type CommittedHead, defaultLimits, type EndedTopic, type LogStanding } from './audit-log.ts'
import { Checkpoints } from './checkpoints.ts'
import { Committing } from './committing.ts'
import type { AuditBatch, Gathering, SealedGroup, TopicEnd } from './gathering.ts'
import type { Head } from './head.ts'
import { placesOf } from './place.ts'
import type { Start } from './start.ts'
import { takeOver } from './take-over.ts'

/** Takes the logs of a topic over, from whoever writes them, and goes on behind their ends. Throws AuditLogFault, KafkaFault. */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  return new Writer(options, await takeOver(options))
}

class Writer implements AuditLog {
  readonly foreign: Head['foreign']
  readonly ended: Promise<Error | null>
  readonly #options: AuditLogOptions
  readonly #limits: AuditLogLimits
  readonly #gathering: Gathering
  readonly #checkpoints: Checkpoints
  readonly #committing: Committing
  readonly #closing = new AbortController()
  #committed: TopicEnd
  #failure: Error | null = null
  /** Wakes the loop: something came, or is wanted. */
  #wake = Promise.withResolvers<void>()
  /** Wakes those who wait for the loop: a transaction was taken over, committed, or all is over. */
  #progress = Promise.withResolvers<void>()
  /** The next checkpoint is the last. */
  #ending = false
  #hasEnded: boolean
  #gatheringSinceMs = 0
  /** Batches that were sealed, and how many of them are committed. */
  #taken = 0
  #done = 0
  /** Whom to tell when so many are committed. */
  readonly #tells: { readonly from: number; readonly durable: () => void }[] = []

  constructor(options: AuditLogOptions, start: Start & Pick<AuditLog, 'foreign'>) {
    const { appender, reader, onTrouble = () => undefined } = options
    this.#options = options
    this.#limits = { ...defaultLimits, ...options.limits }
    this.foreign = start.foreign
    this.#gathering = start.gathering
    this.#committed = start.end
    this.#hasEnded = start.hasEnded
    this.#checkpoints = new Checkpoints(options, this.#limits, start)
    const places = placesOf(options.place, start.gathering.logs.length)
    this.#committing = new Committing({ appender, reader, places, onTrouble, closing: this.#closing.signal })
    this.#taken = this.#gathering.entries > 0 ? 1 : 0
    this.ended = this.#run().then(
      () => null,
      (error: unknown) => this.#fail(error)
    )
  }

  get head(): CommittedHead {
    const { chains, sources, closedThroughMs } = this.#committed
    return { size: chains.reduce((sum, { size }) => sum + size, 0), sources, closedThroughMs }
  }

  get logs(): readonly LogStanding[] {
    return this.#gathering.logs.map(({ origin, place: { partition } }) => {
      const { size, last } = this.#committed.chains[partition]!
      return { origin, partition, head: { size, fingerprint: last?.fingerprint ?? null }, ...this.#checkpoints.standing(partition) }
    })
  }

  async offer(batch: AuditBatch): Promise<void> {
    this.#requireOpen()
    while (this.#isFull()) {
      await this.#progress.promise
      this.#requireOpen()
    }
    if (this.#gathering.entries === 0) this.#gatheringSinceMs = performance.now()
    this.#gathering.take(batch)
    this.#taken++
    if (batch.durable) this.#tells.push({ from: this.#taken, durable: batch.durable })
    this.#wake.resolve()
    while (this.#isFull() && this.#failure === null) await this.#progress.promise
    if (this.#failure) throw this.#failure
  }

  async flushed(): Promise<void> {
    const wanted = this.#taken
    while (this.#done < wanted || this.#checkpoints.notesOf.length > 0) {
      if (this.#failure) throw this.#failure
      if (this.#gathering.owesAnEntry) this.#wantCheckpoint()
      await this.#progress.promise
    }
  }

  async checkpoint(): Promise<readonly AnchoredCheckpoint[]> {
    this.#requireOpen()
    const from = this.#gathering.logs.map(({ sequence }) => sequence)
    this.#wantCheckpoint()
    for (;;) {
      const { newest } = this.#checkpoints
      if (newest?.every(({ size }, partition) => size > from[partition]!)) return newest
      if (this.#failure) throw this.#failure
      await this.#progress.promise
    }
  }

  async end(): Promise<EndedTopic> {
    if (this.#options.endingFor === undefined) throw new Error(`${this.#options.place.topic} was not opened to be ended`)
    this.#ending = true
    if (this.#hasEnded) await this.flushed()
    else await this.checkpoint()
    const ends = this.#checkpoints.newest!.map(({ text, sha256 }, partition) => {
      const { origin, size, root } = parseCheckpoint(unverifiedText(text))
      const fingerprint = this.#committed.chains[partition]!.last!.fingerprint
      return { origin, size, root: Buffer.from(root, 'latin1').toString('hex'), fingerprint, checkpoint: sha256 }
    })
    const { sources, closedThroughMs } = this.#committed
    return { ends, sources, closedThroughMs }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#wake.resolve()
    await this.ended
    await this.#checkpoints.close()
  }

  async #run(): Promise<void> {
    while (await this.#due()) {
      const taken = this.#taken
      const { notesOf } = this.#checkpoints
      const wanted = this.#checkpointDue()
      const notes = this.#checkpoints.noteRecords()
      const group = this.#gathering.entries > 0 || wanted ? this.#cut(wanted) : this.#gathering.hasOthers ? this.#gathering.cutOthers() : null
      // Whoever waited for room may seal the next transaction while this one is being committed.
      this.#tell()
      await this.#committing.commit({ records: [...notes, ...(group?.records ?? [])], group, notesOf }, this.#committed)
      if (notesOf.length > 0) this.#checkpoints.written()
      if (group) {
        if (group.entries > 0) {
          this.#committed = group.after
          this.#options.onCommitted?.(this.head)
          await this.#checkpoints.sign(group, this.#committing)
        }
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
      if (this.#checkpoints.notesOf.length > 0 || this.#checkpointDue() || this.#gathering.hasOthers || this.#isFull()) return true
      if (this.#gathering.entries > 0) {
        if (!closing) await this.#linger()
        return true
      }
      if (closing) return false
      await this.#sleepUntilWoken(this.#checkpoints.untilDueMs(0, this.#gathering.owesAnEntry))
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
    const { circumstances, endingFor, nowMs = Date.now } = this.#options
    const continuedIn = this.#ending ? endingFor! : null
    const group = this.#gathering.cut(withCheckpoint ? { ...circumstances(), timestampMs: nowMs(), continuedIn } : null)
    this.#checkpoints.cut(group)
    this.#hasEnded = withCheckpoint && this.#ending
    return group
  }

  #isFull(): boolean {
    return this.#gathering.entries >= this.#limits.transactionEntries || this.#gathering.bytes >= this.#limits.transactionBytes
  }

  #checkpointDue(): boolean {
    return !this.#hasEnded && this.#checkpoints.isDue(this.#gathering.entries, this.#gathering.owesAnEntry)
  }

  #wantCheckpoint(): void {
    this.#checkpoints.want()
    this.#wake.resolve()
  }

  #requireOpen(): void {
    if (this.#failure) throw this.#failure
    if (this.#closing.signal.aborted || this.#hasEnded) throw new Error(`${this.#options.place.topic}: this audit log is closed`)
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
