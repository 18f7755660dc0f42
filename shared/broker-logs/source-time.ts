import type { DateReading } from './date-pattern.ts'

/**
 * How sure a time is. `stated`: the line itself says the moment. `zoned`: local time, one moment in the configured zone. `ambiguous`: local time
 * that the zone had twice, as clocks went back; both moments are given. `skipped`: local time that the zone never had, as clocks went forward.
 */
export type TimeCertainty = 'stated' | 'zoned' | 'ambiguous' | 'skipped'

/** When a line says it was written. */
export interface SourceTime {
  /** Milliseconds since the epoch; the earlier moment where it is ambiguous, and what the clock would have shown had it not been set forward where skipped. */
  readonly atMs: number
  readonly timeCertainty: TimeCertainty
  /** The later moment of an ambiguous time. */
  readonly orMs?: number
  /** The zone that was assumed, an IANA name; absent where the line states the moment. */
  readonly timeZone?: string
}

export interface Zone {
  readonly name: string
  /** What this local time is in the zone. */
  at(fieldsMs: number): SourceTime
}

const HOUR_MS = 3_600_000
/** No zone has ever been further from UTC. */
const FURTHEST_MS = 26 * HOUR_MS

/** A time zone by its IANA name, from the tables of Node's ICU. Throws when there is none of this name. */
export function openZone(name: string): Zone {
  const format = formatOf(name)
  // Offsets change at most twice a year, and lines come in order.
  const offsets = new Map<number, number>()
  const offsetMs = (atMs: number): number => {
    const quarter = Math.floor(atMs / 900_000)
    const known = offsets.get(quarter)
    if (known !== undefined) return known
    if (offsets.size > 5_000) offsets.clear()
    const offset = localFieldsMs(format, quarter * 900_000) - quarter * 900_000
    offsets.set(quarter, offset)
    return offset
  }
  return {
    name,
    at(fieldsMs) {
      const around = new Set([offsetMs(fieldsMs - FURTHEST_MS), offsetMs(fieldsMs), offsetMs(fieldsMs + FURTHEST_MS)])
      const moments = [...around]
        .map(offset => fieldsMs - offset)
        .filter(atMs => atMs + offsetMs(atMs) === fieldsMs)
        .sort((one, other) => one - other)
      const [first, second] = moments
      if (first === undefined) return { atMs: fieldsMs - offsetMs(fieldsMs - FURTHEST_MS), timeCertainty: 'skipped', timeZone: name }
      if (second === undefined) return { atMs: first, timeCertainty: 'zoned', timeZone: name }
      return { atMs: first, timeCertainty: 'ambiguous', orMs: second, timeZone: name }
    }
  }
}

export function sourceTimeOf(reading: DateReading, zone: Zone): SourceTime {
  return reading.kind === 'moment' ? { atMs: reading.atMs, timeCertainty: 'stated' } : zone.at(reading.fieldsMs)
}

function formatOf(name: string): Intl.DateTimeFormat {
  const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name, hourCycle: 'h23', era: 'short', ...numeric })
  } catch (error) {
    throw new Error(`time zone ${JSON.stringify(name)} is not known: expected an IANA name, for example Europe/Zurich or UTC`, { cause: error })
  }
}

function localFieldsMs(format: Intl.DateTimeFormat, atMs: number): number {
  const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]))
  return Date.UTC(parts['year']!, parts['month']! - 1, parts['day'], parts['hour'], parts['minute'], parts['second'])
}
