import { hash } from 'node:crypto'
import { coordinateText, type LogCoordinate } from '../broker-logs/entry.ts'
import type { JsonValue } from '../domain/json.ts'
import type { FoldedAccess } from './events/access.ts'
import type { FoldedLogin } from './events/authentication.ts'
import { eventIdOf } from './event-id.ts'
import type { AuthorizerLine } from './inputs.ts'
import type { SourceClock } from './watermark.ts'

/** How allowed accesses are written: each as an event of its own, counted by who, whence, what and minute, or counted by operation alone. */
export type AccessMode = 'each' | 'fold' | 'count'

export interface FoldOptions {
  /** Open cells of one source; at this many all of them are closed early. */
  readonly mostCells: number
  /** So many failed logins of one source and minute are an event each. */
  readonly mostLogins: number
  /** So many cells of one source and minute tell logins apart; beyond them all addresses are counted together. */
  readonly mostLoginCells: number
}

/** Lines that are counted together. */
interface Counted {
  readonly minuteMs: number
  readonly late: boolean
  readonly first: LogCoordinate
  last: LogCoordinate
  lines: number
  firstMs: number
  lastMs: number
}

interface AccessCell extends Counted, Pick<FoldedAccess, 'principal' | 'address' | 'resourceType' | 'resourceName' | 'operation'> {
  readonly kind: 'access'
  readonly requests: string[]
  resourceRefCount: number
}

interface LoginCell extends Counted, Pick<FoldedLogin, 'succeeded' | 'address' | 'mechanism' | 'reason'> {
  readonly kind: 'login'
}

type Cell = AccessCell | LoginCell

/** What is closed together, and where the first of it began. */
interface Due {
  readonly cells: Map<string, Cell>
  readonly began: Began
  /** Failed logins that are events of their own. */
  logins: number
  loginCells: number
}

/** What was counted together. */
export type Folded = FoldedAccess | FoldedLogin

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
export function foldLine(fold: Fold, line: AuthorizerLine, mode: 'fold' | 'count', began: Began, watermarkMs: number, options: FoldOptions): Folded[] {
  const { operation, resourceType } = line
  const what =
    mode === 'count'
      ? `${operation}${separator}${resourceType}`
      : `${operation}${separator}${resourceType}${separator}${line.resourceName.length}${separator}${line.resourceName}${line.address}${separator}${line.principal}`
  const place = placeIn(fold, line.time.atMs, watermarkMs)
  const key = place.late ? `${place.minuteMs}${separator}${what}` : what
  let cell = fold.due.get(place.dueMs)?.cells.get(key) as AccessCell | undefined
  let closed: Folded[] = []
  if (cell === undefined) {
    if (fold.cells >= options.mostCells) closed = closeAll(fold, 'full')
    const { address, principal, resourceName } = line
    const who = mode === 'count' ? { principal: null, address: null, resourceName: null } : { principal, address, resourceName }
    cell = { kind: 'access', ...newCount(place, line.coordinate, line.time.atMs), ...who, resourceType, operation, requests: [], resourceRefCount: 0 }
    dueAt(fold, place.dueMs, began).cells.set(key, cell)
    fold.cells++
  }
  count(cell, line.coordinate, line.time.atMs)
  cell.resourceRefCount += Math.max(0, line.resourceRefCount)
  if (cell.requests.length < 8 && !cell.requests.includes(line.request)) cell.requests.push(line.request)
  return closed
}

/** What is counted of one login. */
export type CountedLogin = Pick<LoginCell, 'succeeded' | 'address' | 'mechanism' | 'reason'> & { readonly coordinate: LogCoordinate; readonly atMs: number }

/**
 * Takes one login. The first failed ones of a minute are events of their own, `alone`; the others are counted, so that an attack cannot fill
 * the log: so many events a minute are the most that a source gives, whoever knocks.
 */
export function foldLogin(
  fold: Fold,
  login: CountedLogin,
  began: Began,
  watermarkMs: number,
  options: FoldOptions
): { readonly alone: boolean; readonly closed: Folded[] } {
  const { succeeded, mechanism, reason, coordinate, atMs } = login
  const place = placeIn(fold, atMs, watermarkMs)
  const known = fold.due.get(place.dueMs)
  if (!succeeded && (known?.logins ?? 0) < options.mostLogins) {
    dueAt(fold, place.dueMs, began).logins++
    return { alone: true, closed: [] }
  }
  const keyOf = (address: string | null): string =>
    ['login', place.late ? place.minuteMs : '', succeeded ? 'done' : reason, mechanism ?? '', address ?? ''].join(separator)
  // Beyond the bound no new address is told apart.
  const told = known?.cells.has(keyOf(login.address)) || (known?.loginCells ?? 0) < options.mostLoginCells
  const address = told ? login.address : null
  const key = keyOf(address)
  const cell = known?.cells.get(key)
  if (cell !== undefined) {
    count(cell, coordinate, atMs)
    return { alone: false, closed: [] }
  }
  if (fold.cells >= options.mostCells) {
    const closed = closeAll(fold, 'full')
    // With all of them closed it is the first of its minute again, as it is for whoever reads on from here after a restart.
    return { ...foldLogin(fold, login, began, watermarkMs, options), closed }
  }
  const due = dueAt(fold, place.dueMs, began)
  const opened: LoginCell = { kind: 'login', ...newCount(place, coordinate, atMs), succeeded, address, mechanism, reason }
  due.cells.set(key, opened)
  due.loginCells++
  fold.cells++
  count(opened, coordinate, atMs)
  return { alone: false, closed: [] }
}

interface Place {
  readonly minuteMs: number
  readonly dueMs: number
  readonly late: boolean
}

function placeIn(fold: Fold, atMs: number, watermarkMs: number): Place {
  const closedMs = Math.max(watermarkMs, fold.floorMs)
  const minuteMs = Math.floor(atMs / minuteLong) * minuteLong
  const late = minuteMs + minuteLong <= closedMs
  return { minuteMs, late, dueMs: late ? (Math.floor(closedMs / minuteLong) + 1) * minuteLong : minuteMs + minuteLong }
}

function newCount({ minuteMs, late }: Place, coordinate: LogCoordinate, atMs: number): Counted {
  return { minuteMs, late, first: coordinate, last: coordinate, lines: 0, firstMs: atMs, lastMs: atMs }
}

function dueAt(fold: Fold, dueMs: number, began: Began): Due {
  const known = fold.due.get(dueMs)
  if (known !== undefined) return known
  const due: Due = { cells: new Map(), began, logins: 0, loginCells: 0 }
  fold.due.set(dueMs, due)
  fold.nextDueMs = Math.min(fold.nextDueMs, dueMs)
  return due
}

function count(cell: Counted, coordinate: LogCoordinate, atMs: number): void {
  cell.lines++
  if (atMs < cell.firstMs) cell.firstMs = atMs
  if (atMs > cell.lastMs) cell.lastMs = atMs
  cell.last = coordinate
}

/** Closes what the source's own watermark has passed. */
export function closeDue(fold: Fold, watermarkMs: number): Folded[] {
  const closedMs = Math.max(watermarkMs, fold.floorMs)
  return fold.nextDueMs > closedMs ? [] : closeWhere(fold, dueMs => (dueMs <= closedMs ? 'due' : 'open'))
}

/** Closes everything, for a source that fell silent. What comes of these minutes later is late up to `floorMs`. */
export function closeSilent(fold: Fold, floorMs: number): Folded[] {
  fold.floorMs = Math.max(fold.floorMs, floorMs)
  return closeWhere(fold, dueMs => (dueMs <= fold.floorMs ? 'due' : 'silent'))
}

/** Closes minutes far ahead of the source's clock: the line that began them came at a time that the next one denied. */
export function closeDenied(fold: Fold, aheadOfMs: number): Folded[] {
  return closeWhere(fold, dueMs => (dueMs - minuteLong > aheadOfMs ? 'clock' : 'open'))
}

function closeAll(fold: Fold, early: 'full'): Folded[] {
  return closeWhere(fold, () => early)
}

/** Where the oldest input that is still open came; null where nothing is. */
export function foldBegan({ due }: Fold): Began | null {
  let first: Began | null = null
  for (const { began } of due.values()) if (first === null || began.index < first.index) first = began
  return first
}

function closeWhere(fold: Fold, verdict: (dueMs: number) => 'due' | 'open' | 'silent' | 'clock' | 'full'): Folded[] {
  const closed: Folded[] = []
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
function foldedOf(sourceId: string, cell: Cell, early: Folded['early']): Folded {
  const { minuteMs, late, first, last, lines, firstMs, lastMs } = cell
  const { eventType, parts } =
    cell.kind === 'access'
      ? { eventType: 'access.folded', parts: [cell.principal, cell.address, cell.resourceType, cell.resourceName, cell.operation] }
      : { eventType: 'authentication.folded', parts: [String(cell.succeeded), cell.address, cell.mechanism, cell.reason] }
  const key = hash('sha256', JSON.stringify(parts.map(part => part?.toWellFormed() ?? null)), 'hex').slice(0, 32)
  const whole = `${sourceId}@${new Date(minuteMs).toISOString()}/${key}`
  const firstCoordinate = coordinateText(first)
  const counted = {
    sourceId,
    coordinate: late || early ? `${whole}/${firstCoordinate}` : whole,
    minuteMs,
    lines,
    firstMs,
    lastMs,
    firstCoordinate,
    lastCoordinate: coordinateText(last),
    early,
    corrects: late ? { eventId: eventIdOf(eventType, whole), coordinate: whole } : null
  }
  if (cell.kind === 'login') {
    const { succeeded, address, mechanism, reason } = cell
    return { kind: 'login', ...counted, succeeded, address, mechanism, reason }
  }
  const { principal, address, resourceType, resourceName, operation, requests, resourceRefCount } = cell
  return { kind: 'access', ...counted, principal, address, resourceType, resourceName, operation, requests: requests.toSorted(), resourceRefCount }
}
