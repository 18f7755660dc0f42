import type { ClusterView } from './cluster-view.ts'

/** A window that the operator declared: half open, epoch milliseconds. */
export interface MaintenanceWindow {
  readonly fromMs: number
  readonly untilMs: number
  readonly why: string
}

/** Why judgement is suspended now. */
export interface Maintenance {
  readonly kind: 'declared' | 'rolling-restart' | 'reassignment'
  readonly why: string
  readonly sinceMs: number
}

/** What of the past is needed to see maintenance that nobody declared. */
export interface MaintenanceMemory {
  /** Every broker seen lately, and since when it is away; null: it is here. */
  readonly brokers: Readonly<Record<string, { readonly awaySinceMs: number | null }>>
  /** Brokers that came back, the latest last. */
  readonly returned: readonly { readonly broker: string; readonly atMs: number }[]
  readonly current: Maintenance | null
  /** Since when nothing of it was seen any more. */
  readonly quietSinceMs: number | null
}

/** Two brokers that go within this time, the second after the first is back, are a rolling restart and no two faults. */
export const rollingWithinMs = 30 * 60_000
/** Judgement goes on after this much quiet: caches and leaders have settled by then. */
export const settleMs = 2 * 60_000
/** Longer than any maintenance that one does not declare: then what is seen is a fault, and judged. */
export const longestUndeclaredMs = 6 * 3_600_000
const brokersForgottenMs = 24 * 3_600_000

/**
 * Whether the cluster is being worked on, as far as a look can tell: declared windows, a rolling restart, partitions that move. Pure. One
 * broker that is away is no maintenance: that is a fault until a second one goes after it came back. `reassigning` is null where it
 * could not be seen: then a suspension that was seen is neither begun nor ended by it.
 */
export function seeMaintenance(
  before: MaintenanceMemory | null,
  view: Pick<ClusterView, 'atMs' | 'brokers' | 'unseen'>,
  reassigning: number | null,
  declared: readonly MaintenanceWindow[]
): { readonly memory: MaintenanceMemory; readonly now: Maintenance | null } {
  const { atMs } = view
  const silent = new Set(view.unseen.filter(({ kind }) => kind === 'broker').map(({ id }) => id))
  const here = new Set(view.brokers.map(({ id }) => String(id)).filter(id => !silent.has(id)))
  const known = before?.brokers ?? {}
  const awaySince = (id: string): number | null => (here.has(id) ? null : (own(known, id)?.awaySinceMs ?? atMs))
  const brokers = Object.fromEntries(
    [...new Set([...Object.keys(known), ...here])]
      .map(id => [id, { awaySinceMs: awaySince(id) }] as const)
      .filter(([, { awaySinceMs }]) => awaySinceMs === null || atMs - awaySinceMs <= brokersForgottenMs)
  )
  const back = Object.entries(known).flatMap(([id, { awaySinceMs }]) => (awaySinceMs !== null && here.has(id) ? [{ broker: id, atMs }] : []))
  const returned = [...(before?.returned ?? []), ...back].filter(each => atMs - each.atMs <= rollingWithinMs).slice(-100)
  const away = Object.entries(brokers).filter(([, { awaySinceMs }]) => awaySinceMs !== null)
  const follows = away.find(([id, { awaySinceMs }]) => returned.some(({ broker, atMs: backAtMs }) => broker !== id && backAtMs <= awaySinceMs!))

  const seen = undeclared(follows?.[0], returned, reassigning, before?.current ?? null, away.length > 0, atMs)
  const quietSinceMs = seen.active ? null : (before?.quietSinceMs ?? atMs)
  const ended = seen.current !== null && !seen.active && atMs - quietSinceMs! >= settleMs
  const current = ended ? null : seen.current
  const memory = { brokers, returned: ended ? [] : returned, current, quietSinceMs: current === null ? null : quietSinceMs }
  const window = declared.find(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs)
  if (window) return { memory, now: { kind: 'declared', why: window.why, sinceMs: window.fromMs } }
  return { memory, now: current !== null && atMs - current.sinceMs <= longestUndeclaredMs ? current : null }
}

function undeclared(
  follower: string | undefined,
  returned: MaintenanceMemory['returned'],
  reassigning: number | null,
  current: Maintenance | null,
  someAway: boolean,
  atMs: number
): { current: Maintenance | null; active: boolean } {
  const sinceMs = current?.sinceMs ?? atMs
  if (follower !== undefined) {
    const first = returned.find(({ broker }) => broker !== follower)!.broker
    return { current: { kind: 'rolling-restart', why: `broker ${follower} is away, and broker ${first} was before it`, sinceMs }, active: true }
  }
  if (reassigning !== null && reassigning > 0)
    return {
      current: { kind: 'reassignment', why: `${reassigning === 1 ? '1 partition moves' : `${reassigning} partitions move`} to other brokers`, sinceMs },
      active: true
    }
  // A broker that stays away, and partitions that cannot be asked about, keep up what has begun.
  const goesOn = current !== null && ((current.kind === 'rolling-restart' && someAway) || (current.kind === 'reassignment' && reassigning === null))
  return { current, active: goesOn }
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}
