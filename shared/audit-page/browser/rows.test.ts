import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attack, logOf, twoDays } from '#test/support/audit-page-log.ts'
import { differencesOf } from './differences.ts'
import { visible } from './dom.ts'
import { everything, type Filter, matches } from './filter.ts'
import { type Row, rowsOf, tie } from './rows.ts'
import { momentOf, timelineOf } from './timeline.ts'

const { records } = await logOf(twoDays(), 40)
const entries = records.filter(({ kind }) => kind === 'event').map(({ value }) => new Uint8Array(value))
const rows = rowsOf(0, 0, entries)
tie(rows)
const found = (filter: Partial<Filter>): Row[] => rows.filter(row => matches(row, { ...everything, ...filter }))
const types = (filter: Partial<Filter>): string[] => [...new Set(found(filter).map(({ type }) => type))].sort()

describe('rows', () => {
  test('hold the seven Ws of a refusal', () => {
    expect(rows.find(({ type }) => type === 'access.denied')).toMatchObject({
      lane: 'refused',
      who: 'User:payments',
      what: 'Topic payments',
      where: '10.0.0.0 (eu-central-1)',
      how: 'READ',
      result: 'failure',
      code: 'Denied'
    })
  })

  test('have the attribution beside its change, and the change beside its attribution', () => {
    const changes = rows.filter(({ lane }) => lane === 'change')
    expect(changes.length).toBeGreaterThan(10)
    for (const change of changes) {
      expect(change.attribution).toMatchObject({ lane: 'attribution', causationId: change.eventId })
      expect(change.attribution!.change).toBe(change)
    }
  })

  test('are made of any bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map(text => new TextEncoder().encode(text))
        ),
        bytes => {
          const [row] = rowsOf(3, 7, [new Uint8Array(bytes)])
          expect(row).toMatchObject({ partition: 3, sequence: 7 })
          expect(matches(row!, { ...everything, text: 'x', who: 'y' })).toBeTypeOf('boolean')
          timelineOf([row!])
        }
      )
    )
    const odd = {
      eventType: '__proto__',
      payload: { time: 1e300, count: 'x', actor: [], resources: [null, { cut: 'x' }], message: { cut: 'ab', length: 9, sha256: '' } }
    }
    expect(rowsOf(0, 0, [new TextEncoder().encode(JSON.stringify(odd))])[0]).toMatchObject({ atMs: null, count: 1, message: 'ab… (cut, 9 bytes)' })
  })
})

describe('filters', () => {
  test.each<[Partial<Filter>, string[]]>([
    [{ who: 'user:OPS-anna' }, ['change.attributed', 'config.changed']],
    [{ what: 'ledger.snapshots' }, ['change.unattributed', 'topic.deleted']],
    [{ why: 'truncated' }, ['audit.gap']],
    [{ how: 'ALTER_CONFIGS', who: 'anna' }, ['change.attributed', 'config.changed']],
    [{ result: 'failure', lane: 'refused' }, ['access.denied']],
    [{ type: 'topic.created', where: '10.0.0.9' }, ['topic.created']],
    [{ text: 'deletableFrom' }, ['config.changed']],
    [{ who: 'nobody of this name' }, []]
  ])('%j finds %j', (filter, expected) => {
    expect(types(filter)).toEqual(expected)
  })

  test('by time have a beginning and an end that is not in it', () => {
    const { atMs } = rows.find(({ type }) => type === 'topic.deleted')!
    expect(types({ fromMs: atMs, toMs: atMs! + 1 })).toEqual(['change.unattributed', 'topic.deleted'])
    expect(found({ fromMs: atMs! + 1, toMs: atMs! + 2 })).toEqual([])
    expect(types({ fromMs: atMs! - 1, toMs: atMs })).toEqual([])
  })
})

describe('the timeline', () => {
  test('has every row in one column, and few columns whatever the times are', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 8.64e15 })), { maxLength: 40 }), times => {
        const { columns, timeless } = timelineOf(times.map(atMs => ({ ...rows[0]!, atMs })))
        expect(columns.length).toBeLessThanOrEqual(60)
        expect(columns.reduce((sum, { total }) => sum + total, timeless)).toBe(times.length)
      })
    )
  })

  test('stands on whole hours for days', () => {
    const { columns, stepMs, most } = timelineOf(rows)
    expect(stepMs).toBe(3_600_000)
    expect(columns[0]!.fromMs % stepMs).toBe(0)
    expect(columns.filter(({ gaps }) => gaps > 0).length).toBe(1)
    expect(most).toBeGreaterThan(1)
    expect(momentOf(Date.UTC(2026, 10, 20, 6), stepMs)).toBe('2026-11-20 06:00')
  })
})

test('before and after are told apart member by member', () => {
  expect(differencesOf({ a: '1', b: null }, { a: '2', c: [1] })).toEqual([
    { name: 'a', before: '1', after: '2', changed: true },
    { name: 'b', before: 'none', after: '—', changed: true },
    { name: 'c', before: '—', after: '[1]', changed: true }
  ])
  expect(differencesOf(null, undefined)).toBeNull()
  expect(differencesOf('x', 'x')).toEqual([{ name: 'value', before: 'x', after: 'x', changed: false }])
})

test('what turns or hides text is shown as its code', () => {
  expect(visible('a\u202eb\u0000\u200b\ufeff\ud800\nc')).toBe('a\\u{202e}b\\u{0}\\u{200b}\\u{feff}\\u{d800}\nc')
  expect(visible('Zürich 日本 🙂')).toBe('Zürich 日本 🙂')
  expect(visible(attack)).not.toContain('\u202e')
})
