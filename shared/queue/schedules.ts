/** A name that gets a turn every so often. */
export interface Schedule {
  /** Letters, digits, `.`, `_` and `-`; not digits alone; no `:` (BullMQ's own separator). */
  readonly name: string
  readonly everyMs: number
}

/** A schedule as Redis holds it. `nextMs` is when its next tick is due; null when that tick is missing. */
export interface HeldSchedule {
  readonly name: string
  readonly everyMs: number | null
  readonly nextMs: number | null
}

export interface Mending {
  readonly remove: readonly string[]
  readonly upsert: readonly Schedule[]
}

/** Throws one sentence when a name cannot be a job's name and id, or an interval is not a whole positive number. */
export function checkSchedule(schedule: Schedule): void {
  checkName(schedule.name)
  if (!Number.isSafeInteger(schedule.everyMs) || schedule.everyMs < 1)
    throw new Error(`schedule ${schedule.name}: everyMs is ${schedule.everyMs}, expected a whole number of milliseconds above 0`)
}

export function checkName(name: string): void {
  if (!/^(?!\d+$)[A-Za-z0-9._-]{1,120}$/.test(name))
    throw new Error(`${JSON.stringify(name)} cannot name a turn: expected letters, digits, '.', '_' and '-', and not digits alone`)
}

/**
 * What to change so that Redis holds what should be held. Pure. A tick that lies further ahead than its interval was set by
 * a clock that ran ahead and would come too late: it is set anew.
 */
export function mending(wanted: readonly Schedule[], held: readonly HeldSchedule[], nowMs: number): Mending {
  const remove: string[] = []
  const upsert: Schedule[] = []
  for (const schedule of wanted) {
    const found = held.find(({ name }) => name === schedule.name)
    const sound = found && found.everyMs === schedule.everyMs && found.nextMs !== null && found.nextMs <= nowMs + 2 * schedule.everyMs
    if (sound) continue
    if (found) remove.push(found.name)
    upsert.push(schedule)
  }
  for (const { name } of held) if (!wanted.some(schedule => schedule.name === name)) remove.push(name)
  return { remove, upsert }
}

/**
 * Names whose turn is overdue by the monotonic clock. Pure. With Redis at hand a tick may be late by one interval and the
 * grace; without it nobody else will bring the turn, so it is due after one interval.
 */
export function overdue(
  schedules: readonly Schedule[],
  lastRunAtMs: ReadonlyMap<string, number>,
  nowMs: number,
  connected: boolean,
  graceMs: number
): readonly string[] {
  return schedules
    .filter(({ name, everyMs }) => {
      const last = lastRunAtMs.get(name)
      return last !== undefined && nowMs - last > (connected ? 2 * everyMs + graceMs : everyMs)
    })
    .map(({ name }) => name)
}
