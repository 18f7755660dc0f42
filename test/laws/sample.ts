import type { JsonValue } from '#shared/domain/json.ts'
import type { Snapshot } from '#shared/engine/agent.ts'

/** What `decide` is given at one moment. */
export interface Moment {
  readonly policy: unknown
  readonly snapshot: Snapshot
  readonly memory: ReadonlyMap<string, JsonValue>
  readonly nowMs: number
}

/** What each agent brings to the laws: a moment at which it does harm, so that every law has something to hold back. */
export interface Sample {
  /** A moment at which a harmful action is decided; each call a later incident of the same target. */
  moment(): Moment
  /** The same look with one thing missing, by name: nothing harmful may follow from any of them. */
  readonly incomplete: Readonly<Record<string, (moment: Moment) => Moment>>
}
