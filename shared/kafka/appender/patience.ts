import { setTimeout as sleep } from 'node:timers/promises'

/** A bound in monotonic time, and the pauses between attempts within it. */
export interface Patience {
  over(): boolean
  /** Pauses before the next attempt: short at first, since most waits are for markers of the transaction before. Ends early when `signal` aborts. */
  pause(): Promise<void>
}

/** @param boundMs Infinity for no bound but the signal. */
export function patience(boundMs: number, signal?: AbortSignal): Patience {
  const end = performance.now() + boundMs
  let pauseMs = 10
  return {
    over: () => signal?.aborted === true || performance.now() >= end,
    async pause() {
      const waitMs = Math.max(1, Math.min(pauseMs, end - performance.now()))
      pauseMs = Math.min(pauseMs * 1.6, 400)
      await sleep(waitMs, undefined, signal && { signal }).catch((error: unknown) => {
        if (!signal?.aborted) throw error
      })
    }
  }
}
