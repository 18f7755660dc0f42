/** What was known in one stretch of time. */
export interface Stretch {
  readonly least: number
  readonly most: number
  /** The value at its end. */
  readonly last: number
}

export interface Columns {
  readonly fromMs: number
  readonly untilMs: number
  /** In order of time, all of the same length. Null: nothing is known of it, which is not zero. */
  readonly stretches: readonly (Stretch | null)[]
  /** Whether some of a stretch, or all of it, is not known. */
  readonly unknown: readonly boolean[]
}

export interface Timeline {
  /** Values must come in order of time. `gap`: of the time since the value before nothing is known. A null is a value that was not seen. */
  add(atMs: number, value: number | null, gap?: boolean): void
  columns(): Columns
}

/**
 * Values over a time, brought down to so many stretches as they come: it keeps the extremes of each and never more than `count` of
 * them, however many values there are. Between two values that belong together it goes in a straight line, over a gap it does not.
 */
export function timeline(fromMs: number, untilMs: number, count: number): Timeline {
  const stretches: (Stretch | null)[] = Array.from({ length: count }, () => null)
  const unknown: boolean[] = Array.from({ length: count }, () => false)
  const widthMs = (untilMs - fromMs) / count
  const indexOf = (atMs: number): number => Math.max(0, Math.min(count - 1, Math.floor((atMs - fromMs) / widthMs)))
  let before: { readonly atMs: number; readonly value: number | null } | null = null

  const take = (index: number, value: number): void => {
    const known = stretches[index] ?? null
    stretches[index] =
      known === null ? { least: value, most: value, last: value } : { least: Math.min(known.least, value), most: Math.max(known.most, value), last: value }
  }
  return {
    add(atMs, value, gap = false) {
      if (atMs < fromMs || atMs > untilMs || (before !== null && atMs < before.atMs)) return
      const index = indexOf(atMs)
      const earlier = before
      before = { atMs, value }
      if (value !== null) take(index, value)
      const joined = earlier !== null && !gap && value !== null && earlier.value !== null
      const first = earlier === null ? 0 : indexOf(earlier.atMs)
      for (let between = first; between <= index; between++) {
        if (!joined && (between < index || value === null || gap)) unknown[between] = true
        if (joined && between > first && between < index) {
          const share = (fromMs + (between + 0.5) * widthMs - earlier.atMs) / (atMs - earlier.atMs)
          take(between, earlier.value + (value - earlier.value) * Math.max(0, Math.min(1, share)))
        }
      }
    },
    columns: () => ({ fromMs, untilMs, stretches: [...stretches], unknown: stretches.map((stretch, index) => stretch === null || unknown[index]!) })
  }
}

/** The same with `factor` stretches taken together; the extremes stay. */
export function coarser({ fromMs, untilMs, stretches, unknown }: Columns, factor: number): Columns {
  const starts = Array.from({ length: Math.ceil(stretches.length / factor) }, (_, index) => index * factor)
  return {
    fromMs,
    untilMs,
    stretches: starts.map(start => {
      const known = stretches.slice(start, start + factor).filter(stretch => stretch !== null)
      if (known.length === 0) return null
      return { least: Math.min(...known.map(({ least }) => least)), most: Math.max(...known.map(({ most }) => most)), last: known.at(-1)!.last }
    }),
    unknown: starts.map(start => unknown.slice(start, start + factor).some(Boolean))
  }
}
