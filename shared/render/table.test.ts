import fc from 'fast-check'
import { expect, test } from 'vitest'
import { count, printable, table } from './table.ts'

test('columns are as wide as their widest cell, and the last one is cut', () => {
  expect(
    table(
      ['group', 'lag', 'why'],
      [
        ['a', '1', 'short'],
        ['longer', '1,000', 'a sentence that does not fit']
      ],
      24
    ).split('\n')
  ).toEqual(['group   lag    why', '──────  ─────  ───', 'a       1      short', 'longer  1,000  a senten…'])
})

test('unknown is not zero', () => expect([count(null), count(0), count(1_234_567)]).toEqual(['?', '0', '1,234,567']))

test('no name can drive the terminal of its reader', () => {
  expect(printable('\u001b[31mred\u202eder')).toBe('\\u{1b}[31mred\\u{202e}der')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u)
    })
  )
})
