import { setTimeout as sleep } from 'node:timers/promises'
import { type AnchoredCheckpoint, checkpointToAnchor } from '../anchors/anchor.ts'
import { signCheckpoint } from '../proof/checkpoint.ts'
import { ProofError } from '../proof/proof-error.ts'
import type { NewRecord } from '../kafka/ports.ts'
import { Anchoring } from './anchoring.ts'
import type { AuditLogLimits, AuditLogOptions, LogStanding } from './audit-log.ts'
import type { Committing } from './committing.ts'
import type { SealedGroup } from './gathering.ts'
import type { Sealing } from './sealing.ts'
import type { Start } from './start.ts'

const farewellMs = 2_000

/** Checkpoints of all logs of a topic: when they are due, signing them, their notes, and what becomes of them at the anchors. */
export class Checkpoints {
  readonly #logs: readonly Sealing[]
  readonly #limits: AuditLogLimits
  readonly #nowMs: () => number
  readonly #anchorings: readonly Anchoring[]
  /** Signed checkpoints by partition whose notes are not committed yet. */
  #notes = new Map<number, AnchoredCheckpoint>()
  readonly #newest = new Map<number, AnchoredCheckpoint>()
  readonly #signed = new Map<number, { readonly size: number; readonly atMs: number }>()
  #wanted: boolean
  #lastMs: number
  #since = 0

  constructor({ anchors, nowMs = Date.now, onTrouble = () => undefined }: AuditLogOptions, limits: AuditLogLimits, start: Start) {
    this.#logs = start.gathering.logs
    this.#limits = limits
    this.#nowMs = nowMs
    this.#lastMs = nowMs()
    this.#anchorings = this.#logs.map(() => new Anchoring(anchors, { nowMs, onTrouble }))
    // The new fence is told in checkpoints, unless there was nothing since the last.
    this.#wanted = start.end.chains.some(({ size }) => size > 0) && start.checkpoints.length < this.#logs.length
    for (const { partition, signed, written } of start.checkpoints) {
      this.#anchorings[partition]!.put(signed)
      if (written) this.#newest.set(partition, signed)
      else this.#notes.set(partition, signed)
    }
  }

  /** A checkpoint is wanted as soon as may be. */
  want(): void {
    this.#wanted = true
  }

  /** `gathered`: entries that no transaction has yet. `moved`: positions that none has. */
  isDue(gathered: number, moved: boolean): boolean {
    return this.#wanted || this.#since + gathered >= this.#limits.checkpointEntries || this.untilDueMs(gathered, moved) <= 0
  }

  untilDueMs(gathered: number, moved: boolean): number {
    const { checkpointMs, heartbeatMs } = this.#limits
    return this.#lastMs + (this.#since > 0 || gathered > 0 || moved ? checkpointMs : heartbeatMs) - this.#nowMs()
  }

  /** A transaction was cut. */
  cut({ entries, checkpoints }: SealedGroup): void {
    this.#since = checkpoints.length > 0 ? 0 : this.#since + entries
    if (checkpoints.length === 0) return
    this.#wanted = false
    this.#lastMs = this.#nowMs()
  }

  /** Signs what a committed transaction holds, before anything is written behind it. */
  async sign({ checkpoints }: SealedGroup, committing: Committing): Promise<void> {
    const isSignersOwn = (error: unknown): boolean => !(error instanceof ProofError)
    for (const { signers, ...tree } of checkpoints) {
      const partition = this.#logs.findIndex(({ origin }) => origin === tree.origin)
      const signed = checkpointToAnchor(await committing.patiently('signing a checkpoint', isSignersOwn, () => signCheckpoint(tree, signers)))
      this.#notes.set(partition, signed)
      this.#signed.set(partition, { size: signed.size, atMs: this.#nowMs() })
      this.#anchorings[partition]!.put(signed)
    }
  }

  /** Partitions of notes that are to be committed next, before any entry. */
  get notesOf(): readonly number[] {
    return [...this.#notes.keys()]
  }

  noteRecords(): readonly NewRecord[] {
    return [...this.#notes].map(([partition, { text }]) => this.#logs[partition]!.noteRecord(text))
  }

  /** The notes were committed. */
  written(): void {
    for (const [partition, note] of this.#notes) this.#newest.set(partition, note)
    this.#notes = new Map()
  }

  /** The newest checkpoint of each log, whose notes are committed; null while a log has none since the start. */
  get newest(): readonly AnchoredCheckpoint[] | null {
    const newest = this.#logs.flatMap((_, partition) => this.#newest.get(partition) ?? [])
    return newest.length < this.#logs.length || this.#notes.size > 0 ? null : newest
  }

  standing(partition: number): Pick<LogStanding, 'newestCheckpoint' | 'anchors'> {
    return { newestCheckpoint: this.#signed.get(partition) ?? null, anchors: () => this.#anchorings[partition]!.standing() }
  }

  /** Gives the last anchors a moment. */
  async close(): Promise<void> {
    await Promise.race([Promise.all(this.#anchorings.map(each => each.settled())), sleep(farewellMs, undefined, { ref: false })])
    for (const each of this.#anchorings) each.close()
  }
}
