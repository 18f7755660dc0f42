import { describe, expect, test } from 'vitest'
import { access, login, noon } from '#test/support/audit-inputs.ts'
import type { FoldedAccess } from './events/access.ts'
import type { FoldedLogin } from './events/authentication.ts'
import { eventIdOf } from './event-id.ts'
import { closeDenied, closeDue, closeSilent, foldBegan, type Folded, foldLine, foldLogin, newFold } from './fold.ts'
import type { LoginLine } from '../broker-logs/line.ts'
import type { AuthorizerLine } from './inputs.ts'
import { unset } from './watermark.ts'

const minute = 60_000
const options = { mostCells: 4, mostLogins: 2, mostLoginCells: 2 }

const accesses = (folded: readonly Folded[]): FoldedAccess[] => folded.filter(each => each.kind === 'access')

/** A fold of one source, with lines that come one after the other. */
function world() {
  const fold = newFold('broker-1')
  let offset = 0
  const closed: FoldedAccess[] = []
  const line = (atMs: number, facts: Partial<AuthorizerLine> = {}, watermarkMs = atMs, mode: 'fold' | 'count' = 'fold') => {
    const began = { index: offset, position: offset, clock: unset }
    closed.push(...accesses(foldLine(fold, access('authorizer', offset++, atMs, facts).line, mode, began, watermarkMs, options)))
    closed.push(...accesses(closeDue(fold, watermarkMs)))
  }
  return { fold, line, closed }
}

describe('accesses are counted', () => {
  test('by principal, address, topic, operation and minute, and closed when the minute has passed', () => {
    const { line, closed } = world()
    line(noon, { resourceRefCount: 3 })
    line(noon + 59_999, { resourceRefCount: 2 })
    expect(closed).toEqual([])
    line(noon + minute)
    expect(closed).toMatchObject([
      {
        principal: 'User:app',
        address: '10.0.0.1',
        resourceName: 'payments',
        operation: 'READ',
        minuteMs: noon,
        lines: 2,
        resourceRefCount: 5,
        firstMs: noon,
        lastMs: noon + 59_999
      }
    ])
    expect(closed[0]).toMatchObject({ firstCoordinate: 'authorizer/0@0', lastCoordinate: 'authorizer/0@1', early: null, corrects: null, requests: ['Fetch'] })
  })

  test.each<[string, Partial<AuthorizerLine>]>([
    ['principal', { principal: 'User:other' }],
    ['address', { address: '10.0.0.2' }],
    ['topic', { resourceName: 'orders' }],
    ['operation', { operation: 'WRITE' }],
    ['kind of resource', { resourceType: 'Group' }]
  ])('apart for another %s', (_, facts) => {
    const { line, closed } = world()
    line(noon)
    line(noon, facts)
    line(noon + minute)
    expect(closed.map(({ lines }) => lines)).toEqual([1, 1])
    expect(new Set(closed.map(({ coordinate }) => coordinate)).size).toBe(2)
  })

  test('apart where a name is made to look like the next field', () => {
    const { line, closed } = world()
    line(noon, { resourceName: 'g1', address: '0.0.0.1' })
    line(noon, { resourceName: 'g', address: '10.0.0.1' })
    line(noon + minute)
    expect(closed).toHaveLength(2)
  })

  test('by operation alone where the policy only counts', () => {
    const { line, closed } = world()
    line(noon, { operation: 'DESCRIBE', principal: 'User:a' }, noon, 'count')
    line(noon, { operation: 'DESCRIBE', principal: 'User:b', resourceName: 'other' }, noon, 'count')
    line(noon + minute)
    expect(closed).toMatchObject([{ lines: 2, principal: null, address: null, resourceName: null, operation: 'DESCRIBE' }])
  })
})

test('a late line opens a correction, which names the event of its minute', () => {
  const { line, closed } = world()
  line(noon)
  line(noon + minute)
  line(noon + 30_000, {}, noon + minute)
  line(noon + 31_000, {}, noon + minute)
  expect(closed).toHaveLength(1)
  line(noon + 2 * minute)
  const correction = closed.find(({ corrects }) => corrects !== null)!
  expect(correction).toMatchObject({ minuteMs: noon, lines: 2, firstMs: noon + 30_000 })
  expect(correction.corrects).toEqual({ coordinate: closed[0]!.coordinate, eventId: eventIdOf('access.folded', closed[0]!.coordinate) })
  expect(correction.coordinate).not.toBe(closed[0]!.coordinate)
})

test('when there are too many cells all are closed early, and say so', () => {
  const { fold, line, closed } = world()
  for (const name of ['a', 'b', 'c', 'd', 'e']) line(noon, { resourceName: name })
  expect(closed.map(({ resourceName, early }) => [resourceName, early])).toEqual(['a', 'b', 'c', 'd'].map(name => [name, 'full']))
  expect(fold.cells).toBe(1)
  line(noon, { resourceName: 'a' })
  line(noon + minute)
  expect(new Set(closed.map(({ coordinate }) => coordinate)).size).toBe(closed.length)
})

test('a source that fell silent has all its cells closed; what comes later of these minutes is late', () => {
  const { fold, line, closed } = world()
  line(noon)
  line(noon + minute, { resourceName: 'b' }, noon)
  expect(accesses(closeSilent(fold, noon + minute)).map(({ resourceName, early }) => [resourceName, early])).toEqual([
    ['payments', null],
    ['b', 'silent']
  ])
  line(noon + 59_000)
  expect(fold.due.get(noon + 2 * minute)!.cells.size).toBe(1)
  line(noon + 2 * minute, {}, noon + 2 * minute)
  expect(closed).toMatchObject([{ minuteMs: noon, corrects: {} }])
})

test('a minute far ahead is closed when the next line denies its time', () => {
  const { fold, line } = world()
  line(noon)
  line(noon + 1_000 * minute, {}, noon)
  expect(closeDenied(fold, noon + 10 * minute)).toMatchObject([{ minuteMs: noon + 1_000 * minute, early: 'clock' }])
  expect(fold.cells).toBe(1)
})

describe('logins', () => {
  /** Takes one login and says whether it is an event of its own. */
  function knocking() {
    const fold = newFold('broker-1')
    let offset = 0
    const closed: FoldedLogin[] = []
    const take = (folded: readonly Folded[]): unknown => closed.push(...folded.filter(each => each.kind === 'login'))
    const knock = (atMs: number, facts: Partial<LoginLine> = {}, watermarkMs = atMs): boolean => {
      const began = { index: offset, position: offset, clock: unset }
      const { line } = login('server', offset++, atMs, facts)
      const { alone, closed: pushedOut } = foldLogin(fold, { ...line, atMs }, began, watermarkMs, options)
      take(pushedOut)
      take(closeDue(fold, watermarkMs))
      return alone
    }
    return { fold, knock, closed }
  }

  test('that failed are events of their own up to a bound a minute, the others are counted by address, mechanism and reason', () => {
    const { knock, closed } = knocking()
    expect([noon, noon + 1, noon + 2, noon + 3].map(atMs => knock(atMs))).toEqual([true, true, false, false])
    expect(knock(noon + 4, { reason: 'ssl-handshake', mechanism: 'SSL' })).toBe(false)
    expect(knock(noon + minute)).toBe(true)
    expect(closed).toMatchObject([
      { lines: 2, succeeded: false, address: '10.0.0.1', mechanism: 'SCRAM-SHA-512', reason: 'invalid-credentials', firstMs: noon + 2, lastMs: noon + 3 },
      { lines: 1, mechanism: 'SSL', reason: 'ssl-handshake' }
    ])
  })

  test('from more addresses than can be told apart are counted together, so that a minute has a bounded number of events', () => {
    const { knock, closed } = knocking()
    let alone = 0
    for (let index = 0; index < 1_000; index++) alone += Number(knock(noon + index, { address: `10.0.${index >> 8}.${index & 255}` }))
    knock(noon + minute)
    expect(alone).toBe(2)
    expect(closed.map(({ address, lines }) => [address, lines])).toEqual([
      ['10.0.0.2', 1],
      ['10.0.0.3', 1],
      [null, 996]
    ])
  })

  test('that succeeded are counted, and do not take the place of those that failed', () => {
    const { knock, closed } = knocking()
    const done = { succeeded: true, reason: null, mechanism: null, listener: null, port: null } as const
    expect([knock(noon, done), knock(noon + 1, done), knock(noon + 2)]).toEqual([false, false, true])
    knock(noon + minute)
    expect(closed).toMatchObject([{ succeeded: true, lines: 2, reason: null }])
  })

  test('that are told late open a correction and share the bound of the minute in which they are told', () => {
    const { knock, closed } = knocking()
    for (const atMs of [noon, noon + 1, noon + 2]) knock(atMs)
    knock(noon + minute)
    expect([3, 4, 5].map(late => knock(noon + late, {}, noon + minute))).toEqual([true, false, false])
    knock(noon + 2 * minute)
    expect(closed).toMatchObject([
      { lines: 1, corrects: null },
      { lines: 2, minuteMs: noon, corrects: { coordinate: closed[0]!.coordinate } }
    ])
    expect(closed[1]!.corrects!.eventId).toBe(eventIdOf('authentication.folded', closed[0]!.coordinate))
  })

  test('that are events of their own must be read again too, for the bound counts them', () => {
    const { fold, knock } = knocking()
    knock(noon)
    expect(foldBegan(fold)?.index).toBe(0)
    knock(noon + minute)
    expect(foldBegan(fold)?.index).toBe(1)
  })
})

test('the source must be read again from where the oldest open cell began', () => {
  const { fold, line } = world()
  expect(foldBegan(fold)).toBeNull()
  line(noon)
  line(noon + 50_000)
  expect(foldBegan(fold)?.index).toBe(0)
  line(noon + minute)
  expect(foldBegan(fold)?.index).toBe(2)
})

test('a million lines are folded fast, in memory that does not grow', () => {
  const { fold } = world()
  const lines = Array.from(
    { length: 1_000 },
    (_, index) => access('authorizer', index, noon, { principal: `User:${index % 20}`, resourceName: `topic-${index % 50}` }).line
  )
  const began = { index: 0, position: 0, clock: unset }
  const roomy = { ...options, mostCells: 10_000 }
  let folded = 0
  let most = 0
  const start = process.cpuUsage()
  for (let index = 0; index < 1_000_000; index++) {
    const line = { ...lines[index % 1_000]!, time: { atMs: noon + index, timeCertainty: 'stated' } as const }
    foldLine(fold, line, 'fold', began, noon + index - 10_000, roomy)
    if (fold.nextDueMs <= noon + index - 10_000) folded += closeDue(fold, noon + index - 10_000).reduce((sum, { lines: count }) => sum + count, 0)
    most = Math.max(most, fold.cells)
  }
  folded += closeSilent(fold, noon + 2_000_000).reduce((sum, { lines: count }) => sum + count, 0)
  const cpuMs = process.cpuUsage(start).user / 1_000
  console.log(`1,000,000 lines folded in ${Math.round(cpuMs)} ms of CPU, at most ${most} cells open`)
  expect(folded).toBe(1_000_000)
  expect(most).toBeLessThanOrEqual(300)
  expect(cpuMs).toBeLessThan(6_000)
})
