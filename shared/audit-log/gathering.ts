import type { Circumstances } from '../audit/checkpoint-entry.ts'
import type { AuditEvent } from '../audit/event.ts'
import { chainOf } from '../audit/routing.ts'
import type { SourcePositions } from '../audit/trailer.ts'
import type { NewRecord } from '../kafka/ports.ts'
import type { ChainEnd, SealedPart, Sealing } from './sealing.ts'

/**
 * What is written together: all of it, positions too, or nothing. Without an event the other topics' records are written alone, and the positions
 * with the next entry: the log says less than is known then, never more.
 */
export interface AuditBatch {
  /** In their order. */
  readonly events: readonly AuditEvent[]
  /** Whose each event is, in the same order, by which its log is chosen; null, or absent: nobody's, and it is in the first. */
  readonly sourceIds?: readonly (string | null)[]
  /** Where the sources stand behind these events; a source that is not named stays where it was. */
  readonly positions?: SourcePositions
  readonly closedThroughMs?: number | null
  /** Records of other topics for the same transaction, such as the memory that belongs to the positions. */
  readonly also?: readonly NewRecord[]
  /** Called once it is committed: events and others' records. */
  readonly durable?: () => void
}

/** Where a topic ends. */
export interface TopicEnd {
  /** Of each log, in the order of their partitions. */
  readonly chains: readonly ChainEnd[]
  readonly sources: SourcePositions
  readonly closedThroughMs: number | null
}

/** One transaction, sealed: the same bytes however often it is tried. */
export interface SealedGroup {
  readonly records: readonly NewRecord[]
  readonly entries: number
  readonly after: TopicEnd
  /** What is to be signed once this is committed: of every log, or none. */
  readonly checkpoints: readonly NonNullable<SealedPart['checkpoint']>[]
}

/** Gathers batches into transactions over all logs of a topic. Does no I/O. */
export class Gathering {
  readonly logs: readonly Sealing[]
  #sources: SourcePositions
  #closedThroughMs: number | null
  /** Of the last transaction that was cut. */
  #turn: number
  #also: NewRecord[] = []
  #moved = false

  constructor(logs: readonly Sealing[], at: { readonly sources: SourcePositions; readonly closedThroughMs: number | null; readonly turn: number }) {
    this.logs = logs
    this.#sources = at.sources
    this.#closedThroughMs = at.closedThroughMs
    this.#turn = at.turn
  }

  /** Entries of the transaction that is being gathered. */
  get entries(): number {
    return this.logs.reduce((sum, { entries }) => sum + entries, 0)
  }

  get bytes(): number {
    return this.logs.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Positions moved without an entry whose trailer would carry them. */
  get owesAnEntry(): boolean {
    return this.entries === 0 && this.#moved
  }

  /** Other topics' records wait for their transaction. */
  get hasOthers(): boolean {
    return this.#also.length > 0
  }

  /** Seals a batch behind what is there. */
  take({ events, sourceIds, positions, closedThroughMs, also }: AuditBatch): void {
    for (const [index, event] of events.entries()) this.logs[chainOf(sourceIds?.[index] ?? null, this.logs.length)]!.push(event)
    if (positions !== undefined) {
      this.#moved = true
      this.#sources = { ...this.#sources, ...positions }
    }
    if (closedThroughMs !== undefined) this.#closedThroughMs = closedThroughMs
    if (also !== undefined) for (const record of also) this.#also.push(record)
  }

  /** Ends the transaction that is being gathered, with a checkpoint of every log where circumstances are given, and begins the next. */
  cut(checkpoint: (Circumstances & { readonly timestampMs: number; readonly continuedIn: string | null }) | null): SealedGroup {
    const several = this.logs.length > 1
    const heads = this.logs.map(({ origin, before: { size, last } }) => ({ origin, size, fingerprint: last?.fingerprint ?? null }))
    const make = checkpoint && { ...checkpoint, heads: several ? heads : null }
    const entries = this.entries + (checkpoint ? this.logs.length : 0)
    if (entries > 0) this.#turn++
    const positions = { sources: this.#sources, closedThroughMs: this.#closedThroughMs, ...(several && { turn: this.#turn }) }
    const parts = this.logs.flatMap(log => (checkpoint || log.entries > 0 ? [log.cut(make, positions)] : []))
    const records = [...parts.flatMap(part => part.records), ...this.#also]
    this.#also = []
    this.#moved = false
    return { records, entries, after: this.end, checkpoints: parts.flatMap(part => part.checkpoint ?? []) }
  }

  /** Other topics' records alone: the logs do not move, and nothing of them is written. */
  cutOthers(): SealedGroup {
    const records = this.#also
    this.#also = []
    return { records, entries: 0, after: this.end, checkpoints: [] }
  }

  /** Where the last transaction ended that was cut. */
  get end(): TopicEnd {
    return { chains: this.logs.map(({ before }) => before), sources: this.#sources, closedThroughMs: this.#closedThroughMs }
  }
}
