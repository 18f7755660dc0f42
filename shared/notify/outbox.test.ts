import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Notice } from '../engine/agent.ts'
import type { Delivery, Destination } from './notifier.ts'
import { backlog, due, letters, newEntry, next, type OutboxEntry, threadOf } from './outbox.ts'

function notice(key: string, channel: string | null = 'payments'): Notice {
  return {
    key,
    incident: 'i',
    severity: 'warning',
    resolved: false,
    team: null,
    channel,
    title: key,
    why: [],
    sinceMs: 0,
    next: { what: '', atMs: null },
    answer: null
  }
}
const place = (id: string, reachesPeople = true): Destination => ({ id, reachesPeople, digestAbove: 10, deliver: async () => ({ ok: true }) })
const slack = place('slack')
const pager = place('pager')
const machine = place('machine', false)
/** One destination a channel. */
const byChannel = ({ channel }: Notice) => [place(channel ?? 'platform')]
const refused: Delivery = { ok: false, retryable: false, error: 'no_service' }
const away: Delivery = { ok: false, retryable: true, error: 'no connection' }
const nowMs = 1_000_000
const keysAt = (outbox: ReadonlyMap<string, OutboxEntry>, atMs: number, route: (given: Notice) => readonly Destination[] = byChannel) =>
  Object.fromEntries([...due(outbox, route, atMs)].map(([id, { keys }]) => [id, keys]))
const fate = (entry: OutboxEntry, id: string) => entry.to![id]!

test('a new notice is due at once, and a delivered one never again', () => {
  const entry = newEntry(notice('a'), nowMs)
  expect(keysAt(new Map([['a', entry]]), nowMs)).toEqual({ payments: ['a'] })
  const told = next(entry, place('payments'), [place('payments')], { ok: true }, nowMs + 5)
  expect(told).toMatchObject({ state: 'delivered', attempts: 1, deliveredAtMs: nowMs + 5, lastError: null })
  expect(keysAt(new Map([['a', told]]), nowMs + 1e12)).toEqual({})
})

test('what an older release wrote is taken as it was: delivered stays told, failed is tried again', () => {
  const older = { notice: notice('a'), createdAtMs: 1, nextAttemptAtMs: 1, retryable: true, attempts: 1, lastError: null }
  expect(keysAt(new Map([['a', { ...older, state: 'delivered', deliveredAtMs: 5 } as OutboxEntry]]), nowMs)).toEqual({})
  expect(keysAt(new Map([['a', { ...older, state: 'failed', deliveredAtMs: null } as OutboxEntry]]), nowMs)).toEqual({ payments: ['a'] })
})

test('a failure is shown as failed, waits twice as long each time up to a quarter of an hour, and is retried', () => {
  let entry = newEntry(notice('a'), nowMs)
  const waits: number[] = []
  for (let i = 0; i < 12; i++) {
    entry = next(entry, slack, [slack], away, nowMs)
    waits.push((fate(entry, 'slack').nextAttemptAtMs - nowMs) / 1_000)
    expect(entry).toMatchObject({ state: 'failed', attempts: i + 1, deliveredAtMs: null, lastError: 'no connection' })
  }
  expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900])
  const { nextAttemptAtMs } = fate(entry, 'slack')
  expect(keysAt(new Map([['a', entry]]), nextAttemptAtMs - 1, () => [slack])).toEqual({})
  expect(keysAt(new Map([['a', entry]]), nextAttemptAtMs, () => [slack])).toEqual({ slack: ['a'] })
})

test('Retry-After is waited for in full, and no longer than an hour', () => {
  const after = (retryAfterMs: number) =>
    fate(next(newEntry(notice('a'), nowMs), slack, [slack], { ok: false, retryable: true, retryAfterMs, error: 'e' }, nowMs), 'slack').nextAttemptAtMs - nowMs
  expect([after(1_000), after(90_000), after(1e15)]).toEqual([5_000, 90_000, 3_600_000])
})

test('a destination keeps its order behind a failure; others, what was refused, and what is snoozed do not hold it up', () => {
  const [first, later, other] = [newEntry(notice('first'), 1), newEntry(notice('later'), 2), newEntry(notice('other', null), 3)]
  const at = place('payments')
  const outbox = new Map([
    ['z', later],
    ['y', other],
    ['x', first]
  ])
  expect(keysAt(outbox, nowMs)).toEqual({ payments: ['x', 'z'], platform: ['y'] })
  expect(Object.fromEntries(due(outbox, byChannel, nowMs, entry => entry === first))).toMatchObject({ payments: { keys: ['z'] } })
  outbox.set('x', next(first, at, [at], away, nowMs))
  expect(keysAt(outbox, nowMs)).toEqual({ platform: ['y'] })
  outbox.set('x', next(first, at, [at], refused, nowMs))
  expect(keysAt(outbox, nowMs)).toEqual({ payments: ['z'], platform: ['y'] })
})

test('a wait that a clock running ahead wrote does not last', () => {
  const ahead = next(newEntry(notice('a'), nowMs), slack, [slack], away, nowMs + 40 * 86_400_000)
  expect(keysAt(new Map([['a', ahead]]), nowMs, () => [slack])).toEqual({ slack: ['a'] })
})

test('each destination has its own fate: one that reaches people makes it delivered, and the other one is still tried', () => {
  const both = [slack, pager]
  const failed = next(newEntry(notice('a'), nowMs), pager, both, away, nowMs)
  expect(failed).toMatchObject({ state: 'failed', deliveredAtMs: null, to: { slack: { state: 'pending' } } })
  const told = next(failed, slack, both, { ok: true, thread: 't1' }, nowMs + 1)
  expect(told).toMatchObject({ state: 'delivered', deliveredAtMs: nowMs + 1 })
  expect(keysAt(new Map([['a', told]]), nowMs + 5_000, () => both)).toEqual({ pager: ['a'] })
  expect(keysAt(new Map([['a', told]]), nowMs + 5_000, () => [...both, place('added later')])).toEqual({ pager: ['a'] })
  const late = next(told, pager, both, { ok: true }, nowMs + 9)
  expect([late.deliveredAtMs, keysAt(new Map([['a', late]]), nowMs + 1e9, () => both)]).toEqual([nowMs + 1, {}])
  expect(keysAt(new Map([['a', late]]), nowMs + 1e9, () => [...both, place('added later')])).toEqual({})
})

test('a destination that reaches nobody delivers nothing: no clock begins by it', () => {
  const taken = next(newEntry(notice('a'), nowMs), machine, [machine, slack], { ok: true }, nowMs)
  expect(taken).toMatchObject({ state: 'pending', deliveredAtMs: null, to: { machine: { state: 'taken' } } })
  expect(keysAt(new Map([['a', taken]]), nowMs, () => [machine, slack])).toEqual({ slack: ['a'] })
})

test('what every destination refused is undeliverable, what only waits is not, and the oldest that nobody was told is known', () => {
  const [waits, refusedOne, told] = [newEntry(notice('a'), 5), newEntry(notice('b'), 7), newEntry(notice('c'), 1)]
  const entries = [
    next(waits, slack, [slack], away, nowMs),
    next(refusedOne, slack, [slack], refused, nowMs),
    next(next(told, pager, [slack, pager], refused, nowMs), slack, [slack, pager], { ok: true }, nowMs),
    next(next(newEntry(notice('d'), 9), machine, [machine, slack], { ok: true }, nowMs), slack, [machine, slack], refused, nowMs)
  ]
  expect(backlog(entries, () => false)).toEqual({ waiting: 3, undeliverable: 2, oldestSinceMs: 5 })
  expect(backlog(entries, ({ notice: { key } }) => key !== 'b')).toEqual({ waiting: 1, undeliverable: 1, oldestSinceMs: 7 })
  expect(backlog([], () => false)).toEqual({ waiting: 0, undeliverable: 0, oldestSinceMs: null })
})

test('the thread of an incident is that of its first message there', () => {
  const [first, second, elsewhere] = [notice('a'), notice('b'), { ...notice('c'), incident: 'other' }].map((given, index) =>
    next(newEntry(given, index), slack, [slack], { ok: true, thread: `t${index}` }, nowMs)
  ) as [OutboxEntry, OutboxEntry, OutboxEntry]
  const all = [elsewhere, second, first]
  expect(threadOf(all, new Set(['i']), 'slack')).toBe('t0')
  expect(threadOf(all, new Set(['i']), 'pager')).toBe(null)
  expect(threadOf(all, new Set(['i', 'other']), 'slack')).toBe(null)
  expect(threadOf(all, new Set(['i', 'unknown']), 'slack')).toBe(null)
})

test('more than so many that are due at once come as one; each is in exactly one message and the order is kept', () => {
  expect(letters(['a', 'b'], 2)).toEqual([['a'], ['b']])
  expect(letters(['a', 'b', 'c'], 2)).toEqual([['a', 'b', 'c']])
  expect(letters(['a', 'b', 'c'], null)).toEqual([['a'], ['b'], ['c']])
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2_500 }), fc.option(fc.integer({ min: 1, max: 50 })), (count, above) => {
      const all = Array.from({ length: count }, (_, index) => index)
      const cut = letters(all, above)
      expect(cut.flat()).toEqual(all)
      expect(cut.every(letter => letter.length > 0)).toBe(true)
      expect(cut.length).toBe(above === null || count <= above ? count : Math.ceil(count / 1_000))
    })
  )
})

test('whatever the answers are, every notice is told in its channel in order, and once', () => {
  const answers = fc.array(fc.constantFrom<Delivery>(away, { ok: true }, { ok: false, retryable: true, retryAfterMs: 60_000, error: 'e' }), { maxLength: 40 })
  const channels = fc.array(fc.constantFrom('a', 'b', null), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(answers, channels, fc.integer({ min: 1, max: 9 }), (answered, given, above) => {
      const script = [...answered]
      const outbox = new Map(given.map((channel, index) => [`k${index}`, newEntry(notice(`k${index}`, channel), index)]))
      const told: string[] = []
      let clockMs = nowMs
      for (let step = 0; told.length < given.length; step++) {
        // Forty failures in a row wait a quarter of an hour each.
        expect(step).toBeLessThan(1_000)
        const [lane] = due(outbox, byChannel, clockMs).values()
        if (lane === undefined) {
          clockMs += 60_000
          continue
        }
        const [letter] = letters(lane.keys, above)
        const result = script.shift() ?? { ok: true }
        if (result.ok) told.push(...letter!)
        for (const key of letter!) outbox.set(key, next(outbox.get(key)!, lane.destination, [lane.destination], result, clockMs))
      }
      expect(new Set(told).size).toBe(given.length)
      for (const channel of ['a', 'b', null]) {
        const inChannel = told.filter(key => outbox.get(key)!.notice.channel === channel)
        expect(inChannel).toEqual([...inChannel].sort())
      }
    })
  )
})
