import fc from 'fast-check'
import { expect, test } from 'vitest'
import { matchesGlob } from './glob.ts'

test.each([
  ['payments-*', 'payments-refunds', true],
  ['payments-*', 'payments', false],
  ['*', '', true],
  ['', '', true],
  ['', 'a', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['*.events.*.v1', 'payments.events.transaction.v1', true],
  ['*.events.*.v1', 'payments.commands.transaction.v1', false],
  ['__*', '__consumer_offsets', true],
  ['a.c', 'abc', false],
  ['[a]', 'a', false]
])('%s on %s is %s', (glob, name, expected) => expect(matchesGlob(glob, name)).toBe(expected))

test('agrees with the regular expression of the same meaning', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.', '\n'), maxLength: 12 })
  fc.assert(
    fc.property(text, text, (glob, name) => {
      const pattern = Array.from(glob, char =>
        char === '*' ? '[\\s\\S]*' : char === '?' ? '[\\s\\S]' : char.replace(/[.\n]/, found => (found === '.' ? '\\.' : '\\n'))
      ).join('')
      expect(matchesGlob(glob, name)).toBe(new RegExp(`^${pattern}$`).test(name))
    })
  )
})

test('a glob full of stars does not blow up', () => {
  expect(matchesGlob(`${'*a'.repeat(40)}b`, 'a'.repeat(5_000))).toBe(false)
})
