import { hash } from 'node:crypto'
import { coordinateText, type LogCoordinate } from '../broker-logs/entry.ts'
import type { JsonValue } from '../domain/json.ts'
import type { FoldedAccess } from './events/access.ts'
import { eventIdOf } from './event-id.ts'
import type { AuthorizerLine } from './inputs.ts'
import type { SourceClock } from './watermark.ts'

/** How allowed accesses are written: each as an event of its own, counted by who, whence, what and minute, or counted by operation alone. */
export type AccessMode = 'each' | 'fold' | 'count'

export interface FoldOptions {
  /** Open cells of one source; at this many all of them are closed early. */
  readonly mostCells: number
}

interface Cell {
  readonly minuteMs: number
  readonly late: boolean
  readonly principal: string | null
  readonly address: string | null
  readonly resourceType: string
  readonly resourceName: string | null
  readonly operation: string
  readonly first: LogCoordinate
  last: LogCoordinate
  readonly requests: string[]
  lines: number
  resourceRefCount: number
  firstMs: number
  lastMs: number
}

/** Cells that are closed together, and where the first of them began. */
interface Due {
  readonly cells: Map<string, Cell>
  readonly began: Began
}

/** A place from which a source can be read again. */
export interface Began {
  /** How many inputs of the source came before, since this process reads it. */
  readonly index: number
  readonly position: JsonValue
  readonly clock: SourceClock
}

/** What is open of one source. All that happens to it is a function of that source's inputs in their order, so that reading them again gives the same. */
export interface Fold {
  readonly sourceId: string
  /** By the moment whose passing closes them. */
  readonly due: Map<number, Due>
  cells: number
  nextDueMs: number
  /** Minutes up to here are closed, whatever the source's clock says. */
  floorMs: number
}

const minuteLong = 60_000
const separator = '\n'

export function newFold(sourceId: string, floorMs = Number.NEGATIVE_INFINITY): Fold {
  return { sourceId, due: new Map(), cells: 0, nextDueMs: Number.POSITIVE_INFINITY, floorMs }
}

/**
 * Takes one allowed access. `watermarkMs` is the source's own, after this line. Says what had to be closed to make room; what is due is
 * closed by `closeDue`.
 */
export function foldLine(
  fold: Fold,
  line: AuthorizerLine,
  mode: 'fold' | 'count',
  began: Began,
  watermarkMs: number,
  { mostCells }: FoldOptions
): FoldedAccess[] {
  const { atMs } = line.time
  const closedMs = Math.max(watermarkMs, fold.floorMs)
  const minuteMs = Math.floor(atMs / minuteLong) * minuteLong
  const late = minuteMs + minuteLong <= closedMs
  const dueMs = late ? (Math.floor(closedMs / minuteLong) + 1) * minuteLong : minuteMs + minuteLong
  const counted = mode === 'count'
  const { operation, resourceType } = line
  const what = counted
    ? `${operation}${separator}${resourceType}`
    : `${operation}${separator}${resourceType}${separator}${line.resourceName.length}${separator}${line.resourceName}${line.address}${separator}${line.principal}`
  const key = late ? `${minuteMs}${separator}${what}` : what
  let cell = fold.due.get(dueMs)?.cells.get(key)
  let closed: FoldedAccess[] = []
  if (cell === undefined) {
    if (fold.cells >= mostCells) closed = closeAll(fold, 'full')
    const due = fold.due.get(dueMs) ?? { cells: new Map<string, Cell>(), began }
    fold.due.set(dueMs, due)
    fold.nextDueMs = Math.min(fold.nextDueMs, dueMs)
    const { address, principal, resourceName } = line
    const who = counted ? { principal: null, address: null, resourceName: null } : { principal, address, resourceName }
    const { coordinate } = line
    cell = {
      minuteMs,
      late,
      ...who,
      resourceType,
      operation,
      first: coordinate,
      last: coordinate,
      requests: [],
      lines: 0,
      resourceRefCount: 0,
      firstMs: atMs,
      lastMs: atMs
    }
    due.cells.set(key, cell)
    fold.cells++
  }
  cell.lines++
  cell.resourceRefCount += Math.max(0, line.resourceRefCount)
  if (atMs < cell.firstMs) cell.firstMs = atMs
  if (atMs > cell.lastMs) cell.lastMs = atMs
  if (cell.requests.length < 8 && !cell.requests.includes(line.request)) cell.requests.push(line.request)
  cell.last = line.coordinate
  return closed
}

/** Closes what the source's own watermark has passed. */
export function closeDue(fold: Fold, watermarkMs: number): FoldedAccess[] {
  const closedMs = Math.max(watermarkMs, fold.floorMs)
  return fold.nextDueMs > closedMs ? [] : closeWhere(fold, dueMs => (dueMs <= closedMs ? 'due' : 'open'))
}

/** Closes everything, for a source that fell silent. What comes of these minutes later is late up to `floorMs`. */
export function closeSilent(fold: Fold, floorMs: number): FoldedAccess[] {
  fold.floorMs = Math.max(fold.floorMs, floorMs)
  return closeWhere(fold, dueMs => (dueMs <= fold.floorMs ? 'due' : 'silent'))
}

/** Closes minutes far ahead of the source's clock: the line that began them came at a time that the next one denied. */
export function closeDenied(fold: Fold, aheadOfMs: number): FoldedAccess[] {
  return closeWhere(fold, dueMs => (dueMs - minuteLong > aheadOfMs ? 'clock' : 'open'))
}

function closeAll(fold: Fold, early: 'full'): FoldedAccess[] {
  return closeWhere(fold, () => early)
}

/** Where the oldest input that is still open came; null where nothing is. */
export function foldBegan({ due }: Fold): Began | null {
  let first: Began | null = null
  for (const { began } of due.values()) if (first === null || began.index < first.index) first = began
  return first
}

function closeWhere(fold: Fold, verdict: (dueMs: number) => 'due' | 'open' | 'silent' | 'clock' | 'full'): FoldedAccess[] {
  const closed: FoldedAccess[] = []
  for (const dueMs of [...fold.due.keys()].sort((one, other) => one - other)) {
    const why = verdict(dueMs)
    if (why === 'open') continue
    for (const cell of fold.due.get(dueMs)!.cells.values()) closed.push(foldedOf(fold.sourceId, cell, why === 'due' ? null : why))
    fold.cells -= fold.due.get(dueMs)!.cells.size
    fold.due.delete(dueMs)
  }
  fold.nextDueMs = Math.min(...fold.due.keys(), Number.POSITIVE_INFINITY)
  return closed
}

/** Kept whole, a cell is named by source, minute and what was counted, so that a correction knows its name; else by the line that began it. */
function foldedOf(sourceId: string, cell: Cell, early: FoldedAccess['early']): FoldedAccess {
  const { minuteMs, late, principal, address, resourceType, resourceName, operation, first } = cell
  const key = hash(
    'sha256',
    JSON.stringify([principal, address, resourceType, resourceName, operation].map(part => part?.toWellFormed() ?? null)),
    'hex'
  ).slice(0, 32)
  const whole = `${sourceId}@${new Date(minuteMs).toISOString()}/${key}`
  const firstCoordinate = coordinateText(first)
  const { last, requests, lines, resourceRefCount, firstMs, lastMs } = cell
  return {
    sourceId,
    coordinate: late || early ? `${whole}/${firstCoordinate}` : whole,
    minuteMs,
    principal,
    address,
    resourceType,
    resourceName,
    operation,
    requests: requests.toSorted(),
    lines,
    resourceRefCount,
    firstMs,
    lastMs,
    firstCoordinate,
    lastCoordinate: coordinateText(last),
    early,
    corrects: late ? { eventId: eventIdOf('access.folded', whole), coordinate: whole } : null
  }
}
