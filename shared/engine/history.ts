import { toleratedAgeMs } from '../domain/observation-age.ts'
import type { Kafka, LogReader } from '../kafka/ports.ts'
import { type Latest, observationFold } from './fold.ts'

/** One observation of the past. */
export interface Past extends Latest {
  /** Nothing is known of the time since the observation before: some are missing, or this is the first there is. */
  readonly gap: boolean
}

export interface HistoryOptions {
  /** The observations topic. */
  readonly topic: string
  /** Epoch milliseconds; what is older is not told. */
  readonly sinceMs: number
  /** Ends the history early, without an error. */
  readonly signal?: AbortSignal | undefined
}

/** A key frame comes every ten minutes with the shipped settings; where it is not found so soon, it is looked for further back. */
const firstStepBackMs = 15 * 60_000
const stepFactor = 8

/**
 * The observations since a moment, one after the other, up to the end that the topic has now. Each is the whole view, folded from
 * the key frame before that moment; only one is held at a time, so whoever reads keeps what he wants of it and lets it go. It begins
 * later where the topic does.
 */
export async function* history({ admin, openReader }: Pick<Kafka, 'admin' | 'openReader'>, options: HistoryOptions): AsyncGenerator<Past> {
  const { topic, sinceMs, signal } = options
  const first = await admin.offsetForTimestamp(topic, 0, 0)
  if (first === null) return
  const reader = await openReader()
  try {
    for (let backMs = firstStepBackMs; ; backMs *= stepFactor) {
      const from = await admin.offsetForTimestamp(topic, 0, Math.max(0, sinceMs - backMs))
      if (from === null) return
      let told = false
      for await (const past of foldFrom(reader, from, options)) {
        if (past === 'no key frame yet' && from > first) break
        if (past === 'no key frame yet') continue
        told = true
        if (past.view.atMs >= sinceMs) yield past
      }
      if (told || from <= first || signal?.aborted) return
    }
  } finally {
    await reader.close()
  }
}

/** Says so where an observation that was asked for cannot be told because the key frame that it changes lies before `from`. */
async function* foldFrom(reader: LogReader, from: number, { topic, sinceMs, signal }: HistoryOptions): AsyncGenerator<Past | 'no key frame yet'> {
  const fold = observationFold()
  let before: Latest | null = null
  for await (const value of valuesFrom(reader, topic, from, signal)) {
    const atMs = fold.add(value)
    if (atMs === null) continue
    const { latest } = fold
    if (latest === null && before === null && atMs >= sinceMs) yield 'no key frame yet'
    if (latest === null) continue
    const gap: boolean = before === null || isGap(before, latest)
    before = latest
    yield { ...latest, gap }
  }
}

/** The observer may scan less often for a while, or again as often as before. */
function isGap(before: Latest, after: Latest): boolean {
  const tookMs = after.view.atMs - before.view.atMs
  return tookMs < 0 || tookMs > toleratedAgeMs(Math.max(before.intervalMs, after.intervalMs))
}

/** Values of the records from an offset to the end of the moment of asking. */
async function* valuesFrom(reader: LogReader, topic: string, from: number, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  await reader.assign(topic, 0, 'end')
  const end = reader.positions().find(position => position.topic === topic)?.offset ?? 0
  await reader.assign(topic, 0, from)
  for (let next = from; next < end;) {
    for (const { records, nextOffset } of await reader.poll({ maxWaitMs: 500 })) {
      next = nextOffset
      for (const { value, offset } of records) {
        if (signal?.aborted) return
        if (value !== null && offset < end) yield value
      }
    }
    if (signal?.aborted) return
  }
}
