import type { Claim } from './claim.ts'
import type { Attribution } from './events/attribution.ts'
import type { Began } from './fold.ts'
import { keysOfChange, keysOfClaim, KeyedSets } from './join-keys.ts'
import { judge, rankOf } from './matching.ts'
import type { OpenChange } from './open-change.ts'
import { type ClockOptions, type Joint, type SourceClock, watermarkOf } from './watermark.ts'

export interface JoinOptions {
  /** A line is looked for this long before and after a change, milliseconds of source time. */
  readonly windowMs: number
  /** Clocks of brokers and controllers differ by at most so much. */
  readonly skewMs: number
  /** The time between two scans, where changes are seen by scans; else 0. */
  readonly longestChangeMs: number
  readonly mostChanges: number
  readonly mostClaims: number
  /** So long after a change that nobody is known to have made a line about it is still taken, by the clock of the line's source. */
  readonly rememberMs: number
  readonly mostRemembered: number
}

interface HeldClaim {
  readonly claim: Claim
  readonly sourceId: string
  readonly began: Began
  /** It is as old as its source's watermark was: whether it is still in time would depend on the other sources. */
  readonly late: boolean
  /** How far its source had come with it. */
  readonly arrivedMs: number
}

/** A change that nobody is known to have made. */
interface Unattributed {
  readonly change: OpenChange
  /** When it is judged once more, in source time; null while no line says anything of it. */
  dueMs: number | null
}

/** Changes and lines that wait for each other. */
export interface Join {
  /** By coordinate. */
  readonly changes: Map<string, OpenChange>
  /** By what they may have changed. */
  readonly claims: KeyedSets<HeldClaim>
  /** By source, in the order in which they came. */
  readonly held: Map<string, Set<HeldClaim>>
  heldCount: number
  /** Changes that nobody is known to have made, by coordinate, and by the same keys as claims. */
  readonly unattributed: Map<string, Unattributed>
  readonly unattributedKeys: KeyedSets<Unattributed>
  /** Those of them that a line says something of. */
  readonly hoped: Set<Unattributed>
  newestUnattributedMs: number
  /** The newest time of a claim that was forgotten because there were too many. */
  forgottenMs: number
  purgedMs: number
}

export function newJoin(changes: Iterable<OpenChange>, forgottenMs = Number.NEGATIVE_INFINITY): Join {
  const all = [...changes]
  const join: Join = {
    changes: new Map(all.flatMap(change => (change.unattributed ? [] : [[change.coordinate, change]]))),
    claims: new KeyedSets(),
    held: new Map(),
    heldCount: 0,
    unattributed: new Map(),
    unattributedKeys: new KeyedSets(),
    hoped: new Set(),
    newestUnattributedMs: Number.NEGATIVE_INFINITY,
    forgottenMs,
    purgedMs: Number.NEGATIVE_INFINITY
  }
  for (const change of all) if (change.unattributed) addUnattributed(join, { change, dueMs: null })
  return join
}

/** Takes a line into account. `ownWatermarkMs` is its source's before it, `arrivedMs` how far the source's clock has come with it. */
export function holdClaim(join: Join, claim: Claim, from: Omit<HeldClaim, 'claim' | 'late'>, ownWatermarkMs: number, options: JoinOptions): void {
  const { sourceId } = from
  const held: HeldClaim = { claim, ...from, late: claim.atMs <= ownWatermarkMs }
  const ofSource = join.held.get(sourceId) ?? new Set()
  join.held.set(sourceId, ofSource.add(held))
  join.heldCount++
  join.claims.add(keysOfClaim(claim), held)
  tellLate(join, held, options)
  if (join.heldCount <= options.mostClaims) return
  const [oldest] = ofSource
  join.forgottenMs = Math.max(join.forgottenMs, oldest!.claim.orMs ?? oldest!.claim.atMs)
  forget(join, oldest!)
}

/** A line whose time the next one of its source denied. */
export function forgetDenied(join: Join, sourceId: string, aheadOfMs: number): void {
  for (const held of join.held.get(sourceId) ?? []) if (held.claim.atMs > aheadOfMs) forget(join, held)
}

/** Takes a change that was written. Says which other had to be judged to make room. */
export function holdChange(join: Join, change: OpenChange, { mostChanges }: JoinOptions): OpenChange | null {
  join.changes.set(change.coordinate, change)
  return join.changes.size <= mostChanges ? null : oldestOf(join.changes.values())
}

/** What was judged. `unattributed` are changes that are remembered from here on, `forgotten` the coordinates of those that are no more. */
export interface Judged {
  readonly attributions: readonly Attribution[]
  readonly unattributed: readonly OpenChange[]
  readonly forgotten: readonly string[]
}

/** Judges all changes whose time has come, and forgets the lines that no change to come can be about. */
export function judgeDue(join: Join, clocks: ReadonlyMap<string, SourceClock>, joint: Joint, options: JoinOptions & ClockOptions): Judged {
  const due = [...join.changes.values()].filter(change => dueOf(change, options) <= joint.watermarkMs).sort(compareChanges)
  const first = due.map(change => judgeChange(join, change, clocks, options, false))
  const late = [...join.hoped]
    .filter(({ dueMs }) => dueMs! <= joint.watermarkMs)
    .sort((one, other) => compareChanges(one.change, other.change))
    .map(each => judgeAgain(join, each, clocks, options))
  const forgotten = [...first.flatMap(each => each.forgotten), ...late.map(({ change }) => change.coordinate)]
  const { windowMs, skewMs, longestChangeMs } = options
  const throughMs = joint.watermarkMs - 2 * (windowMs + skewMs) - longestChangeMs
  // Looking through all of them is for now and then.
  if (throughMs > join.purgedMs + windowMs / 4) {
    join.purgedMs = throughMs
    for (const ofSource of join.held.values()) for (const held of ofSource) if (neededUntil(held) < throughMs) forget(join, held)
    for (const each of join.unattributed.values()) {
      if (each.dueMs !== null || each.change.timestampMs + options.rememberMs > joint.watermarkMs) continue
      forgetUnattributed(join, each)
      forgotten.push(each.change.coordinate)
    }
  }
  const gone = new Set(forgotten)
  return {
    attributions: [...first.flatMap(each => each.attributions), ...late],
    unattributed: first.flatMap(each => each.unattributed).filter(({ coordinate }) => !gone.has(coordinate)),
    forgotten
  }
}

/** Judges a change by the lines that came in time. */
export function judgeChange(
  join: Join,
  change: OpenChange,
  clocks: ReadonlyMap<string, SourceClock>,
  options: JoinOptions & ClockOptions,
  early: boolean
): Judged {
  join.changes.delete(change.coordinate)
  const inTime = heldAbout(join, change).filter(({ late }) => !late)
  const judgement = judge(
    inTime.map(({ claim }) => claim),
    change,
    options
  )
  const attribution = { ...attributionOf(join, change, clocks, options, dueOf(change, options)), judgement, early, toldLate: null }
  // Of one that came late itself no line is taken: those in time may be forgotten.
  if (judgement.certainty !== 'none' || change.late || options.rememberMs === 0)
    return { attributions: [attribution], unattributed: [], forgotten: [change.coordinate] }
  const remembered = { ...change, unattributed: true } as const
  return { attributions: [attribution], unattributed: [remembered], forgotten: rememberUnattributed(join, remembered, options) }
}

function attributionOf(
  join: Join,
  change: OpenChange,
  clocks: ReadonlyMap<string, SourceClock>,
  options: JoinOptions & ClockOptions,
  decidedForMs: number
): Pick<Attribution, 'change' | 'decidedForMs' | 'watermarks' | 'forgotten'> {
  const reachMs = change.earliestMs - options.windowMs - options.skewMs
  const watermarks = [...clocks]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([id, clock]) => [id, atMost(watermarkOf(clock, options), decidedForMs)] as const)
  return { change, decidedForMs, watermarks: Object.fromEntries(watermarks), forgotten: join.forgottenMs >= reachMs }
}

/** Judges a change that nobody was known to have made by all lines that came until now, in the time of their own sources. */
function judgeAgain(join: Join, { change, dueMs }: Unattributed, clocks: ReadonlyMap<string, SourceClock>, options: JoinOptions & ClockOptions): Attribution {
  const taken = heldAbout(join, change).filter(held => held.arrivedMs <= dueMs! && isTaken(held, change, options))
  forgetUnattributed(join, join.unattributed.get(change.coordinate)!)
  const fitting = taken.filter(({ claim }) => rankOf(claim, change, options) > 0)
  const [{ arrivedMs, claim }] = fitting.sort((one, other) => one.arrivedMs - other.arrivedMs || (one.claim.coordinate < other.claim.coordinate ? -1 : 1)) as [
    HeldClaim
  ]
  const judgement = judge(
    taken.map(held => held.claim),
    change,
    options
  )
  return { ...attributionOf(join, change, clocks, options, dueMs!), judgement, early: false, toldLate: { byMs: Math.max(0, arrivedMs - claim.atMs) } }
}

function heldAbout(join: Join, change: OpenChange): HeldClaim[] {
  return [...join.claims.of(keysOfChange(change))]
}

/** Remembers a change for lines that come late, and those that did. Says which others had to be forgotten to make room. */
function rememberUnattributed(join: Join, change: OpenChange, options: JoinOptions): string[] {
  const remembered: Unattributed = { change, dueMs: null }
  addUnattributed(join, remembered)
  for (const held of heldAbout(join, change)) hope(join, remembered, held, options)
  if (join.unattributed.size <= options.mostRemembered) return []
  const { coordinate } = oldestOf(join.unattributed.values().map(each => each.change))
  forgetUnattributed(join, join.unattributed.get(coordinate)!)
  return [coordinate]
}

/** Changes that this line says something of are judged again, when every source has come as far as it would for a line in time. */
function tellLate(join: Join, held: HeldClaim, options: JoinOptions): void {
  const { claim } = held
  if (claim.atMs - claim.beforeMs - options.skewMs > join.newestUnattributedMs) return
  for (const each of join.unattributedKeys.of(keysOfClaim(claim))) hope(join, each, held, options)
}

function hope(join: Join, each: Unattributed, held: HeldClaim, options: JoinOptions): void {
  const { change, dueMs } = each
  if (!isTaken(held, change, options) || rankOf(held.claim, change, options) === 0) return
  const mayMs = Math.max(dueOf(change, options), held.arrivedMs + options.windowMs + options.skewMs)
  each.dueMs = dueMs === null ? mayMs : Math.min(dueMs, mayMs)
  join.hoped.add(each)
}

/** A function of the line's own source and the change, so that the order in which sources are read decides nothing. */
function isTaken({ arrivedMs }: HeldClaim, { timestampMs }: OpenChange, { rememberMs }: JoinOptions): boolean {
  return arrivedMs <= timestampMs + rememberMs
}

function addUnattributed(join: Join, each: Unattributed): void {
  join.unattributed.set(each.change.coordinate, each)
  join.newestUnattributedMs = Math.max(join.newestUnattributedMs, each.change.timestampMs)
  join.unattributedKeys.add(keysOfChange(each.change), each)
}

function forgetUnattributed(join: Join, each: Unattributed): void {
  join.unattributed.delete(each.change.coordinate)
  join.hoped.delete(each)
  join.unattributedKeys.delete(keysOfChange(each.change), each)
}

/** The oldest line of a source that is still needed; null where none is. */
export function joinBegan(join: Join, sourceId: string): Began | null {
  for (const { began } of join.held.get(sourceId) ?? []) return began
  return null
}

/** How far a source had come beyond that moment depends on when one looks. */
function atMost(watermarkMs: number, boundMs: number): number | null {
  return watermarkMs === Number.NEGATIVE_INFINITY ? null : Math.min(watermarkMs, boundMs)
}

function dueOf({ timestampMs }: OpenChange, { windowMs, skewMs }: JoinOptions): number {
  return timestampMs + windowMs + skewMs
}

/** A line that came late is needed as long as one would be that came in time when it did. */
function neededUntil({ claim, late, arrivedMs }: HeldClaim): number {
  return late ? arrivedMs : (claim.orMs ?? claim.atMs)
}

function forget(join: Join, held: HeldClaim): void {
  if (!join.held.get(held.sourceId)?.delete(held)) return
  join.heldCount--
  join.claims.delete(keysOfClaim(held.claim), held)
}

function oldestOf(changes: Iterable<OpenChange>): OpenChange {
  let oldest: OpenChange | null = null
  for (const each of changes) if (oldest === null || compareChanges(each, oldest) < 0) oldest = each
  return oldest!
}

function compareChanges(one: OpenChange, other: OpenChange): number {
  return one.timestampMs - other.timestampMs || (one.coordinate < other.coordinate ? -1 : one.coordinate > other.coordinate ? 1 : 0)
}
