import type { Notice, NoticeFate } from '../engine/agent.ts'
import type { Delivery } from './notifier.ts'

/** A notice and its fate, as the state topic keeps it: plain JSON. One per key, so that a notice is said once. */
export interface OutboxEntry extends NoticeFate {
  readonly notice: Notice
  readonly createdAtMs: number
  /** Not tried again before this. */
  readonly nextAttemptAtMs: number
  /** False after a refusal that the same notice will meet again: it no longer holds up the channel. */
  readonly retryable: boolean
}

const firstRetryMs = 5_000
const longestRetryMs = 15 * 60_000
/** A refused notice is tried again as rarely as this: somebody may have mended the webhook. */
const refusedRetryMs = 60 * 60_000

export function newEntry(notice: Notice, nowMs: number): OutboxEntry {
  return { notice, createdAtMs: nowMs, nextAttemptAtMs: nowMs, retryable: true, state: 'pending', attempts: 0, deliveredAtMs: null, lastError: null }
}

/**
 * Keys to deliver now, oldest first. Pure. A channel keeps its order: while one of its notices waits for another attempt, the later
 * ones wait behind it. So ask again after each failure.
 */
export function due(outbox: ReadonlyMap<string, OutboxEntry>, nowMs: number): readonly string[] {
  const open = [...outbox].filter(([, { state }]) => state !== 'delivered')
  open.sort(([keyA, a], [keyB, b]) => a.createdAtMs - b.createdAtMs || (keyA < keyB ? -1 : 1))
  const heldUp = new Set<string | null>()
  const keys: string[] = []
  for (const [key, entry] of open) {
    const { channel } = entry.notice
    const waits = entry.nextAttemptAtMs > nowMs
    // A wait beyond the longest was written by a clock that ran ahead.
    const now = !waits || entry.nextAttemptAtMs - nowMs > refusedRetryMs
    if (now && !heldUp.has(channel)) keys.push(key)
    if (!now && entry.retryable) heldUp.add(channel)
  }
  return keys
}

/** The entry after an attempt. Pure. Only a delivery that was confirmed counts; a failure is shown as failed and tried again. */
export function next(entry: OutboxEntry, result: Delivery, nowMs: number): OutboxEntry {
  const attempts = entry.attempts + 1
  if (result.ok) return { ...entry, attempts, state: 'delivered', deliveredAtMs: nowMs, lastError: null, retryable: true, nextAttemptAtMs: nowMs }
  const backOffMs = Math.min(firstRetryMs * 2 ** Math.min(attempts - 1, 20), longestRetryMs)
  const waitMs = result.retryable ? Math.min(Math.max(backOffMs, result.retryAfterMs ?? 0), refusedRetryMs) : refusedRetryMs
  return { ...entry, attempts, state: 'failed', deliveredAtMs: null, lastError: result.error, retryable: result.retryable, nextAttemptAtMs: nowMs + waitMs }
}
