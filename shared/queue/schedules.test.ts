import { expect, test } from 'vitest'
import { judgeRedis } from './inspect.ts'
import { redisAddress, redisErrorText } from './redis.ts'
import { checkName, checkSchedule, mending, overdue } from './schedules.ts'

const nowMs = 1_000_000
const wanted = [{ name: 'a', everyMs: 1_000 }]

test('sound schedules are left alone', () => {
  expect(mending(wanted, [{ name: 'a', everyMs: 1_000, nextMs: nowMs + 900 }], nowMs)).toEqual({ remove: [], upsert: [] })
})

test('a schedule that is missing, has another interval, lost its tick or lies far ahead is set anew, and a stranger is removed', () => {
  expect(mending(wanted, [], nowMs)).toEqual({ remove: [], upsert: wanted })
  for (const held of [
    { name: 'a', everyMs: 2_000, nextMs: nowMs },
    { name: 'a', everyMs: 1_000, nextMs: null },
    { name: 'a', everyMs: 1_000, nextMs: nowMs + 40 * 86_400_000 }
  ])
    expect(mending(wanted, [held], nowMs)).toEqual({ remove: ['a'], upsert: wanted })
  expect(mending([], [{ name: 'x', everyMs: 1, nextMs: 1 }], nowMs)).toEqual({ remove: ['x'], upsert: [] })
})

test('a turn is overdue after two intervals and the grace with Redis, after one without, and never before it was led', () => {
  const at = (agoMs: number) => new Map([['a', nowMs - agoMs]])
  const late = (agoMs: number, connected: boolean) => overdue(wanted, at(agoMs), nowMs, connected, 500).length === 1
  expect([late(2_500, true), late(2_501, true), late(1_000, false), late(1_001, false)]).toEqual([false, true, false, true])
  expect(overdue(wanted, new Map(), nowMs, false, 0)).toEqual([])
})

test('names and intervals that the queue cannot carry are refused', () => {
  for (const name of ['', 'a:b', '12', 'a b', 'x'.repeat(121), 'ä']) expect(() => checkName(name)).toThrow('cannot name a turn')
  for (const everyMs of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => checkSchedule({ name: 'a', everyMs })).toThrow('everyMs')
  checkSchedule({ name: 'consumer-guardian', everyMs: 1 })
})

test('a Redis is judged by its version, and what it does not state is a warning, not a pass', () => {
  const levels = (info: string) => judgeRedis(info).map(({ what, level }) => `${what} ${level}`)
  const sound = 'redis_version:6.2.0\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n'
  expect(levels(sound)).toEqual(['version ok', 'maxmemory-policy ok', 'appendonly ok'])
  expect(levels(sound.replace('6.2.0', '7.0.15'))[0]).toBe('version ok')
  expect(levels(sound.replace('6.2.0', '6.0.16'))[0]).toBe('version refuse')
  expect(levels(sound.replace('6.2.0', '10.0.0'))[0]).toBe('version ok')
  expect(levels('')).toEqual(['version refuse', 'maxmemory-policy warn', 'appendonly warn'])
})

test('an address and an error of Redis are shown without the password', () => {
  expect(redisAddress({ redisUrl: 'rediss://user:pw@cache.example:6380/3' })).toBe('cache.example:6380/3')
  expect(redisAddress({ redisUrl: () => 'redis://h' })).toBe('h:6379')
  for (const bad of ['', 'localhost:6379', 'http://h', 'redis://']) expect(() => redisAddress({ redisUrl: bad })).toThrow('the Redis URL is not of the form')
  expect(redisErrorText(new AggregateError([new Error('connect ECONNREFUSED redis://u:pw@h:1')]))).toBe('connect ECONNREFUSED redis://h:1')
})
