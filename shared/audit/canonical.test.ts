import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonValue } from '../domain/json.ts'
import { canonical } from './canonical.ts'

/** Any JSON whose numbers are integers, names that JavaScript orders otherwise or treats apart among them. */
const names = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }).filter(text => text.isWellFormed()),
  fc.constantFrom('__proto__', 'constructor', 'toJSON', '10', '9', '')
)
const texts = fc.oneof(
  fc.string({ unit: 'binary' }).filter(text => text.isWellFormed()),
  fc.string({ unit: 'binary-ascii' })
)
const { json } = fc.letrec<{ json: JsonValue }>(tie => ({
  json: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    texts,
    fc.array(tie('json'), { maxLength: 5 }),
    fc.dictionary(names, tie('json'), { maxKeys: 6 })
  )
}))

test('it is what the library of the RFC writes, and reads back as what it was', () => {
  fc.assert(
    fc.property(json, value => {
      expect(canonical(value)).toBe(canonicalize(value))
      expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
    { numRuns: 2_000 }
  )
})

test('the order of members does not matter, and the names of the RFC come in its order', () => {
  const given = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
  expect(canonical(given)).toBe('{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}')
  expect(canonical(Object.fromEntries(Object.entries(given).toReversed()))).toBe(canonical(given))
})

test.each([0.5, 2 ** 53, Number.NaN, Infinity, 'half \ud800', { '\udc00': 1 }, ['a', { b: -1.5 }]])('%j is not carried', value => {
  expect(() => canonical(value as JsonValue)).toThrow(RangeError)
})

test('a member that is undefined is none, and minus zero is zero', () => {
  expect(canonical({ b: undefined as unknown as JsonValue, a: -0 })).toBe('{"a":0}')
})
