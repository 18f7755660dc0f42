import { expect, test } from 'vitest'
import { notifierOf } from '#test/support/replica.ts'
import type { JsonValue } from '../domain/json.ts'
import type { Delivery } from '../notify/notifier.ts'
import type { Notice } from './agent.ts'
import { StreamOutbox } from './stream-outbox.ts'
import type { Memory } from './stream.ts'

const silent = () => undefined
const log = { debug: silent, info: silent, warn: silent, error: silent }
const notice = (key: string): Notice => ({
  key,
  incident: key,
  severity: 'warning',
  resolved: false,
  team: null,
  channel: null,
  title: key,
  why: [],
  sinceMs: 0,
  next: { what: '', atMs: null },
  answer: null
})

test('what waits to be told, and what nobody will be told, is known, also to whoever goes on with what was remembered', async () => {
  let answer: Delivery = { ok: false, retryable: true, error: 'no connection' }
  const notifier = notifierOf(async () => answer)
  const remembered = new Map<string, JsonValue>()
  const keep = (memory: Memory) => memory.forEach((value, key) => (value === null ? remembered.delete(key) : remembered.set(key, value)))
  const outbox = new StreamOutbox(notifier, remembered, log)
  expect(outbox.backlog()).toEqual({ waiting: 0, undeliverable: 0, oldestSinceMs: null })
  keep(outbox.add([notice('a')], 1_000))
  keep(outbox.add([notice('b'), notice('a')], 2_000))
  expect(outbox.backlog()).toEqual({ waiting: 2, undeliverable: 0, oldestSinceMs: 1_000 })
  keep(await outbox.deliver(3_000))
  const next = new StreamOutbox(notifier, remembered, log)
  expect(next.backlog()).toEqual({ waiting: 2, undeliverable: 0, oldestSinceMs: 1_000 })
  answer = { ok: false, retryable: false, error: 'no such channel' }
  keep(await next.deliver(100_000))
  expect(next.backlog()).toEqual({ waiting: 2, undeliverable: 2, oldestSinceMs: 1_000 })
  answer = { ok: true }
  keep(await next.deliver(10_000_000))
  expect(next.backlog()).toEqual({ waiting: 0, undeliverable: 0, oldestSinceMs: null })
})
