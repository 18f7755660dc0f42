import fc from 'fast-check'
import { expect, test } from 'vitest'
import { deniedEvent } from '#test/support/audit-events.ts'
import type { JsonValue } from '../domain/json.ts'
import { seal } from './chain.ts'
import { lineOf, wsOf } from './describe.ts'
import { type Entry, readEntry } from './entry.ts'

const entry = readEntry(seal(deniedEvent(1), { origin: 'a/b/c/0', sequence: 0, previous: null }).bytes) as Entry
const withPayload = (payload: Readonly<Record<string, JsonValue>>): Entry => ({
  ...entry,
  value: { ...entry.value, payload: { ...payload, unmapped: {} } }
})

test('an entry is told by its seven Ws, and as a line', () => {
  expect(wsOf(entry)).toEqual({
    when: '2025-10-09T08:53:20.001Z',
    who: 'User:app',
    what: 'access.denied topic payments.events.transaction.v1',
    where: '10.0.0.1 (eu-central-1)',
    how: 'Fetch',
    why: 'broker-1-1',
    result: 'Failure TOPIC_AUTHORIZATION_FAILED'
  })
  expect(lineOf(entry)).toBe(
    '2025-10-09T08:53:20.001Z  #0  User:app  access.denied topic payments.events.transaction.v1  from 10.0.0.1 (eu-central-1)  by Fetch  Failure TOPIC_AUTHORIZATION_FAILED'
  )
})

test('who is not known is said to be unknown, and text that was cut is shown as its beginning', () => {
  expect(lineOf(withPayload({}))).toBe('2025-10-09T08:53:20.001Z  #0  unknown  access.denied')
  expect(wsOf(withPayload({ user: { name: { cut: 'User:very', length: 900, sha256: '' } } })).who).toBe('User:very…')
})

test('whatever JSON an entry holds, it is told', () => {
  const members = fc.constantFrom('actor', 'user', 'src_endpoint', 'api', 'resources', 'status', 'status_code', 'activity_name')
  fc.assert(
    fc.property(fc.dictionary(members, fc.jsonValue()), payload => {
      const made = withPayload(payload as Record<string, JsonValue>)
      for (const text of Object.values(wsOf(made))) expect(text === null || typeof text === 'string').toBe(true)
      expect(lineOf(made)).toContain('#0')
    })
  )
})
