import type { Notice } from '../engine/agent.ts'

/** `retryable`: the same notice may be taken later. `error` is for people and holds no address of a webhook. */
export type Delivery = { readonly ok: true } | { readonly ok: false; readonly retryable: boolean; readonly retryAfterMs?: number; readonly error: string }

/** Brings a notice to people. Bounded in time; never throws. */
export interface Notifier {
  deliver(notice: Notice): Promise<Delivery>
}
