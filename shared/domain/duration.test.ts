import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from './duration.ts'

test.each([
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['14d', 1_209_600_000],
  ['500ms', 500],
  ['0s', 0]
])('%s is %i ms', (text, expected) => expect(parseDuration(text)).toBe(expected))

test.each(['', '5', '1 h', '-1s', '1.5h', 'soon', '1y', 's', '1h m', '9999999999999999d'])('%j is no duration', text => expect(parseDuration(text)).toBeNull())

test.each([
  [0, '0ms'],
  [950, '950ms'],
  [5_400_000, '1h30m'],
  [90_061_000, '1d1h'],
  [59_999, '1m'],
  [-1_000, '-1s']
])('%i ms reads %s', (durationMs, expected) => expect(formatDuration(durationMs)).toBe(expected))

test('what was formatted can be parsed again, and is near', () => {
  fc.assert(
    fc.property(fc.nat({ max: 100 * 86_400_000 }), durationMs => {
      const again = parseDuration(formatDuration(durationMs))
      expect(again).not.toBeNull()
      expect(Math.abs(again! - durationMs)).toBeLessThan(3_600_000)
    })
  )
})
