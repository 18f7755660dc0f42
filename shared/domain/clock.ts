/** One source's idea of the time, epoch milliseconds; null where the source did not answer. */
export interface ClockReadings {
  readonly localMs: number
  readonly redisMs: number | null
  /** The broker's own timestamp of a record just appended (LogAppendTime), carried forward by the monotonic clock. */
  readonly brokerMs: number | null
}

export interface TrustedNow {
  readonly nowMs: number
  /** False when no two sources agree: nothing that harms is decided then. */
  readonly trusted: boolean
  /** One sentence for people when a source is off. */
  readonly why: string | null
}

export const agreementMs = 30_000

/**
 * The least of the clocks that agree: two sources must lie within 30 s of each other, and a single wrong clock is outvoted. So a
 * wrong clock can delay an act, never hasten one.
 */
export function trustedNow({ localMs, redisMs, brokerMs }: ClockReadings): TrustedNow {
  const present = [
    { name: 'this host', ms: localMs },
    { name: 'Redis', ms: redisMs },
    { name: 'the broker', ms: brokerMs }
  ].filter((source): source is { name: string; ms: number } => source.ms !== null)
  const agreeing = present.filter(one => present.some(other => other !== one && Math.abs(other.ms - one.ms) <= agreementMs))
  if (agreeing.length === 0) {
    const spread = present.map(source => `${source.name} says ${new Date(source.ms).toISOString()}`).join(', ')
    return {
      nowMs: Math.min(...present.map(source => source.ms)),
      trusted: false,
      why: present.length < 2 ? `only one clock answers: ${spread}` : `no two clocks agree within 30 s: ${spread}`
    }
  }
  const nowMs = Math.min(...agreeing.map(source => source.ms))
  const off = present.filter(source => !agreeing.includes(source))
  return {
    nowMs,
    trusted: true,
    why: off.length === 0 ? null : off.map(source => `the clock of ${source.name} is off by ${Math.round((source.ms - nowMs) / 1000)} s`).join(', ')
  }
}
