import type { SourceTime } from './source-time.ts'

/** The time of one log as its lines tell it: of one file, or of one host in a topic. Small JSON; kept with the position, so that a restart reads the same. */
export interface SourceClock {
  /** Time of the latest line; null before the first. After its clock was set back, what it shows since. */
  readonly highestMs: number | null
}

export interface ClockRules {
  /** How much a line may be older than one before it: threads write in turn, a forwarder keeps no order. Milliseconds. */
  readonly disorderMs: number
  /** A log that is this far behind the reference says nothing: nobody acted, or nobody writes. Milliseconds. */
  readonly silentAfterMs: number
}

export interface Tick {
  readonly clock: SourceClock
  /** The line's time; of an ambiguous hour the moment that follows on what came before. */
  readonly atMs: number
  /** How far the log's clock went back, beyond disorder; null when it did not. */
  readonly wentBackMs: number | null
}

/** Goes on by one line, in the order of the log. */
export function tick(clock: SourceClock, time: SourceTime, { disorderMs }: Pick<ClockRules, 'disorderMs'>): Tick {
  const { highestMs } = clock
  const fits = (atMs: number): boolean => highestMs === null || atMs >= highestMs - disorderMs
  const atMs = time.orMs !== undefined && !fits(time.atMs) ? time.orMs : time.atMs
  if (highestMs === null) return { clock: { highestMs: atMs }, atMs, wentBackMs: null }
  if (fits(atMs)) return { clock: { highestMs: Math.max(highestMs, atMs) }, atMs, wentBackMs: null }
  return { clock: { highestMs: atMs }, atMs, wentBackMs: highestMs - atMs }
}

export interface SourceState {
  readonly source: string
  /** Lines before this are no longer expected; never beyond the reference, so that a clock that is ahead promises nothing. Null before the first line. */
  readonly watermarkMs: number | null
  readonly silent: boolean
}

/** What each source has told by the time `referenceMs`: the source time of what ticks by itself, as the metadata log does twice a second. */
export function sourceStates(clocks: ReadonlyMap<string, SourceClock>, referenceMs: number, { disorderMs, silentAfterMs }: ClockRules): readonly SourceState[] {
  return [...clocks].map(([source, { highestMs }]) => {
    const watermarkMs = highestMs === null ? null : Math.min(highestMs - disorderMs, referenceMs)
    return { source, watermarkMs, silent: watermarkMs === null || referenceMs - watermarkMs > silentAfterMs }
  })
}

/** Whether nothing that belongs to `atMs` can still come within `windowMs` from a source that speaks; names those it waits for and those that are silent. */
export function windowPassed(
  atMs: number,
  windowMs: number,
  states: readonly SourceState[]
): { readonly passed: boolean; readonly waitingFor: readonly string[]; readonly silent: readonly string[] } {
  const behind = states.filter(({ watermarkMs }) => watermarkMs === null || watermarkMs < atMs + windowMs)
  const waitingFor = behind.filter(({ silent }) => !silent).map(({ source }) => source)
  return { passed: waitingFor.length === 0, waitingFor, silent: behind.filter(({ silent }) => silent).map(({ source }) => source) }
}
