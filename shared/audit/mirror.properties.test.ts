import fc from 'fast-check'
import { expect, test } from 'vitest'
import { access, change, login, noon, request, setting } from '#test/support/audit-inputs.ts'
import type { AuditEvent } from './event.ts'
import { takeExcluded } from './exclusion.ts'
import type { Input } from './inputs.ts'
import { close, endReplay, type Kept, kept, lowWater, type Made, type MirrorOptions, newMirror, type Resume, step } from './mirror.ts'
import type { OpenChange } from './open-change.ts'

const options: MirrorOptions = {
  setting,
  mostCells: 3,
  mostLogins: 1,
  mostLoginCells: 1,
  windowMs: 20_000,
  skewMs: 1_000,
  longestChangeMs: 0,
  mostChanges: 1_000,
  mostClaims: 1_000,
  rememberMs: 86_400_000,
  mostRemembered: 1_000,
  latenessMs: 5_000,
  jumpMs: 300_000,
  giveUpMs: Number.POSITIVE_INFINITY,
  ownPrincipal: 'User:reeve',
  modeOf: ({ resourceName, operation }) => (resourceName === 'each' ? 'each' : operation === 'DESCRIBE' ? 'count' : 'fold'),
  isExcluded: principal => principal === 'User:reeve',
  isBystander: sourceId => sourceId === 'logins'
}

type Sources = Readonly<Record<string, readonly Input[]>>

const person = fc.constantFrom('User:a', 'User:b', 'User:reeve')
const topic = fc.constantFrom('t1', 't2', 'each')
/** Steps of time: mostly forward, sometimes back and late, now and then a wrong clock. */
const pace = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 15_000 }) },
  { weight: 3, arbitrary: fc.integer({ min: -9_000, max: 0 }) },
  { weight: 1, arbitrary: fc.constantFrom(-70_000, 90_000_000, 200_000) }
)
const line = fc.record({
  pace,
  what: fc.constantFrom('read', 'describe', 'create', 'denied', 'request', 'nothing', 'garbage', 'refused', 'refused-garbage'),
  principal: person,
  name: topic
})
const changes = fc.record({
  pace: fc.integer({ min: 0, max: 30_000 }),
  what: fc.constantFrom('topic-created', 'topic-deleted', 'broker-fenced', 'nothing'),
  name: topic
})
const flushMs = noon + 400_000_000

/** Lines about changes alone, most of which come later than their source may be out of order. */
const lateLine = fc
  .tuple(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ pace: fc.integer({ min: 0, max: 25_000 }), what: fc.constant('nothing') }) },
      { weight: 5, arbitrary: fc.record({ pace: fc.integer({ min: -40_000, max: -5_000 }), what: fc.constantFrom('create', 'request') }) },
      { weight: 1, arbitrary: fc.record({ pace: fc.integer({ min: -4_000, max: 5_000 }), what: fc.constantFrom('create', 'request') }) }
    ),
    person,
    fc.constantFrom('t1', 't2')
  )
  .map(([each, principal, name]) => ({ ...each, principal, name }))

const created: typeof changes = fc.record({
  pace: fc.integer({ min: 0, max: 20_000 }),
  what: fc.constant('topic-created' as const),
  name: fc.constantFrom('t1', 't2')
})

/** A log of logins, which nobody waits for. */
const loginLine = fc.record({ pace, what: fc.constantFrom('refused', 'nothing', 'refused-garbage'), principal: person, name: topic })

const sourcesWith = (each: fc.Arbitrary<{ pace: number; what: string; principal: string; name: string }>, changed = changes) =>
  fc
    .record({
      metadata: fc.array(changed, { minLength: changed === changes ? 0 : 3, maxLength: 12 }),
      b1: fc.array(each, { maxLength: 25 }),
      b2: fc.array(each, { maxLength: 25 }),
      logins: fc.array(loginLine, { maxLength: 8 })
    })
    .map(({ metadata, b1, b2, logins }): Sources => {
      let atMs = noon
      const committed = metadata.map(({ pace: forward, what, name }, offset): Input => {
        atMs += forward
        if (what === 'nothing') return { kind: 'time', sourceId: 'metadata', position: offset, timestampMs: atMs }
        return change(offset, atMs, what, { resource: { type: 'topic', name, id: `id-of-${name}` } })
      })
      return {
        metadata: flushed('metadata', committed),
        b1: flushed('b1', linesOf('b1', b1)),
        b2: flushed('b2', linesOf('b2', b2)),
        logins: flushed('logins', linesOf('logins', logins))
      }
    })

function linesOf(sourceId: string, lines: readonly { pace: number; what: string; principal: string; name: string }[]): Input[] {
  let clockMs = noon
  return lines.map(({ pace: forward, what, principal, name }, offset): Input => {
    const atMs = clockMs + forward
    if (forward >= 0 && forward < 1_000_000) clockMs = atMs
    const resourceName = name
    if (what === 'request') return request(sourceId, offset, atMs, [{ resource: { type: 'topic', name } }], { principal, correlationId: offset })
    if (what === 'nothing') return { kind: 'time', sourceId, position: offset, timestampMs: atMs }
    const operation = what === 'create' ? 'CREATE' : what === 'describe' ? 'DESCRIBE' : 'READ'
    const { coordinate } = access(sourceId, offset, atMs).line
    if (what === 'refused') return login(sourceId, offset, atMs, { address: principal })
    if (what === 'garbage' || what === 'refused-garbage')
      return {
        kind: 'line',
        sourceId,
        position: offset,
        line: { kind: 'unparsed', coordinate, reason: 'layout', lengthBytes: 3, sha256: 'x', flaws: [], time: null, login: what !== 'garbage' }
      }
    return access(sourceId, offset, atMs, { principal, resourceName, operation, allowed: what !== 'denied' })
  })
}

/** Two moments far ahead, which confirm each other, and one behind what came late until then: everything is closed. */
function flushed(sourceId: string, inputs: readonly Input[]): Input[] {
  const time = (index: number): Input => ({ kind: 'time', sourceId, position: inputs.length + index, timestampMs: flushMs + (index === 2 ? 200_000 : 0) })
  return [...inputs, time(0), time(1), time(2)]
}

interface Durable {
  readonly events: AuditEvent[]
  changes: Map<string, OpenChange>
  through: Record<string, number>
  resume: Record<string, Resume>
  kept: Kept | null
}

/**
 * Reads the sources in an order that `turns` decides, in transactions; `crashes` says after which of them the process ends, with or without
 * the last one committed.
 */
function run(sources: Sources, turns: readonly number[], crashes: ReadonlyMap<number, 'before' | 'after'>, given: MirrorOptions = options): Durable {
  const ids = Object.keys(sources)
  const durable: Durable = { events: [], changes: new Map(), through: Object.fromEntries(ids.map(id => [id, 0])), resume: {}, kept: null }
  /** Where each source is read next: behind a crash from further back, while the others go on. */
  let next: Record<string, number> = {}
  let through: Record<string, number> = {}
  const start = () => {
    const mirror = newMirror(given, ids, { kept: durable.kept, changes: durable.changes.values(), resume: durable.resume })
    through = { ...durable.through }
    next = Object.fromEntries(ids.map(id => [id, (durable.resume[id]?.at as number | null | undefined) ?? through[id]!]))
    for (const id of ids) if (next[id] === through[id]) endReplay(mirror, id)
    return mirror
  }
  let mirror = start()
  for (let transaction = 0; ids.some(id => next[id]! < sources[id]!.length); transaction++) {
    const open = ids.filter(id => next[id]! < sources[id]!.length)
    const id = open[(turns[transaction % turns.length] ?? 0) % open.length]!
    const count = 1 + ((turns[(transaction + 1) % turns.length] ?? 0) % 3)
    const made: Made[] = []
    for (const input of sources[id]!.slice(next[id], next[id]! + count)) {
      const replay = next[id]! < through[id]!
      made.push(step(mirror, input, { replay }))
      if (replay) expect(made.pop()?.events).toEqual([])
      next[id]!++
      if (replay && next[id] === through[id]) endReplay(mirror, id)
      through[id] = Math.max(through[id]!, next[id]!)
    }
    made.push(close(mirror))
    const crash = crashes.get(transaction)
    if (crash !== 'before') {
      for (const { events, opened, settled } of made) {
        durable.events.push(...events)
        for (const each of opened) durable.changes.set(each.coordinate, each)
        for (const coordinate of settled) durable.changes.delete(coordinate)
      }
      durable.through = { ...through }
      const asJson = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value
      durable.resume = asJson(Object.fromEntries(ids.map(each => [each, lowWater(mirror, each)])))
      durable.kept = asJson(kept(mirror))
      durable.changes = new Map(asJson([...durable.changes]))
    }
    if (crash !== undefined) {
      mirror = start()
    }
  }
  return durable
}

const sorted = (events: readonly AuditEvent[]) => events.map(event => JSON.stringify(event)).toSorted()
const sourcesOf = sourcesWith(line)
const turnsOf = fc.array(fc.nat(100), { minLength: 1, maxLength: 40 })
const crashesOf = fc
  .uniqueArray(fc.tuple(fc.nat(60), fc.constantFrom('before' as const, 'after' as const)), { maxLength: 12, selector: ([at]) => at })
  .map(entries => new Map(entries))
const expectOnce = (events: readonly AuditEvent[]) => {
  const places = events.map(({ eventType, payload }) => `${eventType} ${payload.unmapped.coordinate}`)
  for (const { eventType, payload } of events)
    if (eventType === 'change.attributed')
      expect(places.includes(`change.unattributed ${payload.unmapped.coordinate}`)).toBe(payload.unmapped['toldLate'] !== undefined)
  expect(places.toSorted().filter((place, index, all) => place === all[index - 1])).toEqual([])
}

test('whatever the order of the sources and wherever the process ends, the events are those of a run without faults, each once', () => {
  fc.assert(
    fc.property(sourcesOf, turnsOf, turnsOf, crashesOf, (sources, turns, otherTurns, crashes) => {
      const faultFree = run(sources, turns, new Map())
      const faulty = run(sources, otherTurns, crashes)
      expectOnce(faultFree.events)
      expect(sorted(faulty.events)).toEqual(sorted(faultFree.events))
      expect(faulty.changes.size).toBe(0)
      expect(faulty.kept?.excluded).toEqual(faultFree.kept?.excluded)
    }),
    { numRuns: Number(process.env['REEVE_AUDIT_RUNS'] ?? 60) }
  )
})

test('a change that nobody was known to have made is attributed by lines that come late, the same whatever the order and wherever the process ends', () => {
  let told = 0
  fc.assert(
    fc.property(sourcesWith(lateLine, created), turnsOf, turnsOf, crashesOf, (sources, turns, otherTurns, crashes) => {
      const { events } = run(sources, turns, new Map())
      const faulty = run(sources, otherTurns, crashes)
      told += events.filter(({ payload }) => payload.unmapped['toldLate'] !== undefined).length
      expectOnce(events)
      expectOnce(faulty.events)
      expect(sorted(faulty.events)).toEqual(sorted(events))
      expect(faulty.changes.size).toBe(0)
    }),
    { numRuns: Number(process.env['REEVE_AUDIT_RUNS'] ?? 60) }
  )
  expect(told).toBeGreaterThan(5)
})

test('where silent sources are given up, each place has its event once all the same, and no access and no login is lost', () => {
  fc.assert(
    fc.property(sourcesOf, turnsOf, crashesOf, (sources, turns, crashes) => {
      const { events, kept: last } = run(sources, turns, crashes, { ...options, giveUpMs: 30_000 })
      expectOnce(events)
      const wanted = Object.values(sources)
        .flat()
        .filter(input => input.kind === 'line' && input.line.kind === 'authorizer' && input.line.allowed).length
      const folded = events
        .filter(({ eventType }) => eventType === 'access.folded' || eventType === 'access.corrected')
        .reduce((sum, { payload }) => sum + Number(payload['count']), 0)
      const each = events.filter(({ eventType }) => eventType === 'access.allowed').length
      const requests = Object.values(sources)
        .flat()
        .filter(input => input.kind === 'line' && input.line.kind === 'request' && input.line.principal === 'User:reeve').length
      expect(folded + each + (last?.excluded['User:reeve']?.lines ?? 0) - requests).toBe(wanted)
      const knocked = Object.values(sources)
        .flat()
        .filter(input => input.kind === 'line' && (input.line.kind === 'login' || (input.line.kind === 'unparsed' && input.line.login))).length
      const told = events
        .filter(({ payload }) => payload.class_uid === 3002 || payload.unmapped['reason'] === 'layout')
        .reduce((sum, { payload }) => sum + Number(payload['count'] ?? 1), 0)
      const garbage = Object.values(sources)
        .flat()
        .filter(input => input.kind === 'line' && input.line.kind === 'unparsed' && !input.line.login).length
      expect(told).toBe(knocked + garbage)
      const changed = Object.values(sources)
        .flat()
        .filter(input => input.kind === 'change' && input.change.kind !== 'broker-fenced').length
      expect(new Set(events.filter(({ eventType }) => eventType.startsWith('change.')).map(({ payload }) => payload.unmapped.coordinate)).size).toBe(changed)
    }),
    { numRuns: Number(process.env['REEVE_AUDIT_RUNS'] ?? 60) }
  )
})

test('what is excluded is counted until a checkpoint takes it', () => {
  const mirror = newMirror(options, ['b1'])
  for (const offset of [0, 1, 2])
    expect(step(mirror, access('b1', offset, noon, { principal: 'User:reeve', resourceRefCount: 2 }), { replay: false }).events).toEqual([])
  expect(takeExcluded(mirror.exclusion, ['User:other'])).toEqual([
    { principal: 'User:other', lines: 0, resourceRefCount: 0 },
    { principal: 'User:reeve', lines: 3, resourceRefCount: 6, firstMs: noon, lastMs: noon }
  ])
  expect(kept(mirror).excluded).toEqual({})
})

test('what Reeve was denied is written all the same', () => {
  const mirror = newMirror(options, ['b1'])
  expect(step(mirror, access('b1', 0, noon, { principal: 'User:reeve', allowed: false }), { replay: false }).events).toMatchObject([
    { eventType: 'access.denied' }
  ])
})
