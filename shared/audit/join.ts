import type { Claim } from './claim.ts'
import type { Attribution } from './events/attribution.ts'
import type { Began } from './fold.ts'
import { judge } from './matching.ts'
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
}

interface HeldClaim {
  readonly claim: Claim
  readonly sourceId: string
  readonly began: Began
}

/** Changes and lines that wait for each other. */
export interface Join {
  /** By coordinate. */
  readonly changes: Map<string, OpenChange>
  /** By what they may have changed: `type name`, `type` alone where they name nothing, `kind` for rights on the cluster. */
  readonly claims: Map<string, Set<HeldClaim>>
  /** By source, in the order in which they came. */
  readonly held: Map<string, Set<HeldClaim>>
  heldCount: number
  /** The newest time of a claim that was forgotten because there were too many. */
  forgottenMs: number
  purgedMs: number
}

export function newJoin(changes: Iterable<OpenChange>, forgottenMs = Number.NEGATIVE_INFINITY): Join {
  return {
    changes: new Map([...changes].map(change => [change.coordinate, change])),
    claims: new Map(),
    held: new Map(),
    heldCount: 0,
    forgottenMs,
    purgedMs: Number.NEGATIVE_INFINITY
  }
}

/** Takes a line into account. One that is as old as its source's watermark came too late: whether it is still in time would depend on others. */
export function holdClaim(join: Join, claim: Claim, sourceId: string, began: Began, ownWatermarkMs: number, { mostClaims }: JoinOptions): void {
  if (claim.atMs <= ownWatermarkMs) return
  const held: HeldClaim = { claim, sourceId, began }
  const ofSource = join.held.get(sourceId) ?? new Set()
  join.held.set(sourceId, ofSource.add(held))
  join.heldCount++
  for (const key of keysOfClaim(claim)) {
    const claims = join.claims.get(key)
    if (claims) claims.add(held)
    else join.claims.set(key, new Set([held]))
  }
  if (join.heldCount <= mostClaims) return
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
  if (join.changes.size <= mostChanges) return null
  let oldest = change
  for (const each of join.changes.values()) if (compareChanges(each, oldest) < 0) oldest = each
  return oldest
}

/** Judges all changes whose time has come, and forgets the lines that no change to come can be about. */
export function judgeDue(join: Join, clocks: ReadonlyMap<string, SourceClock>, joint: Joint, options: JoinOptions & ClockOptions): Attribution[] {
  const due = [...join.changes.values()].filter(change => dueOf(change, options) <= joint.watermarkMs).sort(compareChanges)
  const judged = due.map(change => judgeChange(join, change, clocks, options, false))
  const { windowMs, skewMs, longestChangeMs } = options
  const throughMs = joint.watermarkMs - 2 * (windowMs + skewMs) - longestChangeMs
  // Looking through all of them is for now and then.
  if (throughMs > join.purgedMs + windowMs / 4) {
    join.purgedMs = throughMs
    for (const ofSource of join.held.values()) for (const held of ofSource) if ((held.claim.orMs ?? held.claim.atMs) < throughMs) forget(join, held)
  }
  return judged
}

/** Judges a change by what there is now. */
export function judgeChange(
  join: Join,
  change: OpenChange,
  clocks: ReadonlyMap<string, SourceClock>,
  options: JoinOptions & ClockOptions,
  early: boolean
): Attribution {
  join.changes.delete(change.coordinate)
  const claims = new Set<Claim>()
  for (const key of keysOfChange(change)) for (const { claim } of join.claims.get(key) ?? []) claims.add(claim)
  const decidedForMs = dueOf(change, options)
  const reachMs = change.earliestMs - options.windowMs - options.skewMs
  return {
    change,
    judgement: judge(claims, change, options),
    decidedForMs,
    watermarks: Object.fromEntries(
      [...clocks].sort(([one], [other]) => (one < other ? -1 : 1)).map(([id, clock]) => [id, atMost(watermarkOf(clock, options), decidedForMs)])
    ),
    early,
    forgotten: join.forgottenMs >= reachMs
  }
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

function forget(join: Join, held: HeldClaim): void {
  if (!join.held.get(held.sourceId)?.delete(held)) return
  join.heldCount--
  for (const key of keysOfClaim(held.claim)) {
    const claims = join.claims.get(key)
    claims?.delete(held)
    if (claims?.size === 0) join.claims.delete(key)
  }
}

function keysOfClaim({ changes }: Claim): Set<string> {
  const keys = new Set<string>()
  for (const { resourceType, name, id, kinds } of changes) {
    if (resourceType === null) for (const kind of kinds) keys.add(`kind ${kind}`)
    else if (id !== null) keys.add(`id ${id}`)
    if (resourceType !== null) keys.add(name === null ? resourceType : `${resourceType} ${name}`)
  }
  return keys
}

function keysOfChange({ kind, resourceType, name, id }: OpenChange): string[] {
  return [`kind ${kind}`, resourceType, ...(name === null ? [] : [`${resourceType} ${name}`]), ...(id === null ? [] : [`id ${id}`])]
}

function compareChanges(one: OpenChange, other: OpenChange): number {
  return one.timestampMs - other.timestampMs || (one.coordinate < other.coordinate ? -1 : one.coordinate > other.coordinate ? 1 : 0)
}
