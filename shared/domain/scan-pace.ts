/** How far the observer has backed off, remembered from look to look. */
export interface ScanPace {
  /** The interval is the configured one times this: 1, 2 or 4. */
  readonly factor: number
  /** Looks in a row that asked for less than the brokers could easily give. */
  readonly calmLooks: number
}

export const configuredPace: ScanPace = { factor: 1, calmLooks: 0 }

/**
 * An observer that is in no hurry rests after each answer, this many times as long as it took: brokers are asked for a quarter of the time that
 * a look lasts, and whoever produces meanwhile finds a core. What a look took of the brokers is what it lasted without the rests.
 */
export const observerRestTimes = 3

/** Looks that end within this burden nobody, however short the configured interval is. */
export const lightMs = 250
/**
 * A longer look may take one part in so many of the time. A request that arrives during a look waits for it; if that were one request in
 * a hundred, the 99th percentile of everybody's latency would lie within Reeve's looks. At half of that it does not.
 */
const sparing = 200
const greatestFactor = 4
const calmLooksToQuicken = 5

/**
 * The pace after one look. A look that brokers throttled, or that was neither light nor within 1/200 of its interval, doubles the interval,
 * up to four times the configured one: by one step a look, so that a single slow one costs little. Five calm looks in a row halve it
 * again: each was light, or took less than half of what the shorter interval would bear, so that what is quickened now is not slowed
 * down at the next look. `why` is said only where the pace changed.
 */
export function paceAfter(
  { factor, calmLooks }: ScanPace,
  baseMs: number,
  look: { readonly tookMs: number; readonly throttled: boolean }
): { readonly pace: ScanPace; readonly why: string | null } {
  const { tookMs, throttled } = look
  const bearableMs = (times: number): number => (baseMs * times) / sparing
  if (throttled || tookMs > Math.max(lightMs, bearableMs(factor))) {
    const slower = Math.min(greatestFactor, factor * 2)
    const because = throttled ? 'brokers throttled it' : `it took ${Math.round(tookMs)} ms, more than 1/${sparing} of the interval`
    return { pace: { factor: slower, calmLooks: 0 }, why: slower === factor ? null : because }
  }
  if (factor === 1) return { pace: configuredPace, why: null }
  const calm = tookMs <= Math.max(lightMs, bearableMs(factor / 2) / 2) ? calmLooks + 1 : 0
  if (calm < calmLooksToQuicken) return { pace: { factor, calmLooks: calm }, why: null }
  return { pace: { factor: factor / 2, calmLooks: 0 }, why: `${calm} looks in a row were light` }
}

/** From one look to the next once the pace has come to rest, milliseconds, where every look takes `tookMs` and none is throttled. */
export function restingIntervalMs(baseMs: number, tookMs: number): number {
  let pace = configuredPace
  for (let changed = true; changed;) {
    const after = paceAfter(pace, baseMs, { tookMs, throttled: false })
    changed = after.why !== null
    pace = after.pace
  }
  return baseMs * pace.factor
}
