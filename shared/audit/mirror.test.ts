import { describe, expect, test } from 'vitest'
import { access, change, login, noon, request, setting } from '#test/support/audit-inputs.ts'
import type { AuditEvent } from './event.ts'
import type { Input } from './inputs.ts'
import { close, endReplay, kept, lowWater, type Mirror, type MirrorOptions, newMirror, step, suspendReplay } from './mirror.ts'
import { entrySchema } from './schemas.ts'

const options: MirrorOptions = {
  setting,
  mostCells: 1_000,
  mostLogins: 3,
  mostLoginCells: 2,
  windowMs: 20_000,
  skewMs: 1_000,
  longestChangeMs: 0,
  mostChanges: 1_000,
  mostClaims: 1_000,
  rememberMs: 3_600_000,
  mostRemembered: 3,
  latenessMs: 5_000,
  jumpMs: 300_000,
  giveUpMs: 60_000,
  ownPrincipal: 'User:reeve',
  modeOf: () => 'fold',
  isExcluded: () => false,
  isBystander: sourceId => sourceId === 'logins'
}
const time = (sourceId: string, timestampMs: number): Input => ({ kind: 'time', sourceId, position: 0, timestampMs })
const take = (mirror: Mirror, ...inputs: Input[]): AuditEvent[] => inputs.flatMap(input => [...step(mirror, input, { replay: false }).events])
const types = (events: readonly AuditEvent[]) => events.map(({ eventType }) => eventType)
const unmapped = (event: AuditEvent | undefined) => event?.payload.unmapped

describe('a change', () => {
  const world = (more: Partial<MirrorOptions> = {}) => newMirror({ ...options, ...more }, ['metadata', 'b1'])

  test('is written at once, and who made it when all sources have passed its window', () => {
    const mirror = world()
    expect(types(take(mirror, change(1, noon, 'topic-created')))).toEqual(['topic.created'])
    expect(types(take(mirror, request('b1', 0, noon + 5, [{}])))).toEqual(['request.done'])
    take(mirror, time('metadata', noon + 26_000))
    expect(close(mirror).events).toEqual([])
    take(mirror, time('b1', noon + 25_999))
    expect(close(mirror).events).toEqual([])
    take(mirror, time('b1', noon + 26_000))
    const { events, settled } = close(mirror)
    expect(types(events)).toEqual(['change.attributed'])
    expect(unmapped(events[0])).toMatchObject({ certainty: 'exact', watermarks: { b1: noon + 21_000, metadata: noon + 21_000 } })
    expect(settled).toEqual(['metadata@1'])
    expect(close(mirror).events).toEqual([])
  })

  test('that nobody is known to have made is said to be unattributed', () => {
    const mirror = world()
    take(mirror, change(1, noon, 'topic-created'), time('metadata', noon + 26_000), time('b1', noon + 26_000))
    expect(close(mirror).events).toMatchObject([{ eventType: 'change.unattributed', payload: { unmapped: { certainty: 'none', candidates: [] } } }])
  })

  test('does not wait for ever for a source that fell silent, and says how far it had come', () => {
    const mirror = world()
    take(mirror, time('b1', noon - 1_000), change(1, noon, 'topic-created'), time('metadata', noon + 59_000))
    expect(close(mirror).events).toEqual([])
    take(mirror, time('metadata', noon + 59_001))
    const { events, joint } = close(mirror)
    expect(unmapped(events[0])).toMatchObject({ certainty: 'none', watermarks: { b1: noon - 6_000, metadata: noon + 21_000 } })
    expect(joint.silent).toEqual([{ sourceId: 'b1', sinceMs: noon - 1_000 }])
  })

  test('that brokers make by themselves waits for nobody', () => {
    const mirror = world()
    const { opened } = step(mirror, change(1, noon, 'broker-fenced', { resource: { type: 'broker', name: '1', id: null } }), { replay: false })
    expect(opened).toEqual([])
  })

  test('is open until it is judged, also for the process that comes after', () => {
    const first = world()
    const { opened } = step(first, change(1, noon, 'topic-created'), { replay: false })
    const second = newMirror(options, ['metadata', 'b1'], { changes: JSON.parse(JSON.stringify(opened)) as typeof opened, kept: kept(first) })
    take(second, request('b1', 0, noon + 5, [{}]), time('metadata', noon + 26_000), time('b1', noon + 26_000))
    expect(types(close(second).events)).toEqual(['change.attributed'])
  })

  test('takes no line that came too late: whether it is still in time would depend on the other sources', () => {
    const mirror = world()
    take(mirror, change(1, noon, 'topic-created'), time('b1', noon + 11_000), request('b1', 1, noon + 6_000, [{}], { tookMs: 9_000 }))
    take(mirror, time('metadata', noon + 26_000), time('b1', noon + 26_000))
    expect(types(close(mirror).events)).toEqual(['change.unattributed'])
  })

  describe('that nobody is known to have made', () => {
    /** Judged, with both sources 5 s behind `noon + 26 s`. */
    const unattributed = (more: Partial<MirrorOptions> = {}) => {
      const mirror = world(more)
      take(mirror, change(1, noon, 'topic-created'), time('metadata', noon + 26_000), time('b1', noon + 26_000))
      return { mirror, judged: close(mirror) }
    }
    const late = (atMs: number, more = {}) => request('b1', 1, atMs, [{}], more)

    test('is attributed once by a line that comes late, when another of its time would have come', () => {
      const { mirror, judged } = unattributed()
      expect(types(judged.events)).toEqual(['change.unattributed'])
      expect([judged.opened, judged.settled]).toMatchObject([[{ coordinate: 'metadata@1', unattributed: true }], []])
      take(mirror, late(noon + 5))
      take(mirror, time('metadata', noon + 90_000), time('b1', noon + 51_999))
      expect(close(mirror).events).toEqual([])
      take(mirror, time('b1', noon + 52_000), late(noon + 6, { correlationId: 9 }))
      const { events, settled } = close(mirror)
      expect(events).toMatchObject([
        {
          eventType: 'change.attributed',
          causationId: judged.events[0]!.causationId,
          payload: { unmapped: { certainty: 'exact', toldLate: { byMs: 25_995, unattributed: judged.events[0]!.eventId }, decidedFor: noon + 47_000 } }
        }
      ])
      expect(
        entrySchema('change.attributed')!
          .safeParse({ ...events[0] })
          .error?.issues.filter(({ path }) => path.includes('unmapped')) ?? []
      ).toEqual([])
      expect(settled).toEqual(['metadata@1'])
      take(mirror, late(noon + 7), time('metadata', noon + 200_000), time('b1', noon + 200_000))
      expect(close(mirror).events).toEqual([])
    })

    test('is ambiguous where two came late together, each after the other', () => {
      const { mirror } = unattributed()
      take(mirror, late(noon + 5), late(noon + 6, { principal: 'User:other' }), time('metadata', noon + 90_000), time('b1', noon + 90_000))
      expect(close(mirror).events).toMatchObject([{ payload: { unmapped: { certainty: 'ambiguous', candidates: [{}, {}] } } }])
    })

    test('is attributed by a source that had fallen silent, too', () => {
      const mirror = world()
      take(mirror, time('b1', noon - 1_000), change(1, noon, 'topic-created'), time('metadata', noon + 90_000))
      expect(types(close(mirror).events)).toEqual(['change.unattributed'])
      take(mirror, late(noon + 5))
      expect(close(mirror).events).toMatchObject([{ eventType: 'change.attributed', payload: { unmapped: { toldLate: { byMs: 0 } } } }])
    })

    test('is still known to the process that comes after, which reads the late line again', () => {
      const { mirror, judged } = unattributed()
      take(mirror, late(noon + 5))
      const resume = { b1: lowWater(mirror, 'b1'), metadata: lowWater(mirror, 'metadata') }
      expect(resume.b1.at).toBe(1)
      const second = newMirror(options, ['metadata', 'b1'], { changes: judged.opened, kept: kept(mirror), resume })
      step(second, late(noon + 5), { replay: true })
      endReplay(second, 'b1')
      take(second, time('metadata', noon + 90_000), time('b1', noon + 90_000))
      expect(types(close(second).events)).toEqual(['change.attributed'])
    })

    test('is forgotten after the policy says so, and the line that comes then says nothing', () => {
      const { mirror } = unattributed({ rememberMs: 60_000 })
      take(mirror, time('b1', noon + 60_001), late(noon + 5), time('metadata', noon + 61_000))
      expect(close(mirror)).toMatchObject({ events: [], settled: [] })
      take(mirror, time('metadata', noon + 300_000), time('b1', noon + 300_000))
      expect(close(mirror)).toMatchObject({ events: [], settled: ['metadata@1'] })
      expect(mirror.join.unattributed.size + mirror.join.unattributedKeys.size).toBe(0)
    })

    test('is forgotten beyond so many, the oldest first', () => {
      const mirror = world()
      take(mirror, ...[1, 2, 3, 4].map(offset => change(offset, noon + offset, 'topic-created')), time('metadata', noon + 90_000), time('b1', noon + 90_000))
      const { events, opened, settled } = close(mirror)
      expect(types(events)).toEqual(Array(4).fill('change.unattributed'))
      expect([opened.map(({ coordinate }) => coordinate), settled]).toEqual([['metadata@2', 'metadata@3', 'metadata@4'], ['metadata@1']])
    })
  })

  test('beyond so many open ones the oldest is judged early, and says so', () => {
    const mirror = world({ mostChanges: 1 })
    take(mirror, request('b1', 0, noon, [{}]))
    const { events, settled } = [change(1, noon, 'topic-created'), change(2, noon + 1, 'topic-deleted')].map(input =>
      step(mirror, input, { replay: false })
    )[1]!
    expect(types(events)).toEqual(['topic.deleted', 'change.attributed'])
    expect(unmapped(events[1])).toMatchObject({ early: true, certainty: 'exact' })
    expect(settled).toEqual(['metadata@1'])
  })

  test('says when lines that could fit were forgotten', () => {
    const mirror = world({ mostClaims: 1 })
    take(mirror, change(1, noon, 'topic-created'), request('b1', 0, noon, [{}]), request('b1', 1, noon, [{}], { correlationId: 9, principal: 'User:b' }))
    take(mirror, time('metadata', noon + 26_000), time('b1', noon + 26_000))
    expect(unmapped(close(mirror).events[0])).toMatchObject({ forgotten: true, candidates: [{ principal: 'User:b' }] })
  })

  test('that cannot be read is said to be unknown', () => {
    const { events } = step(world(), change(1, noon, 'unknown-record', { after: { apiKey: 99 } }), { replay: false })
    expect(events).toMatchObject([{ eventType: 'metadata.unknown', payload: { unmapped: { record: { apiKey: 99 } } } }])
  })

  test('never throws, whatever kind it is', () => {
    for (const kind of ['acl-added', 'quota-changed', 'scram-changed', 'controller-registered', 'elr-cleared', 'transaction-aborted'] as const) {
      const [event] = take(world(), change(1, noon, kind, { resource: { type: 'acl', name: null, id: null }, after: [1] }))
      expect(entrySchema(event!.eventType)).not.toBeNull()
    }
  })
})

describe('where a source must be read again from', () => {
  const world = () => newMirror(options, ['metadata', 'b1'])

  test('is where it was read to when nothing of it is open', () => {
    const mirror = world()
    take(mirror, time('b1', noon))
    expect(lowWater(mirror, 'b1')).toEqual({ at: null, foldAfter: 0, newestMs: noon, doubtedMs: null, floorMs: null })
  })

  test('is the oldest access that is not in an event yet', () => {
    const mirror = world()
    take(mirror, access('b1', 5, noon), access('b1', 6, noon + 1))
    expect(lowWater(mirror, 'b1')).toMatchObject({ at: 5, foldAfter: 0, newestMs: null })
    take(mirror, access('b1', 7, noon + 66_000))
    expect(lowWater(mirror, 'b1')).toMatchObject({ at: 7, foldAfter: 0, newestMs: noon + 1 })
  })

  test('is the oldest line that a change to come may be about; accesses from there on are in events already', () => {
    const mirror = world()
    take(mirror, request('b1', 5, noon, [{}]), access('b1', 6, noon + 1), access('b1', 7, noon + 66_000))
    expect(lowWater(mirror, 'b1')).toMatchObject({ at: 5, foldAfter: 2 })
    take(mirror, time('metadata', noon + 66_000))
    close(mirror)
    expect(lowWater(mirror, 'b1')).toMatchObject({ at: 7, foldAfter: 0 })
  })

  test('is not held back by a line whose time the next one denies', () => {
    const mirror = world()
    expect(take(mirror, time('b1', noon), access('b1', 5, noon + 90_000_000))).toEqual([])
    expect(lowWater(mirror, 'b1')).toMatchObject({ at: 5 })
    expect(take(mirror, request('b1', 6, noon, [{}]))).toMatchObject([
      { eventType: 'request.done' },
      { eventType: 'access.folded', payload: { unmapped: { early: 'clock' } } }
    ])
    expect(lowWater(mirror, 'b1')).toMatchObject({ at: 6 })
  })

  test('nor by a request whose time the next line denies', () => {
    const mirror = world()
    take(mirror, time('b1', noon), request('b1', 5, noon + 90_000_000, [{}]))
    expect(lowWater(mirror, 'b1')).toMatchObject({ at: 5 })
    take(mirror, time('b1', noon + 1))
    expect(lowWater(mirror, 'b1')).toMatchObject({ at: null })
  })

  test('is what it was while the source is read again', () => {
    const resume = { at: 3, foldAfter: 0, newestMs: noon, doubtedMs: null, floorMs: null }
    expect(lowWater(newMirror(options, ['b1'], { resume: { b1: resume } }), 'b1')).toBe(resume)
  })
})

test('a source that is read again is waited for, unless it cannot be read', () => {
  const resume = { b1: { at: 3, foldAfter: 0, newestMs: noon - 90_000, doubtedMs: null, floorMs: null } }
  const before = newMirror(options, ['metadata', 'b1'])
  const { opened } = step(before, change(1, noon, 'topic-created'), { replay: false })
  const mirror = newMirror(options, ['metadata', 'b1'], { resume, changes: opened, kept: kept(before) })
  take(mirror, time('metadata', noon + 90_000))
  expect(close(mirror)).toMatchObject({ events: [], joint: { silent: [] } })
  suspendReplay(mirror, 'b1')
  expect(close(mirror)).toMatchObject({ events: [{ eventType: 'change.unattributed' }], joint: { silent: [{ sourceId: 'b1' }] } })
  // What is open of it is not whole yet.
  step(mirror, access('b1', 3, noon - 90_000), { replay: true })
  expect(close(mirror)).toMatchObject({ events: [], joint: { silent: [] } })
  suspendReplay(mirror, 'b1')
  expect(close(mirror)).toMatchObject({ events: [], joint: { silent: [{ sourceId: 'b1' }] } })
})

test('an input of a source that was not named is refused', () => {
  expect(() => take(newMirror(options, ['b1']), time('b2', noon))).toThrow('an input of b2: expected one of b1')
})

test('a line that could not be read has the time of the one before it', () => {
  const mirror = newMirror(options, ['b1'])
  const { coordinate } = access('b1', 1, noon).line
  const garbage: Input = {
    kind: 'line',
    sourceId: 'b1',
    position: 1,
    line: { kind: 'unparsed', coordinate, reason: 'layout', lengthBytes: 3, sha256: 'x', flaws: [], time: null, login: false }
  }
  expect(take(mirror, garbage)).toMatchObject([{ timestampMs: 0, payload: { unmapped: { timeFrom: 'unknown' } } }])
  expect(take(mirror, time('b1', noon), garbage)).toMatchObject([{ timestampMs: noon, payload: { unmapped: { timeFrom: 'line-before' } } }])
})

test('a quiet log of logins holds up nobody, and what was counted of it is written when it is silent', () => {
  const mirror = newMirror(options, ['metadata', 'b1', 'logins'])
  take(mirror, ...[0, 1, 2, 3].map(offset => login('logins', offset, noon)), change(1, noon, 'topic-created'), request('b1', 0, noon + 5, [{}]))
  take(mirror, time('metadata', noon + 26_000), time('b1', noon + 26_000))
  const { events, joint } = close(mirror)
  expect(events).toMatchObject([{ eventType: 'change.attributed', payload: { unmapped: { watermarks: { b1: noon + 21_000, metadata: noon + 21_000 } } } }])
  expect(Object.keys(events[0]!.payload.unmapped['watermarks'] as object)).not.toContain('logins')
  expect(joint.silent).toEqual([])
  take(mirror, time('metadata', noon + 200_000), time('b1', noon + 200_000))
  expect(close(mirror)).toMatchObject({ events: [{ eventType: 'authentication.folded', payload: { count: 1 } }], joint: { silent: [{ sourceId: 'logins' }] } })
})

test('whoever knocks, so many events a minute are the most that come of it', () => {
  const mirror = newMirror(options, ['b1'])
  const knocks = Array.from({ length: 5_000 }, (_, index) => login('b1', index, noon + index, { address: `10.0.${index >> 8}.${index & 255}` }))
  const garbage = knocks.slice(0, 1_000).map(({ line: { coordinate, time: at }, ...input }): Input => ({
    ...input,
    line: { kind: 'unparsed', coordinate, reason: 'message', lengthBytes: 3, sha256: 'x', flaws: [], time: at, login: true }
  }))
  const events = take(mirror, ...knocks, ...garbage, time('b1', noon + 90_000))
  expect(types(events)).toEqual([...Array<string>(3).fill('authentication.failed'), ...Array<string>(4).fill('authentication.folded')])
  expect(events.slice(3).map(({ payload }) => [payload['count'], (payload['src_endpoint'] as { ip?: string }).ip, payload.unmapped['reason']])).toEqual([
    [1, '10.0.0.3', 'invalid-credentials'],
    [1, '10.0.0.4', 'invalid-credentials'],
    [4_995, undefined, 'invalid-credentials'],
    [1_000, undefined, 'unparsed']
  ])
  for (const event of events) expect(entrySchema(event.eventType)).not.toBeNull()
})

test('the end of a transaction is counted, whatever the policy says of its right: an event each would be the cause of the next', () => {
  const mirror = newMirror({ ...options, modeOf: () => 'each' }, ['b1'])
  const right = { resourceType: 'Cluster', resourceName: 'kafka-cluster', operation: 'ALTER', principal: 'User:broker' }
  expect(
    take(mirror, access('b1', 1, noon, { ...right, request: 'WriteTxnMarkers' }), access('b1', 2, noon, { ...right, request: 'WriteTxnMarkers' }))
  ).toEqual([])
  expect(take(mirror, access('b1', 3, noon, { ...right, request: 'CreateAcls' }))).toMatchObject([{ eventType: 'access.allowed' }])
  expect(take(mirror, time('b1', noon + 90_000))).toMatchObject([
    { eventType: 'access.folded', payload: { count: 2, actor: { user: { name: 'User:broker' } } } }
  ])
})

test('half a million lines of three sources take little, and leave nothing behind', () => {
  const mirror = newMirror(options, ['metadata', 'b1', 'b2'])
  const lines = Array.from({ length: 500 }, (_, index) =>
    access(index % 2 ? 'b1' : 'b2', index, noon, { principal: `User:${index % 20}`, resourceName: `topic-${index % 50}` })
  )
  const start = process.cpuUsage()
  let counted = 0
  let most = 0
  const count = (events: readonly AuditEvent[]) => (counted += events.reduce((sum, { payload }) => sum + Number(payload['count']), 0))
  for (let index = 0; index < 500_000; index++) {
    const input = lines[index % 500]!
    count(step(mirror, { ...input, line: { ...input.line, time: { atMs: noon + index, timeCertainty: 'stated' } } }, { replay: false }).events)
    if (index % 500 === 0) {
      step(mirror, time('metadata', noon + index), { replay: false })
      count(close(mirror).events)
      most = Math.max(most, mirror.sources.get('b1')!.fold.cells)
    }
  }
  for (const id of ['b1', 'b2']) for (const at of [noon + 90_000_000, noon + 90_000_000]) count(take(mirror, time(id, at)))
  const cpuMs = process.cpuUsage(start).user / 1_000
  console.log(`500,000 lines taken in ${Math.round(cpuMs)} ms of CPU, at most ${most} cells open in one source`)
  expect(counted).toBe(500_000)
  expect(cpuMs).toBeLessThan(6_000)
  expect(lowWater(mirror, 'b1').at).toBeNull()
})
