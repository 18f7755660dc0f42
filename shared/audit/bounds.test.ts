import { hash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bounded, boundedText, bytesAsIs, type Loose, shortText } from './bounds.ts'
import type { JsonValue } from '../domain/json.ts'
import { canonical } from './canonical.ts'

const roomy = { textBytes: 1_000, items: 100 }

test('text within its bound stays as it is', () => {
  expect(boundedText('payments', 8)).toBe('payments')
})

test('longer text is its first part, its length and the hash of the whole', () => {
  expect(boundedText('payments', 3)).toEqual({ cut: 'pay', length: 8, sha256: hash('sha256', 'payments', 'hex') })
})

test('a character is never cut in two', () => {
  expect(boundedText('a😀b', 4)).toMatchObject({ cut: 'a', length: 6 })
  expect(boundedText('a😀b', 5)).toMatchObject({ cut: 'a😀' })
})

test('control characters count as the six bytes that they take', () => {
  expect(boundedText('\u0001\u0001', 11)).toMatchObject({ cut: '\u0001' })
  expect(boundedText('\u0001\u0001', 12)).toBe('\u0001\u0001')
})

test('half of a surrogate pair is cut, because UTF-8 cannot carry it', () => {
  expect(boundedText('a\ud800', 100)).toMatchObject({ cut: 'a\ufffd', length: 4 })
})

test('a list with too many items says how many there were', () => {
  expect(bounded([1, 2, 3], { textBytes: 100, items: 2 })).toMatchObject({
    value: { cut: [1, 2], items: 3, sha256: hash('sha256', '[1,2,3]', 'hex') },
    cut: true
  })
})

test('an object with too many members keeps the first by name', () => {
  expect(bounded({ b: 1, a: 2, c: 3 }, { textBytes: 100, items: 2 }).value).toMatchObject({ cut: { a: 2, b: 1 }, items: 3 })
})

test('numbers that the format does not carry become text', () => {
  expect(bounded([1.5, 2 ** 60, 10n, 2n ** 70n, -0], roomy)).toMatchObject({
    value: ['1.5', '1152921504606847000', 10, '1180591620717411303424', 0],
    cut: false
  })
})

test.each<[string, Loose]>([
  ['control characters', '\u0001'.repeat(150)],
  ['characters of three bytes', '€'.repeat(300)],
  ['names of control characters', Object.fromEntries(Array.from({ length: 50 }, (_, index) => ['\u0001'.repeat(50 + index), index]))],
  ['long numbers', Array.from({ length: 100 }, () => Number('-1.2345678901234567e-300'))],
  ['what is cut', ['\u0001'.repeat(500), Array.from({ length: 101 }, () => null)]]
])('the JSON of %s is no longer than it says', (_, value) => {
  const { value: kept, mostBytes } = bounded(value, roomy)
  expect(Buffer.byteLength(canonical(kept))).toBeLessThanOrEqual(mostBytes)
})

test('nesting deeper than anybody writes is cut and harms nobody', () => {
  const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as Loose
  expect(bounded(deep, roomy).cut).toBe(true)
})

test('two long texts with the same beginning have different short texts', () => {
  const [one, other] = ['x'.repeat(500), `${'x'.repeat(499)}y`].map(text => shortText(text, 200))
  expect(one).not.toBe(other)
  expect(Buffer.byteLength(one!)).toBeLessThanOrEqual(200)
})

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.string({ unit: 'binary', minLength: 90, maxLength: 300 }),
  fc.constant('\ud83d'),
  fc.constant('__proto__')
)
const { loose } = fc.letrec<{ loose: Loose }>(tie => ({
  loose: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.double(),
    fc.integer(),
    fc.bigInt(),
    fc.constant(undefined),
    fc.boolean(),
    fc.array(tie('loose')),
    fc.dictionary(text, tie('loose'))
  )
}))

/** Near the bounds of the test below, on both sides of them. */
const { near } = fc.letrec<{ near: Loose }>(tie => {
  const short = fc.oneof(fc.string({ maxLength: 16 }), fc.string({ minLength: 95, maxLength: 110 }), fc.constantFrom('__proto__', '\ud83d'))
  const leaf = fc.oneof(
    { weight: 6, arbitrary: fc.oneof(short, fc.maxSafeInteger(), fc.boolean(), fc.constant(null)) },
    fc.constantFrom(undefined, 0.5, -0, 7n)
  )
  return { near: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('near'), { maxLength: 6 }), fc.dictionary(short, tie('near'), { maxKeys: 6 })) }
})

test('what is kept as it is is what its bounds would make of it, within the bytes that are told', () => {
  let [kept, changed] = [0, 0]
  fc.assert(
    fc.property(near, value => {
      const bounds = { textBytes: 100, items: 2 }
      const bytes = bytesAsIs(value, bounds)
      if (bytes === Infinity) {
        changed++
        return
      }
      kept++
      const { value: made, cut } = bounded(value, bounds)
      expect(cut).toBe(false)
      expect(canonical(value as JsonValue)).toBe(canonical(made))
      expect(Buffer.byteLength(canonical(made))).toBeLessThanOrEqual(bytes)
    }),
    { numRuns: 1_000 }
  )
  expect(Math.min(kept, changed)).toBeGreaterThan(50)
})

test('whatever comes in, what comes out is canonical JSON, the same each time, with no text beyond its bound', () => {
  fc.assert(
    fc.property(loose, value => {
      const once = bounded(value, { textBytes: 100, items: 5 })
      expect(canonical(once.value)).toBe(canonical(bounded(value, { textBytes: 100, items: 5 }).value))
      expect(Buffer.byteLength(canonical(once.value))).toBeLessThanOrEqual(once.mostBytes)
      const longest = (item: unknown): number =>
        typeof item === 'string'
          ? Buffer.byteLength(JSON.stringify(item)) - 2
          : item !== null && typeof item === 'object'
            ? Math.max(0, ...Object.values(item).map(longest))
            : 0
      expect(longest(once.value)).toBeLessThanOrEqual(100)
    }),
    { numRuns: 40 }
  )
})
