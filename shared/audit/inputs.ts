import type { AuthorizerLine, BrokerLogLine, RequestLine } from '../broker-logs/line.ts'
import type { JsonValue } from '../domain/json.ts'
import type { JournalEntry } from '../engine/journal.ts'
import type { ChangeKind, Difference } from '../kafka/metadata-log/decode/describe.ts'

/** What a source brought. Each input has its place: a source brings the same inputs in the same order whenever it is read from the same position. */
export type Input = ChangeInput | UnknownRecordInput | RoutineInput | LineInput | JournalInput | TimeInput

interface FromSource {
  /** Names the source among all; not its kind. */
  readonly sourceId: string
  /** Where the source must be read from to bring this input again. The source's own affair. */
  readonly position: JsonValue
}

/** A committed change of the cluster's metadata, or a difference between two scans. */
export interface ChangeInput extends FromSource {
  readonly kind: 'change'
  readonly source: 'metadata-log' | 'admin-scan'
  readonly coordinate: string
  /** When it was committed, or seen by the later scan; epoch milliseconds. */
  readonly timestampMs: number
  /** The same, or the time of the scan before. */
  readonly earliestMs: number
  readonly change: Difference
  /** Where its records are in the metadata log; null for what a scan saw. */
  readonly records: { readonly offsets: readonly (readonly [number, number])[]; readonly epoch: number; readonly transaction: JsonValue } | null
  /** What follows of it, see `consequence`; null where nothing is computed for a change of this kind. */
  readonly consequence: JsonValue
}

/** A metadata record that this release cannot read. */
export interface UnknownRecordInput extends FromSource {
  readonly kind: 'unknown-record'
  readonly coordinate: string
  readonly timestampMs: number
  /** Type, version, length and keyed hash; never content. */
  readonly record: JsonValue
}

/** Counts of metadata records that change nothing an auditor asks for. */
export interface RoutineInput extends FromSource {
  readonly kind: 'routine'
  readonly coordinate: string
  readonly timestampMs: number
  readonly fromOffset: number
  readonly toOffset: number
  /** By record type. */
  readonly counts: Readonly<Record<string, number>>
}

/** A line of an authorizer, request or server log. */
export interface LineInput extends FromSource {
  readonly kind: 'line'
  readonly line: BrokerLogLine
}

/** An entry of Reeve's own journal. */
export interface JournalInput extends FromSource {
  readonly kind: 'journal'
  readonly coordinate: string
  readonly entry: JournalEntry
  /** Changes of the cluster's metadata that Reeve made and knows to have made. */
  readonly made: readonly {
    readonly kind: ChangeKind
    readonly resourceType: string
    readonly name: string | null
    readonly id: string | null
    readonly fromMs: number
  }[]
}

/** Nothing but time: the source says that it has come so far, for example a NoOp record. */
export interface TimeInput extends FromSource {
  readonly kind: 'time'
  readonly timestampMs: number
}

export type { AuthorizerLine, RequestLine }

/** The time that an input carries, epoch milliseconds; null where it has none. */
export function timeOf(input: Input): number | null {
  if (input.kind === 'line') return input.line.time?.atMs ?? null
  return input.kind === 'journal' ? input.entry.atMs : input.timestampMs
}
