import { setTimeout } from 'node:timers/promises'
import type { Delivery, Destination, Letter } from './notifier.ts'

export interface LaneOptions {
  /** For errors. */
  readonly channel: string
  /** From the end of one attempt to the next. */
  readonly paceMs: number
  monotonicMs(): number
}

/**
 * Delivers by one attempt after the other. A destination that asked to wait is left alone until
 * then, by the monotonic clock. Errors name the channel.
 */
export function inLane({ channel, paceMs, monotonicMs }: LaneOptions, attempt: (letter: Letter) => Promise<Delivery>): Destination['deliver'] {
  let tail: Promise<unknown> = Promise.resolve()
  let freeAtMs = 0
  let closedUntilMs = 0
  return letter => {
    const sent = tail.then(async (): Promise<Delivery> => {
      const closedMs = closedUntilMs - monotonicMs()
      if (closedMs > 0) return { ok: false, retryable: true, retryAfterMs: Math.ceil(closedMs), error: `channel ${channel}: it asked to wait` }
      await setTimeout(Math.max(0, freeAtMs - monotonicMs()))
      const result = await attempt(letter)
      freeAtMs = monotonicMs() + paceMs
      if (result.ok) return result
      if (result.retryAfterMs !== undefined) closedUntilMs = monotonicMs() + result.retryAfterMs
      return { ...result, error: `channel ${channel}: ${result.error}` }
    })
    tail = sent
    return sent
  }
}
