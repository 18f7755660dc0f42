import { setTimeout } from 'node:timers/promises'
import type { Delivery, Destination, Letter } from './notifier.ts'

/**
 * Delivers by one attempt after the other, `paceMs` from the end of one to the next. A destination that asked to wait is left alone until
 * then, by the monotonic clock. Errors name the channel.
 */
export function inLane(channel: string, paceMs: number, attempt: (letter: Letter) => Promise<Delivery>): Destination['deliver'] {
  let tail: Promise<unknown> = Promise.resolve()
  let freeAtMs = 0
  let closedUntilMs = 0
  return letter => {
    const sent = tail.then(async (): Promise<Delivery> => {
      const closedMs = closedUntilMs - performance.now()
      if (closedMs > 0) return { ok: false, retryable: true, retryAfterMs: Math.ceil(closedMs), error: `channel ${channel}: it asked to wait` }
      await setTimeout(Math.max(0, freeAtMs - performance.now()))
      const result = await attempt(letter)
      freeAtMs = performance.now() + paceMs
      if (result.ok) return result
      if (result.retryAfterMs !== undefined) closedUntilMs = performance.now() + result.retryAfterMs
      return { ...result, error: `channel ${channel}: ${result.error}` }
    })
    tail = sent
    return sent
  }
}
