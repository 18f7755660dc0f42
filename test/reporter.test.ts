import { expect, test } from 'vitest'
import { summarise } from './reporter.ts'

test('the last line holds the counts, and each skipped test is named with its reason before it', () => {
  const outcomes = [
    { name: 'a', state: 'passed' },
    { name: 'b', state: 'skipped', note: 'no kcat here' },
    { name: 'c', state: 'skipped' },
    { name: 'd', state: 'failed' }
  ] as const
  expect(summarise(outcomes, 0)).toEqual({
    passed: 1,
    failed: 1,
    lines: ['not run: b: no kcat here', 'not run: c: no reason given', '1 passed, 1 failed, 2 skipped']
  })
})

test('without a skipped test the line says nothing of them', () => {
  expect(summarise([{ name: 'a', state: 'passed' }], 0).lines).toEqual(['1 passed, 0 failed'])
})

test('a file that breaks outside its tests is a failure', () => {
  expect(summarise([], 1)).toEqual({ passed: 0, failed: 1, lines: ['0 passed, 1 failed'] })
})
