import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson, type JsonValue } from './json.ts'

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
