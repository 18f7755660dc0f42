import type { Notice } from '../engine/agent.ts'

/**
 * `retryable`: the same message may be taken later. `error` is for people and holds no address and no key. `thread`: where later messages
 * of the same incident belong, in the destination's own words.
 */
export type Delivery =
  | { readonly ok: true; readonly thread?: string | null }
  | { readonly ok: false; readonly retryable: boolean; readonly retryAfterMs?: number; readonly error: string }

/** One message: a single notice, or a digest of several in the order in which they came. */
export interface Letter {
  readonly notices: readonly [Notice, ...Notice[]]
  /** Of an earlier message of the same incident; null: there is none. */
  readonly thread: string | null
}

/** One place that takes messages: a channel of Slack, a service of PagerDuty, a webhook. */
export interface Destination {
  /** Stable over restarts, `channel/kind`: the state of each notice says what became of it here. */
  readonly id: string
  /** Only what such a destination took counts as delivered. */
  readonly reachesPeople: boolean
  /** More notices than this that are due at once come as one digest; null: always one by one. */
  readonly digestAbove: number | null
  /** Bounded in time; never throws. */
  deliver(letter: Letter): Promise<Delivery>
}

/** Knows where a notice goes: at least one destination, that says why it cannot deliver where the operator named none. */
export interface Notifier {
  destinations(notice: Notice): readonly [Destination, ...Destination[]]
}
