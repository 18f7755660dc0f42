import type { JsonValue } from '../domain/json.ts'
import type { ChangeKind } from '../kafka/metadata-log/decode/describe.ts'
import { askedFor, type Claim, claimOfAccess, claimOfJournal, claimOfRequest } from './claim.ts'
import type { AuditEvent } from './event.ts'
import { attributionEvent } from './events/attribution.ts'
import { changeEvent } from './events/change.ts'
import { journalEvent } from './events/journal.ts'
import { routineEvent, unknownRecordEvent } from './events/metadata.ts'
import type { Exclusion, LeftOut } from './exclusion.ts'
import { type Began, closeDenied, closeDue, closeSilent, type Fold, foldBegan, type Folded, newFold } from './fold.ts'
import { type ChangeInput, type Input, type LineInput, timeOf } from './inputs.ts'
import { forgetDenied, holdChange, holdClaim, type Join, joinBegan, type JoinOptions, judgeChange, judgeDue, newJoin } from './join.ts'
import { countedEvent, lineRead, type LineOptions } from './mirror-lines.ts'
import { type OpenChange, openChange } from './open-change.ts'
import { advance, type ClockOptions, jointOf, type Joint, type SourceClock, unset, watermarkOf } from './watermark.ts'

export interface MirrorOptions extends LineOptions, JoinOptions, ClockOptions {
  /** A source that is further behind the furthest is not waited for. */
  readonly giveUpMs: number
  /** Reeve's own principal, for what its journal says it did; null where nobody knows. */
  readonly ownPrincipal: string | null
  /** Whether a source tells of no change, so that nobody who looks for one waits for it: a quiet log of logins must not hold up the others. */
  readonly isBystander: (sourceId: string) => boolean
}

/** Where a source must be read again from after a restart, and what was known there. JSON, the `resume` of a trailer. */
export interface Resume {
  /** Null: where it was read to. */
  readonly at: JsonValue
  /** Inputs from there on whose accesses are in events already. */
  readonly foldAfter: number
  readonly newestMs: number | null
  readonly doubtedMs: number | null
  readonly floorMs: number | null
}

/** What outlives the process beside the open changes and where the sources are read from. JSON. */
export interface Kept {
  /** The first moment that any source told of. */
  readonly startedMs: number | null
  readonly forgottenMs: number | null
  readonly excluded: { readonly [principal: string]: LeftOut }
}

interface Source {
  readonly fold: Fold
  /** Inputs since this process reads it. */
  count: number
  readonly foldFrom: number
  readonly resume: Resume | null
  replaying: boolean
  /** False while it cannot be read again. */
  readable: boolean
}

/** The state between inputs and events. */
export interface Mirror {
  readonly options: MirrorOptions
  readonly sources: Map<string, Source>
  readonly clocks: Map<string, SourceClock>
  readonly join: Join
  readonly exclusion: Exclusion
  startedMs: number | null
}

/** What became of an input. `opened` and `settled` change the table of changes to be attributed, in the transaction of the events, in this order. */
export interface Made {
  readonly events: readonly AuditEvent[]
  readonly opened: readonly OpenChange[]
  /** Coordinates of changes of which nothing more is to come. */
  readonly settled: readonly string[]
}

const nothing: Made = { events: [], opened: [], settled: [] }

/** All sources that will be read must be named: one that says nothing is waited for until it is given up. */
export function newMirror(
  options: MirrorOptions,
  sourceIds: readonly string[],
  saved: { readonly kept?: Kept | null; readonly changes?: Iterable<OpenChange>; readonly resume?: Readonly<Record<string, Resume>> } = {}
): Mirror {
  const { kept: before = null, changes = [], resume = {} } = saved
  const sources = new Map<string, Source>()
  const clocks = new Map<string, SourceClock>()
  for (const sourceId of sourceIds) {
    const from = resume[sourceId] ?? null
    sources.set(sourceId, {
      fold: newFold(sourceId, from?.floorMs ?? Number.NEGATIVE_INFINITY),
      count: 0,
      foldFrom: from?.foldAfter ?? 0,
      resume: from,
      replaying: from !== null && from.at !== null,
      readable: true
    })
    clocks.set(sourceId, from === null ? unset : { newestMs: from.newestMs, doubtedMs: from.doubtedMs })
  }
  const join = newJoin(changes, before?.forgottenMs ?? Number.NEGATIVE_INFINITY)
  return { options, sources, clocks, join, exclusion: new Map(Object.entries(before?.excluded ?? {})), startedMs: before?.startedMs ?? null }
}

/**
 * Takes one input. With `replay` it was taken before, by a process that ended: what it says is taken into account again, and nothing is
 * written again. Throws on an input of a source that was not named.
 */
export function step(mirror: Mirror, input: Input, { replay }: { readonly replay: boolean }): Made {
  const { options, clocks } = mirror
  const source = mirror.sources.get(input.sourceId)
  const before = clocks.get(input.sourceId)
  if (source === undefined || before === undefined) throw new Error(`an input of ${input.sourceId}: expected one of ${[...mirror.sources.keys()].join(', ')}`)
  source.readable = true
  const began: Began = { index: source.count++, position: input.position, clock: before }
  const folded: Folded[] = []
  const timeMs = timeOf(input)
  let clock = before
  if (timeMs !== null) {
    mirror.startedMs ??= timeMs
    clock = advance(before, timeMs, options)
    if (clock !== before) clocks.set(input.sourceId, clock)
    if (before.doubtedMs !== null && clock.newestMs !== null && clock.doubtedMs !== before.doubtedMs && clock.newestMs < before.doubtedMs) {
      const aheadOfMs = clock.newestMs + options.jumpMs
      folded.push(...closeDenied(source.fold, aheadOfMs))
      forgetDenied(mirror.join, input.sourceId, aheadOfMs)
    }
  }
  const watermarkMs = watermarkOf(clock, options)
  const made = input.kind === 'change' ? changed(mirror, input, watermarkOf(before, options), replay) : nothing
  const event =
    input.kind === 'line'
      ? lineRead({ fold: source.fold, foldFrom: source.foldFrom, exclusion: mirror.exclusion, options }, input, { began, watermarkMs, replay }, folded)
      : input.kind === 'change' || replay
        ? null
        : told(options, input)
  const claim = claimOf(input, options)
  if (claim !== null) {
    const arrivedMs = clock.newestMs ?? claim.atMs
    holdClaim(mirror.join, claim, { sourceId: input.sourceId, began, arrivedMs }, watermarkOf(before, options), options)
  }
  if (source.fold.nextDueMs <= watermarkMs) folded.push(...closeDue(source.fold, watermarkMs))
  if (replay || (event === null && folded.length === 0)) return made
  return { ...made, events: [...made.events, ...(event === null ? [] : [event]), ...folded.map(each => countedEvent(options.setting, each))] }
}

/** Says that a source was read again up to where it had been read: from here on its inputs are new. */
export function endReplay(mirror: Mirror, sourceId: string): void {
  const source = mirror.sources.get(sourceId)
  if (source) source.replaying = false
}

/** Says that a source that is to be read again cannot be read for now: it is given up as any other, until it brings something. */
export function suspendReplay(mirror: Mirror, sourceId: string): void {
  const source = mirror.sources.get(sourceId)
  if (source) source.readable = false
}

/** Writes what the passing of time makes certain. For now and then: after each batch of inputs is often enough. */
export function close(mirror: Mirror): Made & { readonly joint: Joint } {
  const { options, clocks, join, sources } = mirror
  // One that is read again lags behind the others only because it is read again.
  const waitedFor = new Set([...sources].filter(([, source]) => source.replaying && source.readable).map(([sourceId]) => sourceId))
  const joint = jointOf(clocks, options, mirror.startedMs, waitedFor, options.isBystander)
  const { attributions, unattributed, forgotten } = judgeDue(join, witnesses(mirror), joint, options)
  const folded = joint.silent.flatMap(({ sourceId }) => {
    const source = sources.get(sourceId)
    return source === undefined || source.replaying || source.fold.due.size === 0 ? [] : closeSilent(source.fold, joint.furthestMs - options.giveUpMs)
  })
  return {
    events: [...attributions.map(each => attributionEvent(options.setting, each)), ...folded.map(each => countedEvent(options.setting, each))],
    opened: unattributed,
    settled: forgotten,
    joint
  }
}

/** The sources that are waited for. How far another had come depends on when one looks. */
function witnesses({ clocks, options }: Mirror): ReadonlyMap<string, SourceClock> {
  return new Map([...clocks].filter(([sourceId]) => !options.isBystander(sourceId)))
}

/** Where a source must be read again from, were this the end of the process. */
export function lowWater(mirror: Mirror, sourceId: string): Resume {
  const source = mirror.sources.get(sourceId)
  const now = mirror.clocks.get(sourceId)
  if (source === undefined || now === undefined) throw new Error(`the source ${sourceId}: expected one of ${[...mirror.sources.keys()].join(', ')}`)
  if (source.replaying && source.resume !== null) return source.resume
  const { fold, count } = source
  const foldAt = foldBegan(fold)
  const claimAt = joinBegan(mirror.join, sourceId)
  const first = foldAt === null ? claimAt : claimAt === null || foldAt.index < claimAt.index ? foldAt : claimAt
  const floorMs = fold.floorMs === Number.NEGATIVE_INFINITY ? null : fold.floorMs
  if (first === null) return { at: null, foldAfter: 0, ...now, floorMs }
  return { at: first.position, foldAfter: (foldAt?.index ?? count) - first.index, ...first.clock, floorMs }
}

/** What is to be kept with the next events. */
export function kept({ startedMs, join, exclusion }: Mirror): Kept {
  return { startedMs, forgottenMs: join.forgottenMs === Number.NEGATIVE_INFINITY ? null : join.forgottenMs, excluded: Object.fromEntries(exclusion) }
}

function changed(mirror: Mirror, input: ChangeInput, watermarkMs: number, replay: boolean): Made {
  const { options, join } = mirror
  const { kind } = input.change
  if (replay) return nothing
  if (kind === 'unknown-record') {
    const { coordinate, timestampMs, sourceId, position, change } = input
    return { ...nothing, events: [unknownRecordEvent(options.setting, { kind, sourceId, position, coordinate, timestampMs, record: change.after })] }
  }
  const event = changeEvent(options.setting, { ...input, change: { ...input.change, kind: kind satisfies Exclude<ChangeKind, 'unknown-record'> } })
  if (!askedFor.has(kind)) return { ...nothing, events: [event] }
  const change = openChange(input, event, input.timestampMs < watermarkMs - options.windowMs - options.skewMs)
  const pushedOut = holdChange(join, change, options)
  if (pushedOut === null) return { events: [event], opened: [change], settled: [] }
  const { attributions, unattributed, forgotten } = judgeChange(join, pushedOut, witnesses(mirror), options, true)
  return { events: [event, ...attributions.map(each => attributionEvent(options.setting, each))], opened: [change, ...unattributed], settled: forgotten }
}

function told({ setting, ownPrincipal }: MirrorOptions, input: Exclude<Input, ChangeInput | LineInput>): AuditEvent | null {
  switch (input.kind) {
    case 'unknown-record':
      return unknownRecordEvent(setting, input)
    case 'routine':
      return routineEvent(setting, input)
    case 'journal':
      return journalEvent(setting, input, ownPrincipal)
    default:
      return null
  }
}

function claimOf(input: Input, { windowMs, ownPrincipal }: MirrorOptions): Claim | null {
  if (input.kind === 'journal') return claimOfJournal(input, ownPrincipal, windowMs)
  if (input.kind !== 'line') return null
  if (input.line.kind === 'authorizer') return claimOfAccess(input.line, windowMs)
  return input.line.kind === 'request' ? claimOfRequest(input.line, windowMs) : null
}
