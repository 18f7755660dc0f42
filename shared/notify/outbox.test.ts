import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Notice } from '../engine/agent.ts'
import type { Delivery } from './notifier.ts'
import { due, newEntry, next, type OutboxEntry } from './outbox.ts'

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
const refused: Delivery = { ok: false, retryable: false, error: 'no_service' }
const away: Delivery = { ok: false, retryable: true, error: 'no connection' }
const nowMs = 1_000_000

test('a new notice is due at once, and a delivered one never again', () => {
  const entry = newEntry(notice('a'), nowMs)
  expect(due(new Map([['a', entry]]), nowMs)).toEqual(['a'])
  const told = next(entry, { ok: true }, nowMs + 5)
  expect(told).toMatchObject({ state: 'delivered', attempts: 1, deliveredAtMs: nowMs + 5, lastError: null })
  expect(due(new Map([['a', told]]), nowMs + 1e12)).toEqual([])
})

test('a failure is shown as failed, waits twice as long each time up to a quarter of an hour, and is retried', () => {
  let entry = newEntry(notice('a'), nowMs)
  const waits: number[] = []
  for (let i = 0; i < 12; i++) {
    entry = next(entry, away, nowMs)
    waits.push((entry.nextAttemptAtMs - nowMs) / 1_000)
    expect(entry).toMatchObject({ state: 'failed', attempts: i + 1, deliveredAtMs: null, lastError: 'no connection' })
  }
  expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900])
  expect(due(new Map([['a', entry]]), entry.nextAttemptAtMs - 1)).toEqual([])
  expect(due(new Map([['a', entry]]), entry.nextAttemptAtMs)).toEqual(['a'])
})

test('Retry-After is waited for in full, and no longer than an hour', () => {
  const after = (retryAfterMs: number) =>
    next(newEntry(notice('a'), nowMs), { ok: false, retryable: true, retryAfterMs, error: 'e' }, nowMs).nextAttemptAtMs - nowMs
  expect([after(1_000), after(90_000), after(1e15)]).toEqual([5_000, 90_000, 3_600_000])
})

test('a channel keeps its order behind a failure; other channels, and what was refused, do not hold it up', () => {
  const first = newEntry(notice('first'), 1)
  const later = newEntry(notice('later'), 2)
  const other = newEntry(notice('other', null), 3)
  const outbox = new Map<string, OutboxEntry>([
    ['z', later],
    ['y', other],
    ['x', first]
  ])
  expect(due(outbox, nowMs)).toEqual(['x', 'z', 'y'])
  outbox.set('x', next(first, away, nowMs))
  expect(due(outbox, nowMs)).toEqual(['y'])
  outbox.set('x', next(first, refused, nowMs))
  expect(due(outbox, nowMs)).toEqual(['z', 'y'])
})

test('a wait that a clock running ahead wrote does not last', () => {
  const ahead = next(newEntry(notice('a'), nowMs), away, nowMs + 40 * 86_400_000)
  expect(due(new Map([['a', ahead]]), nowMs)).toEqual(['a'])
})

test('whatever the answers are, every notice is told in its channel in order, and once', () => {
  const answers = fc.array(fc.constantFrom<Delivery>(away, { ok: true }, { ok: false, retryable: true, retryAfterMs: 60_000, error: 'e' }), { maxLength: 40 })
  fc.assert(
    fc.property(answers, fc.array(fc.constantFrom('a', 'b', null), { minLength: 1, maxLength: 8 }), (script, channels) => {
      const outbox = new Map(channels.map((channel, index) => [`k${index}`, newEntry(notice(`k${index}`, channel), index)]))
      const told: string[] = []
      let clockMs = nowMs
      for (let step = 0; told.length < channels.length; step++) {
        expect(step).toBeLessThan(500)
        const [key] = due(outbox, clockMs)
        if (key === undefined) {
          clockMs += 5_000
          continue
        }
        const result = script.shift() ?? { ok: true }
        if (result.ok) told.push(key)
        outbox.set(key, next(outbox.get(key)!, result, clockMs))
      }
      expect(new Set(told).size).toBe(channels.length)
      for (const channel of ['a', 'b', null]) {
        const inChannel = told.filter(key => outbox.get(key)!.notice.channel === channel)
        expect(inChannel).toEqual([...inChannel].sort())
      }
    })
  )
})
