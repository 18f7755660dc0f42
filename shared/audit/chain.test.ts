import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deniedEvent } from '#test/support/audit-events.ts'
import type { JsonValue } from '../domain/json.ts'
import { longestEntryBytes, type Place, seal, Unsealable } from './chain.ts'
import { readEntry } from './entry.ts'
import type { AuditEvent } from './event.ts'
import { eventIdOf } from './event-id.ts'

const origin = 'reeve.audit/5L6g3nShT-eMCtK--X86sw/audit.platform-operations/0'
const genesis: Place = { origin, sequence: 0, previous: null }

const word = fc.string({ unit: 'grapheme', maxLength: 12 })
const json = fc.letrec<{ value: JsonValue }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    word,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(word, fc.constantFrom('attestation_list', 'chain_uid', '"attestation_list":[{"chain_uid":')), tie('value'), { maxKeys: 3 })
  )
})).value
/** Any event whose members that stand before the attestation hold no other attestation. */
const event: fc.Arbitrary<AuditEvent> = fc
  .record({
    type: fc.constantFrom('topic.created', 'access.denied'),
    coordinate: word,
    timestampMs: fc.integer({ min: 0, max: 4e12 }),
    facts: fc.dictionary(word, json),
    who: word
  })
  .map(({ type, coordinate, timestampMs, facts, who }) => ({
    ...deniedEvent(0),
    eventId: eventIdOf(type, coordinate),
    eventType: type,
    timestampMs,
    payload: { ...deniedEvent(0).payload, actor: { user: { name: who } }, unmapped: { ...facts, coordinate } }
  }))
const hexHash = fc.stringMatching(/^[0-9a-f]{64}$/)
const place: fc.Arbitrary<Place> = fc.oneof(
  fc.constant(genesis),
  fc
    .record({ sequence: fc.integer({ min: 1, max: 2 ** 40 }), fingerprint: hexHash })
    .map(({ sequence, fingerprint }) => ({ origin, sequence, previous: { fingerprint, eventId: eventIdOf('a.b', fingerprint), typeUid: 600_501 } }))
)

/** The hash by each of the two ways that README.md, section 4 gives, without our code. */
function bothWays(bytes: Buffer): { readonly byText: string; readonly byStructure: string } {
  const text = bytes.toString()
  const list = text.indexOf('"attestation_list":[{"chain_uid":')
  const from = text.indexOf('"fingerprint":{', list)
  const to = text.indexOf('},', from) + 2
  const written = (value: unknown): string => {
    if (Array.isArray(value)) return `[${value.map(written).join()}]`
    if (typeof value !== 'object' || value === null) return JSON.stringify(value)
    return `{${Object.keys(value)
      .toSorted()
      .map(key => `${JSON.stringify(key)}:${written((value as Record<string, unknown>)[key])}`)
      .join()}}`
  }
  const entry = JSON.parse(text) as { payload: { attestation_list: [{ fingerprint?: unknown }] } }
  delete entry.payload.attestation_list[0].fingerprint
  const digest = (what: string): string => createHash('sha256').update(what).digest('hex')
  return { byText: digest(text.slice(0, from) + text.slice(to)), byStructure: digest(written(entry)) }
}

describe('an entry', () => {
  test('of any event is read back, and both ways of the format give its fingerprint', () => {
    fc.assert(
      fc.property(event, place, (draft, at) => {
        const sealed = seal(draft, at)
        const read = readEntry(sealed.bytes)
        expect(read).toMatchObject({
          ...at,
          fingerprint: sealed.fingerprint,
          eventId: draft.eventId,
          typeUid: 600_501,
          coordinate: draft.payload.unmapped.coordinate
        })
        expect(bothWays(sealed.bytes)).toEqual({ byText: sealed.fingerprint, byStructure: sealed.fingerprint })
        expect(seal(structuredClone(draft), at).bytes.equals(sealed.bytes)).toBe(true)
      }),
      { numRuns: 500 }
    )
  })

  test('is not read any more when one byte is another', () => {
    fc.assert(
      fc.property(event, place, fc.nat(), fc.integer({ min: 1, max: 255 }), (draft, at, position, difference) => {
        const { bytes, fingerprint } = seal(draft, at)
        bytes[position % bytes.length]! ^= difference
        const read = readEntry(bytes)
        if (!('fault' in read)) expect(read.fingerprint).not.toBe(fingerprint)
        else expect(read.fault).not.toBe('')
      }),
      { numRuns: 1_000 }
    )
  })

  test('is not read from any other bytes', () => {
    const { bytes } = seal(deniedEvent(1), genesis)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.nat(bytes.length - 1).map(length => bytes.subarray(0, length)),
          fc.json().map(text => Buffer.from(text))
        ),
        noise => {
          expect(readEntry(noise)).toHaveProperty('fault')
        }
      )
    )
  })

  const rewritten = (change: (text: string) => string): unknown => readEntry(Buffer.from(change(seal(deniedEvent(7), genesis).bytes.toString())))
  test.each([
    ['a space more', (text: string) => text.replace(',', ', '), 'not the canonical form'],
    ['a member twice', (text: string) => text.replace('{', '{"causationId":null,'), 'not the canonical form'],
    ['a member more', (text: string) => text.replace('{', '{"aaa":1,'), 'Unrecognized key'],
    ['a member called __proto__', (text: string) => text.replace('{', '{"__proto__":1,'), '__proto__'],
    ['a byte order mark', (text: string) => `\ufeff${text}`, 'not JSON'],
    ['a number that is no integer', (text: string) => text.replace('"severity_id":2', '"severity_id":2.5'), 'expected an integer'],
    ['another sequence', (text: string) => text.replace('"sequence":0', '"sequence":1'), 'the bytes give'],
    ['another type', (text: string) => text.replace('access.denied', 'access.allowed'), 'the bytes give'],
    ['two attestations', (text: string) => text.replace('"attestation_list":[', '"attestation_list":[{},'), 'attestation_list'],
    ['a class that is none of ours', (text: string) => text.replace('"class_uid":6005', '"class_uid":1'), 'class_uid']
  ])('with %s is refused', (_name, change, fault) => {
    expect(rewritten(change)).toEqual({ fault: expect.stringContaining(fault) })
  })

  test('whose id is not that of its coordinate is refused', () => {
    const { bytes } = seal({ ...deniedEvent(7), eventId: deniedEvent(8).eventId }, genesis)
    expect(readEntry(bytes)).toEqual({ fault: expect.stringContaining('its type and coordinate give') })
  })
})

describe('an event that no entry can hold is refused with its coordinate', () => {
  const unmapped = (facts: Record<string, JsonValue>): AuditEvent => ({
    ...deniedEvent(3),
    eventId: eventIdOf('access.denied', 'here/3'),
    payload: { ...deniedEvent(3).payload, unmapped: { ...facts, coordinate: 'here/3' } }
  })
  test.each([
    ['too long', unmapped({ line: 'x'.repeat(longestEntryBytes) }), 'at most 65535'],
    ['a number that is no integer', unmapped({ rate: 1.5 }), '1.5'],
    ['a number too large', unmapped({ rate: 2 ** 53 }), 'expected an integer'],
    ['half a surrogate pair', unmapped({ name: '\ud800' }), 'surrogate'],
    [
      'an attestation before its own',
      { ...unmapped({}), payload: { ...unmapped({}).payload, actor: { attestation_list: [{ chain_uid: 'x' }] } } },
      'followed by the origin'
    ],
    ['no time', { ...unmapped({}), timestampMs: Number.NaN }, 'Invalid time']
  ])('%s', (_name, draft, why) => {
    const attempt = (): unknown => seal(draft, genesis)
    expect(attempt).toThrow(Unsealable)
    expect(attempt).toThrow(why)
    expect(attempt).toThrow('access.denied of here/3')
  })

  test('an entry of exactly the greatest length is sealed', () => {
    const { length } = seal(unmapped({ line: '' }), genesis).bytes
    const longest = seal(unmapped({ line: 'x'.repeat(longestEntryBytes - length) }), genesis)
    expect(longest.bytes.length).toBe(longestEntryBytes)
    expect(readEntry(longest.bytes)).not.toHaveProperty('fault')
  })
})
