import type { Circumstances } from '#shared/audit/checkpoint-entry.ts'
import type { AuditEvent } from '#shared/audit/event.ts'
import { excludedEvent, driftedEvent, gapEvent } from '#shared/audit/events/mirror.ts'
import { takeExcluded } from '#shared/audit/exclusion.ts'
import {
  close,
  endReplay,
  type Kept,
  kept,
  lowWater,
  type Made as MirrorMade,
  type Mirror,
  type MirrorOptions,
  newMirror,
  type Resume,
  step
} from '#shared/audit/mirror.ts'
import type { OpenChange } from '#shared/audit/open-change.ts'
import type { SourcePositions } from '#shared/audit/trailer.ts'
import { silentOf } from '#shared/audit/watermark.ts'
import { matchesGlob } from '#shared/domain/glob.ts'
import { type JsonValue, sameJson } from '#shared/domain/json.ts'
import type { Made, Remembered, Transform } from '#shared/engine/stream.ts'
import { type MirrorInput, standingKey, standingOf } from './feeds/feed.ts'
import { countsOf, possibleCounts, readingsOf } from './measures.ts'
import { openNotices } from './notices.ts'
import type { Policy } from './policy.ts'
import { sourceOfEvent, sourceOfInput } from './routing.ts'

/** What one step gives to the log: events, where the sources stand behind them, and what the next checkpoint says. */
export interface MirrorOutput {
  readonly events: readonly AuditEvent[]
  /** Whose each of them is; null: nobody's. */
  readonly eventSources: readonly (string | null)[]
  readonly positions: SourcePositions
  readonly closedThroughMs: number | null
  readonly circumstances: Circumstances
}

/** Allowed operations of which there are many, and that change nothing: they are counted. */
const unremarkable = new Set(['DESCRIBE', 'DESCRIBE_CONFIGS', 'CLUSTER_ACTION', 'IDEMPOTENT_WRITE'])

const keptKey = 'kept'
const changePrefix = 'change/'

/** Inputs become events: pure. What is remembered is the table of open changes, where each source stands, and what was kept. */
export function transform(
  { clusterId, sourceIds }: { readonly clusterId: string; readonly sourceIds: readonly string[] },
  policy: Policy,
  remembered: Remembered
): Transform<MirrorInput, MirrorOutput> {
  const options = mirrorOptions(clusterId, policy)
  const mirror = newMirror(options, sourceIds, saved(sourceIds, remembered))
  const through = new Map(sourceIds.flatMap(id => [[id, standingOf(remembered, id)?.through ?? null] as const]))
  const untold = new WeakSet<AuditEvent>()
  const told = openNotices(remembered)
  let powers: JsonValue = { unknown: 'not looked at yet' }
  let findings: number | null = null
  let isFirst = true
  let keptBefore: JsonValue = asJson(kept(mirror))

  function eventsOf(input: MirrorInput, memory: Map<string, JsonValue | null>): readonly AuditEvent[] {
    const { setting } = options
    switch (input.kind) {
      case 'brought': {
        // What is read again moves nothing back: who goes on after a crash in the middle of it would write the same twice.
        if (!input.replay) through.set(input.input.sourceId, input.through)
        return taken(step(mirror, input.input, { replay: input.replay }), memory)
      }
      case 'replayed':
        endReplay(mirror, input.sourceId)
        return []
      case 'gap': {
        const event = gapEvent(setting, input)
        if (input.through !== undefined) through.set(input.sourceId, input.through)
        if (input.begins) untold.add(event)
        return [event]
      }
      case 'memory':
        for (const [key, value] of input.memory) memory.set(key, value)
        return []
      case 'guard':
        powers = input.powers
        findings = input.findings
        return input.drift === null ? [] : [driftedEvent(setting, { ...input.drift, timestampMs: input.timestampMs })]
      default:
        return [excludedEvent(setting, { ...input, reason: 'as the configuration says' })]
    }
  }

  return {
    step(inputs): Made<MirrorOutput> {
      const memory = new Map<string, JsonValue | null>()
      const made = inputs.map(input => ({ events: eventsOf(input, memory), source: sourceOfInput(input) }))
      const { joint, ...closed } = close(mirror)
      const last = taken(closed, memory)
      const events = [...made.flatMap(each => each.events), ...last]
      const eventSources = [...made.flatMap(each => each.events.map(() => each.source)), ...last.map(sourceOfEvent)]
      const touched = new Set(inputs.flatMap(input => (input.kind === 'brought' ? [input.input.sourceId] : input.kind === 'replayed' ? [input.sourceId] : [])))
      // Where one must be read again from moves by what the others say, too.
      const positions = Object.fromEntries((events.length > 0 ? sourceIds : [...touched]).map(id => [id, standing(mirror, id, through)]))
      for (const [id, position] of Object.entries(positions)) memory.set(standingKey(id), asJson(position))
      const keptNow = asJson(kept(mirror))
      if (!sameJson(keptNow, keptBefore)) memory.set(keptKey, keptNow)
      keptBefore = keptNow
      const counts = countsOf(inputs, events)
      const facts = { counts: isFirst ? [...possibleCounts(sourceIds), ...counts] : counts, readings: readingsOf(mirror.clocks, findings) }
      isFirst = false
      if (events.length === 0) return { outputs: [], remember: memory, facts }
      // A copy is counted: what was left out is said as a sum since the beginning, which no crash can make wrong.
      const circumstances = { powers, excluded: takeExcluded(new Map(mirror.exclusion), policy.exclude), silent: silentOf(joint) }
      const { notices, memory: toldMemory } = told.of(events.filter(event => !untold.has(event)))
      for (const [key, value] of toldMemory) memory.set(key, value)
      const closedThroughMs = Number.isFinite(joint.watermarkMs) ? joint.watermarkMs : null
      return {
        outputs: [{ events, eventSources, positions, closedThroughMs, circumstances }],
        remember: memory,
        facts,
        notices
      }
    }
  }
}

function taken({ events, opened, settled }: MirrorMade, memory: Map<string, JsonValue | null>): readonly AuditEvent[] {
  for (const change of opened) memory.set(`${changePrefix}${change.coordinate}`, asJson(change))
  for (const coordinate of settled) memory.set(`${changePrefix}${coordinate}`, null)
  return events
}

function standing(mirror: Mirror, id: string, through: ReadonlyMap<string, JsonValue>): SourcePositions[string] {
  return { through: through.get(id) ?? null, resume: asJson(lowWater(mirror, id)) }
}

function saved(sourceIds: readonly string[], remembered: Remembered): NonNullable<Parameters<typeof newMirror>[2]> {
  const changes = [...remembered].flatMap(([key, value]) => (key.startsWith(changePrefix) ? [value as unknown as OpenChange] : []))
  const resume = sourceIds.flatMap(id => {
    const before = standingOf(remembered, id)
    return before === null ? [] : [[id, before.resume as unknown as Resume] as const]
  })
  return { kept: (remembered.get(keptKey) as unknown as Kept | undefined) ?? null, changes, resume: Object.fromEntries(resume) }
}

function mirrorOptions(clusterId: string, policy: Policy): MirrorOptions {
  const { topic, environment, regions, window, skew, lateness, giveUp, scanEvery, metadata, exclude, each, principal, remember, logs } = policy
  const logins = logs.filter(({ content }) => content === 'server').map(({ id }) => id)
  const isOneOf = (globs: readonly string[], name: string): boolean => globs.some(glob => matchesGlob(glob, name))
  return {
    setting: { clusterId, environment, logName: topic, regionOf: address => regions.find(({ addresses }) => isOneOf(addresses, address))?.region ?? null },
    windowMs: window,
    skewMs: skew,
    latenessMs: lateness,
    // A line that is an hour ahead of the one before it is believed when the next one agrees.
    jumpMs: 3_600_000,
    giveUpMs: giveUp,
    longestChangeMs: metadata === undefined ? scanEvery : 0,
    mostChanges: 10_000,
    mostClaims: 100_000,
    rememberMs: remember,
    mostRemembered: 5_000,
    mostCells: 50_000,
    mostLogins: 20,
    mostLoginCells: 100,
    ownPrincipal: principal,
    modeOf({ resourceType, resourceName, operation }) {
      if (operation !== 'READ' && operation !== 'WRITE') return unremarkable.has(operation) ? 'count' : 'each'
      return resourceType === 'Topic' && isOneOf(each, resourceName) ? 'each' : 'fold'
    },
    isExcluded: name => isOneOf(exclude, name),
    isBystander: sourceId => logins.some(id => sourceId === id || sourceId.startsWith(`${id}/`))
  }
}

const asJson = (value: object): JsonValue => value as JsonValue
