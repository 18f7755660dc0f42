import type { Lane, Row } from './rows.ts'

export interface Column {
  readonly fromMs: number
  /** Exclusive. */
  readonly toMs: number
  readonly counts: Readonly<Partial<Record<Lane, number>>>
  readonly gaps: number
  readonly total: number
}

export interface Timeline {
  readonly stepMs: number
  readonly columns: readonly Column[]
  /** The most of one lane in one column. */
  readonly most: number
  /** Rows whose time nobody knows. */
  readonly timeless: number
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const steps = [
  second,
  10 * second,
  minute,
  5 * minute,
  15 * minute,
  hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  7 * day,
  14 * day,
  28 * day,
  91 * day,
  364 * day
]

/** Counts rows by columns of equal length, at most so many, each beginning at a whole second, minute, hour or day of UTC. */
export function timelineOf(rows: readonly Row[], mostColumns = 60): Timeline {
  let [from, to] = [Infinity, -Infinity]
  for (const { atMs } of rows)
    if (atMs !== null) {
      from = Math.min(from, atMs)
      to = Math.max(to, atMs)
    }
  if (from > to) return { stepMs: second, columns: [], most: 0, timeless: rows.length }
  const needed = (step: number): number => Math.floor(to / step) - Math.floor(from / step) + 1
  let stepMs = steps.find(step => needed(step) <= mostColumns) ?? steps.at(-1)!
  while (needed(stepMs) > mostColumns) stepMs *= 2
  const start = Math.floor(from / stepMs) * stepMs
  const columns = Array.from({ length: needed(stepMs) }, (_, index) => ({
    fromMs: start + index * stepMs,
    toMs: start + (index + 1) * stepMs,
    counts: {} as Partial<Record<Lane, number>>,
    gaps: 0,
    total: 0
  }))
  let timeless = 0
  for (const { atMs, lane } of rows) {
    if (atMs === null) {
      timeless++
      continue
    }
    const column = columns[Math.floor((atMs - start) / stepMs)]!
    column.counts[lane] = (column.counts[lane] ?? 0) + 1
    column.total++
    if (lane === 'gap') column.gaps++
  }
  const most = columns.reduce((all, { counts }) => Math.max(all, ...Object.values(counts)), 0)
  return { stepMs, columns, most, timeless }
}

/** A moment of UTC as exactly as a step of this length needs it. */
export function momentOf(ms: number, stepMs = 1): string {
  const iso = new Date(ms).toISOString()
  const end = stepMs >= day ? 10 : stepMs >= minute ? 16 : stepMs >= second ? 19 : 23
  return iso.slice(0, end).replace('T', ' ')
}
