import { setTimeout as sleep } from 'node:timers/promises'
import { KafkaFault } from '../kafka/errors.ts'
import type { Log } from '../telemetry/log.ts'
import { type Lease, type LeaseTimes, shouldTakeOver } from './lease.ts'
import type { StateStore } from './state.ts'

const longestMs = 1_000

/** Follows the state until nobody leads any more, or the signal. The lease of the one who led before is what the store says then. */
export async function standBy(store: StateStore, times: LeaseTimes, log: Log, signal: AbortSignal): Promise<void> {
  const since = performance.now()
  // Often enough to see that the time has come.
  const againMs = Math.min(longestMs, times.takeOverAfterMs / 4)
  while (!signal.aborted) {
    try {
      await store.catchUp()
      const silentMs = performance.now() - Math.max(since, store.lastRecordAt)
      if (shouldTakeOver(leaseOf(store), silentMs, times)) return
      await store.follow(againMs, signal)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof KafkaFault)) throw error
      log.warn({}, `standing by, the state topic cannot be read: ${error.message}`)
      await sleep(againMs, undefined, { signal }).catch(() => {})
    }
  }
}

export const leaseOf = (store: StateStore): Lease | undefined => store.get('lease') as unknown as Lease | undefined

/** Why this replica leads now, for people. */
export function whyLeading(before: Lease | undefined, { takeOverAfterMs }: LeaseTimes): string {
  if (before === undefined) return 'nobody led before'
  return before.released ? `${before.holder} had stopped` : `nothing was heard of ${before.holder} for ${takeOverAfterMs} ms`
}
