/** How a source's own clock is followed. */
export interface ClockOptions {
  /** Inputs of one source may come this much out of order, milliseconds. */
  readonly latenessMs: number
  /** A time further ahead than this is believed when the next input agrees with it: one wrong clock must not make everything else late. */
  readonly jumpMs: number
}

/** What the inputs of one source have said of the time so far; epoch milliseconds. */
export interface SourceClock {
  /** Null before its first input. */
  readonly newestMs: number | null
  /** A time far ahead of the newest, not believed yet. */
  readonly doubtedMs: number | null
}

export const unset: SourceClock = { newestMs: null, doubtedMs: null }

/** The clock after an input of this time. Depends on the source's own inputs alone. */
export function advance(clock: SourceClock, timestampMs: number, { jumpMs }: ClockOptions): SourceClock {
  const { newestMs, doubtedMs } = clock
  if (newestMs === null || timestampMs - newestMs <= jumpMs) {
    if (doubtedMs === null && newestMs !== null && timestampMs <= newestMs) return clock
    return { newestMs: newestMs === null ? timestampMs : Math.max(newestMs, timestampMs), doubtedMs: null }
  }
  if (doubtedMs === null || Math.abs(timestampMs - doubtedMs) > jumpMs) return { newestMs, doubtedMs: timestampMs }
  return { newestMs: Math.max(doubtedMs, timestampMs), doubtedMs: null }
}

/** No input of the source is expected any more that is this old or older; minus infinity before its first. */
export function watermarkOf({ newestMs }: SourceClock, { latenessMs }: ClockOptions): number {
  return newestMs === null ? Number.NEGATIVE_INFINITY : newestMs - latenessMs
}

/** Where the sources stand together. */
export interface Joint {
  /** All sources but the silent ones have come so far. Minus infinity while one that is not given up has not begun. */
  readonly watermarkMs: number
  /** Of the source that is furthest. */
  readonly furthestMs: number
  /** Sources that are so far behind the furthest that nobody waits for them. */
  readonly silent: readonly { readonly sourceId: string; readonly sinceMs: number | null }[]
}

/**
 * The joint watermark in source time. A source that is further behind the furthest than `giveUpMs` is not waited for; one that was never
 * heard of counts from `startedMs`, the moment from which on it was read. Those of `waitedFor` are waited for however far behind they are, and
 * nobody waits for a bystander, which can only be silent.
 */
export function jointOf(
  clocks: ReadonlyMap<string, SourceClock>,
  options: ClockOptions & { readonly giveUpMs: number },
  startedMs: number | null = null,
  waitedFor: ReadonlySet<string> = new Set(),
  isBystander: (sourceId: string) => boolean = () => false
): Joint {
  let furthestMs = Number.NEGATIVE_INFINITY
  for (const clock of clocks.values()) furthestMs = Math.max(furthestMs, watermarkOf(clock, options))
  const silent: { sourceId: string; sinceMs: number | null }[] = []
  let watermarkMs = furthestMs
  for (const [sourceId, clock] of clocks) {
    const ownMs = watermarkOf(clock, options)
    const sinceMs = clock.newestMs === null ? (startedMs ?? Number.NEGATIVE_INFINITY) : ownMs
    const given = furthestMs - sinceMs > options.giveUpMs && !waitedFor.has(sourceId)
    if (given && (clock.newestMs !== null || startedMs !== null)) silent.push({ sourceId, sinceMs: clock.newestMs })
    else if (!isBystander(sourceId)) watermarkMs = Math.min(watermarkMs, ownMs)
  }
  return { watermarkMs, furthestMs, silent: silent.toSorted((one, other) => (one.sourceId < other.sourceId ? -1 : 1)) }
}

/** For `audit.checkpoint`: sources not heard of, and since when in their own time; null where nothing was ever heard. */
export function silentOf({ silent }: Joint): { readonly sourceId: string; readonly since: string | null }[] {
  return silent.map(({ sourceId, sinceMs }) => ({ sourceId, since: sinceMs === null ? null : new Date(sinceMs).toISOString() }))
}
