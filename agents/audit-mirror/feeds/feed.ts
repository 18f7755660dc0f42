import type { Input } from '#shared/audit/inputs.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import type { Memory, Remembered } from '#shared/engine/stream.ts'

/** One thing that a source brought, and where it stands behind it. `replay`: it was dealt with before, by a process that ended. */
export interface BroughtInput {
  readonly kind: 'brought'
  readonly input: Input
  readonly through: JsonValue
  readonly replay: boolean
}

/** From here on nothing of this source was dealt with before. */
export interface ReplayedInput {
  readonly kind: 'replayed'
  readonly sourceId: string
}

/** What a source lost, and knows to have lost. */
export interface GapInput {
  readonly kind: 'gap'
  /** It is the beginning of the mirror, and no loss that anybody must be told of. */
  readonly begins?: true
  readonly sourceId: string
  readonly coordinate: string
  readonly timestampMs: number
  readonly from: JsonValue
  readonly to: JsonValue
  readonly reason: string
  /** Where the source stands behind it, so that it is not found again; absent where that is remembered otherwise. */
  readonly through?: JsonValue
}

/** What must be remembered from here on, for its source to go on behind the inputs before it. */
export interface MemoryInput {
  readonly kind: 'memory'
  readonly memory: Memory
}

/** What the mirror finds about its own topic: who could destroy it, and what is not as it should be since the last look. */
export interface GuardInput {
  readonly kind: 'guard'
  readonly powers: JsonValue
  /** How many things are not as they should be now, said before or not. */
  readonly findings: number
  readonly drift: {
    readonly coordinate: string
    readonly findings: readonly { readonly what: string; readonly is: JsonValue; readonly expected: JsonValue }[]
  } | null
  readonly timestampMs: number
}

/** Who is not mirrored from here on. */
export interface ExcludedInput {
  readonly kind: 'excluded'
  readonly coordinate: string
  readonly timestampMs: number
  readonly principals: readonly string[]
}

export type MirrorInput = BroughtInput | ReplayedInput | GapInput | MemoryInput | GuardInput | ExcludedInput

/** One source of the mirror, or several that are read together. */
export interface Feed {
  /** The names of its sources among all. */
  readonly ids: readonly string[]
  /** How many records each source had, at its last answer, that were not taken (of a file: 1 for any); a source that cannot say is missing. */
  readonly unread?: ReadonlyMap<string, number>
  /**
   * What came since the last call, in the order of each source; waits at most so long. It is taken in one step, and becomes durable as one, unless all
   * of it is `brought`. Throws KafkaFault where it cannot be read now.
   */
  next(maxWaitMs: number): Promise<readonly MirrorInput[]>
  close(): Promise<void>
}

/** What is remembered of each source: how far it was read, and where it must be read from to know what is not judged yet. */
export interface Standing {
  readonly through: JsonValue
  readonly resume: JsonValue
}

/** What tells of changes: the metadata log, or the differences of scans. */
export const metadataSource = 'metadata-log'
export const scanSource = 'admin-scan'

const prefix = 'source/'

export const standingKey = (sourceId: string): string => `${prefix}${sourceId}`

export function standingOf(remembered: Remembered, sourceId: string): Standing | null {
  return (remembered.get(standingKey(sourceId)) as unknown as Standing | undefined) ?? null
}

/** Where the source must be read from again; null where it goes on behind `through`. */
export function resumeAt(standing: Standing | null): JsonValue {
  return (standing?.resume as { readonly at?: JsonValue } | null)?.at ?? null
}
