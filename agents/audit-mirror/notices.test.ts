import { expect, test } from 'vitest'
import type { AuditEvent } from '#shared/audit/event.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import { noon } from '#test/support/audit-inputs.ts'
import { openNotices } from './notices.ts'

const event = (eventType: string, number: number, more: { unmapped?: Record<string, JsonValue>; status_id?: number; atMs?: number } = {}): AuditEvent => {
  const { unmapped = {}, status_id: status = 1, atMs = noon } = more
  return {
    eventId: `${eventType}-${number}`,
    eventType,
    source: 'mirror',
    timestampMs: atMs,
    correlationId: null,
    causationId: null,
    metadata: { userId: null, sessionId: null, traceId: null, environment: null },
    payload: {
      class_uid: 6003,
      type_uid: 600399,
      metadata: {},
      unmapped: { coordinate: `c${number}`, ...unmapped },
      message: `message ${number}`,
      status_id: status
    }
  }
}
const open = (number: number, atMs = noon) => event('change.unattributed', number, { atMs })
const late = (number: number, atMs = noon) =>
  event('change.attributed', number, { unmapped: { toldLate: { byMs: 7, unattributed: `change.unattributed-${number}` } }, atMs })
const day = 'audit-mirror/change.unattributed/2026-11-21'

/** Told in the order of the events, by a process that ends behind each of them. */
function told(...events: AuditEvent[]) {
  const remembered = new Map<string, JsonValue>()
  const notices = events.flatMap(each => {
    const { notices: some, memory } = openNotices(remembered).of([each])
    for (const [key, value] of memory)
      if (value === null) remembered.delete(key)
      else remembered.set(key, JSON.parse(JSON.stringify(value)) as JsonValue)
    return some
  })
  return { said: notices.map(({ key, resolved }) => `${key} ${resolved}`), notices, remembered }
}

test('of changes that nobody is known to have made the first of a day is told', () => {
  expect(told(open(1), open(2), open(3, noon + 86_400_000)).said).toEqual([`${day} false`, 'audit-mirror/change.unattributed/2026-11-22 false'])
})

test('the told one that is attributed late is told, and its incident is resolved when no other of the day is open', () => {
  const { said, notices } = told(open(1), open(2), late(1), late(2))
  expect(said).toEqual([`${day} false`, `${day}/attributed false`, `${day}/resolved true`])
  expect(new Set(notices.map(({ incident }) => incident))).toEqual(new Set([day]))
  expect(notices[1]).toMatchObject({ severity: 'info', why: ['message 1'], next: { what: 'find out who made the other 1 of that day' } })
})

test('another that is attributed late is not, and does not resolve what is open', () => {
  expect(told(open(1), open(2), late(2)).said).toEqual([`${day} false`])
})

test('behind a resolved incident the next change of the day is told anew, under another one', () => {
  expect(told(open(1), late(1), open(2), late(2)).said).toEqual([`${day} false`, `${day}/resolved true`, `${day}/1 false`, `${day}/1/resolved true`])
})

test('what was attributed in time, or is of a day that is forgotten, is not told', () => {
  expect(told(event('change.attributed', 1), late(1)).said).toEqual([])
  const many = told(...Array.from({ length: 30 }, (_, index) => open(index, noon + index * 86_400_000)))
  expect(many.remembered.size).toBe(9)
})

test('many failed logins are told once a day; single ones, and those that succeed, are not', () => {
  const folded = (number: number, status: number) => event('authentication.folded', number, { status_id: status })
  expect(told(event('authentication.failed', 0, { status_id: 2 }), folded(1, 1), folded(2, 2)).said).toEqual([
    'audit-mirror/authentication.folded/2026-11-21 false'
  ])
})
