import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson, type JsonValue, sameJson } from './json.ts'

test('equal values have equal bytes whatever the order of their keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), object => {
      const reversed = Object.fromEntries(Object.entries(object).reverse())
      expect(canonicalJson(reversed as JsonValue)).toBe(canonicalJson(object as JsonValue))
      expect(JSON.parse(canonicalJson(object as JsonValue))).toEqual(JSON.parse(JSON.stringify(object)))
    })
  )
})

test('what JSON cannot carry is refused', () => {
  expect(() => canonicalJson(Number.NaN)).toThrow('has no JSON form')
})

test('two values are the same exactly when their canonical bytes are', () => {
  const tree = fc.letrec<{ value: unknown }>(tie => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, 0, -0, 1, '', 'a', undefined),
      fc.array(tie('value'), { maxLength: 3 }).map(items => items.map(item => item ?? null)),
      fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'constructor'), tie('value'), { noNullPrototype: true })
    )
  })).value
  const value = tree.map(each => (each ?? null) as JsonValue)
  fc.assert(
    fc.property(value, value, (one, other) => {
      expect(sameJson(one, other)).toBe(canonicalJson(one) === canonicalJson(other))
      expect(sameJson(one, structuredClone<JsonValue>(one))).toBe(true)
    }),
    { numRuns: 2_000 }
  )
})
