import type { Notice, NoticeFate } from '../engine/agent.ts'
import type { Delivery, Destination } from './notifier.ts'

/** A notice and its fate, as the state topic keeps it: plain JSON. One per key, so that a notice is said once. */
export interface OutboxEntry extends NoticeFate {
  readonly notice: Notice
  readonly createdAtMs: number
  /** What became of it at each destination, by id; absent before the first attempt, and in what an older release wrote. */
  readonly to?: Readonly<Record<string, Fate>>
}

export interface Fate {
  readonly state: 'pending' | 'failed' | 'taken'
  readonly attempts: number
  /** Not tried again before this. */
  readonly nextAttemptAtMs: number
  /** False after a refusal that the same notice will meet again: it no longer holds up the destination. */
  readonly retryable: boolean
  readonly lastError: string | null
  readonly thread: string | null
}

const firstRetryMs = 5_000
const longestRetryMs = 15 * 60_000
/** A refused notice is tried again as rarely as this: somebody may have mended what was wrong. */
const refusedRetryMs = 60 * 60_000
/** A digest counts what it holds; of more than this there are several. */
const mostInDigest = 1_000

export function newEntry(notice: Notice, nowMs: number): OutboxEntry {
  return { notice, createdAtMs: nowMs, state: 'pending', attempts: 0, deliveredAtMs: null, lastError: null }
}

/** Where a notice still has to go: what was added to the configuration after it reached people does not get it. */
export function open(entry: OutboxEntry, destinations: readonly Destination[]): readonly Destination[] {
  return destinations.filter(({ id }) => {
    const fate = fateAt(entry, id)
    return fate === null ? entry.state !== 'delivered' : fate.state !== 'taken'
  })
}

/**
 * Keys to deliver now by destination, oldest first. Pure. A destination keeps its order: while one of its notices waits for another
 * attempt, the later ones wait behind it. So ask again after each failure. `held`: not to be told now, and holds up nothing.
 */
export function due(
  outbox: ReadonlyMap<string, OutboxEntry>,
  route: (notice: Notice) => readonly Destination[],
  nowMs: number,
  held: (entry: OutboxEntry) => boolean = () => false
): ReadonlyMap<string, { readonly destination: Destination; readonly keys: readonly string[] }> {
  const lanes = new Map<string, { destination: Destination; keys: string[]; heldUp: boolean }>()
  const inOrder = [...outbox].filter(([, entry]) => !isDone(entry)).toSorted(([keyA, a], [keyB, b]) => a.createdAtMs - b.createdAtMs || (keyA < keyB ? -1 : 1))
  for (const [key, entry] of inOrder) {
    if (held(entry)) continue
    for (const destination of open(entry, route(entry.notice))) {
      const lane = lanes.get(destination.id) ?? { destination, keys: [], heldUp: false }
      lanes.set(destination.id, lane)
      const { nextAttemptAtMs, retryable } = fateAt(entry, destination.id) ?? { nextAttemptAtMs: nowMs, retryable: true }
      // A wait beyond the longest was written by a clock that ran ahead.
      const waits = nextAttemptAtMs > nowMs && nextAttemptAtMs - nowMs <= refusedRetryMs
      if (!waits && !lane.heldUp) lane.keys.push(key)
      if (waits && retryable) lane.heldUp = true
    }
  }
  return new Map([...lanes].filter(([, { keys }]) => keys.length > 0))
}

/** Cuts what is due at one destination into messages: each in exactly one, in order; more than `above` at once in as few as there can be. Pure. */
export function letters<T>(all: readonly T[], above: number | null): readonly (readonly T[])[] {
  if (above === null || all.length <= above) return all.map(each => [each])
  return Array.from({ length: Math.ceil(all.length / mostInDigest) }, (_, index) => all.slice(index * mostInDigest, (index + 1) * mostInDigest))
}

/** The one thread in which the first messages of all these incidents stand at a destination; null: there is none, or there are several. */
export function threadOf(outbox: Iterable<OutboxEntry>, incidents: ReadonlySet<string>, destination: string): string | null {
  const first = new Map<string, { readonly atMs: number; readonly thread: string }>()
  for (const entry of outbox) {
    const { incident } = entry.notice
    const thread = incidents.has(incident) ? (fateAt(entry, destination)?.thread ?? null) : null
    if (thread !== null && entry.createdAtMs < (first.get(incident)?.atMs ?? Number.POSITIVE_INFINITY)) first.set(incident, { atMs: entry.createdAtMs, thread })
  }
  const threads = new Set([...first.values()].map(({ thread }) => thread))
  return first.size === incidents.size && threads.size === 1 ? [...threads][0]! : null
}

/**
 * The entry after an attempt at one of its destinations. Pure. Delivered is only what a destination that reaches people confirmed; a
 * failure is shown as failed and tried again.
 */
export function next(entry: OutboxEntry, at: Destination, routed: readonly Destination[], result: Delivery, nowMs: number): OutboxEntry {
  const before = fateAt(entry, at.id) ?? pending(nowMs)
  const attempts = before.attempts + 1
  const fate: Fate = result.ok
    ? { ...before, state: 'taken', attempts, retryable: true, lastError: null, nextAttemptAtMs: nowMs, thread: result.thread ?? null }
    : { ...before, state: 'failed', attempts, retryable: result.retryable, lastError: result.error, nextAttemptAtMs: nowMs + waitMs(result, attempts) }
  const settled = Object.fromEntries(open(entry, routed).map(({ id }) => [id, fateAt(entry, id) ?? pending(nowMs)]))
  const after = { ...entry, attempts: entry.attempts + 1, to: { ...entry.to, ...settled, [at.id]: fate } }
  if (entry.state === 'delivered') return after
  if (!result.ok) return { ...after, state: 'failed', lastError: result.error }
  return at.reachesPeople ? { ...after, state: 'delivered', deliveredAtMs: nowMs, lastError: null } : after
}

export interface Backlog {
  readonly waiting: number
  readonly undeliverable: number
  readonly oldestSinceMs: number | null
}

/**
 * What nobody was told: how many notices wait, how many of them every destination refused for good, and since when the oldest one waits.
 * Pure. Snoozed ones do not count.
 */
export function backlog(outbox: Iterable<OutboxEntry>, held: (entry: OutboxEntry) => boolean): Backlog {
  const waiting = [...outbox].filter(entry => entry.state !== 'delivered' && !held(entry))
  const refused = waiting.filter(({ to = {} }) => {
    const tried = Object.values(to).filter(({ state }) => state !== 'taken')
    return tried.length > 0 && tried.every(({ state, retryable }) => state === 'failed' && !retryable)
  })
  return {
    waiting: waiting.length,
    undeliverable: refused.length,
    oldestSinceMs: waiting.length === 0 ? null : Math.min(...waiting.map(({ createdAtMs }) => createdAtMs))
  }
}

/** Nothing is left to do for it, wherever it was to go. */
export function isDone({ state, to = {} }: OutboxEntry): boolean {
  return state === 'delivered' && Object.values(to).every(fate => fate.state === 'taken')
}

function waitMs(result: { readonly retryable: boolean; readonly retryAfterMs?: number }, attempts: number): number {
  const backOffMs = Math.min(firstRetryMs * 2 ** Math.min(attempts - 1, 20), longestRetryMs)
  return result.retryable ? Math.min(Math.max(backOffMs, result.retryAfterMs ?? 0), refusedRetryMs) : refusedRetryMs
}

function fateAt({ to }: OutboxEntry, id: string): Fate | null {
  return to !== undefined && Object.hasOwn(to, id) ? to[id]! : null
}

function pending(nowMs: number): Fate {
  return { state: 'pending', attempts: 0, nextAttemptAtMs: nowMs, retryable: true, lastError: null, thread: null }
}
