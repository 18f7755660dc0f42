/**
 * Who leads. The lease is a record in the state topic, renewed with every transaction of the leader; Kafka's fence (KIP-98) is what
 * makes it safe, the lease only says when to use it. All times here are durations on one process's own monotonic clock:
 *
 *   0 s            5 s              15 s           20 s
 *   last proof ─── an effect may ── it must have ── a standby that read nothing
 *   (a commit)     start until here ended by here   since then fences and leads
 */
export interface Lease {
  readonly holder: string
  /** One more with every change of leadership. */
  readonly epoch: number
  readonly renewedAtMs: number
  /** True when the holder stopped in good order: nothing of it is under way. */
  readonly released: boolean
}

export interface LeaseTimes {
  readonly renewEveryMs: number
  readonly takeOverAfterMs: number
  readonly effectMustStartWithinMs: number
  readonly effectDeadlineMs: number
}

export const leaseTimes: LeaseTimes = { renewEveryMs: 5_000, takeOverAfterMs: 20_000, effectMustStartWithinMs: 5_000, effectDeadlineMs: 10_000 }

/** Whether a standby should fence now: nobody ever led, the leader left in good order, or it was silent for too long. */
export function shouldTakeOver(lease: Lease | undefined, silentMs: number, times: LeaseTimes): boolean {
  return lease === undefined || lease.released || silentMs >= times.takeOverAfterMs
}

/** Refuses times under which a successor could act while the old leader's effect is still under way. */
export function checkLeaseTimes(times: LeaseTimes): void {
  if (times.effectMustStartWithinMs + times.effectDeadlineMs >= times.takeOverAfterMs)
    throw new Error(
      `lease.takeOverAfter: expected more than the ${times.effectMustStartWithinMs + times.effectDeadlineMs} ms in which an effect may start and end`
    )
  if (times.renewEveryMs * 3 > times.takeOverAfterMs) throw new Error('lease.takeOverAfter: expected at least three times lease.renewEvery')
}
