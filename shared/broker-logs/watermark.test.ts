import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SourceTime } from './source-time.ts'
import { sourceStates, tick, windowPassed, type SourceClock } from './watermark.ts'

const rules = { disorderMs: 1_000, silentAfterMs: 60_000 }
const none: SourceClock = { highestMs: null }
const stated = (atMs: number): SourceTime => ({ atMs, timeCertainty: 'stated' })

test('a line that is a little older is disorder; one that is much older is a clock that went back, and time goes on from there', () => {
  const first = tick(none, stated(100_000), rules)
  expect(first).toEqual({ clock: { highestMs: 100_000 }, atMs: 100_000, wentBackMs: null })
  expect(tick(first.clock, stated(99_000), rules)).toEqual({ clock: { highestMs: 100_000 }, atMs: 99_000, wentBackMs: null })
  expect(tick(first.clock, stated(98_999), rules)).toEqual({ clock: { highestMs: 98_999 }, atMs: 98_999, wentBackMs: 1_001 })
})

test('the second time round of an ambiguous hour is told by what came before', () => {
  const hour = 3_600_000
  const twice = (atMs: number): SourceTime => ({ atMs, orMs: atMs + hour, timeCertainty: 'ambiguous', timeZone: 'Europe/Zurich' })
  const late = tick({ highestMs: 10 * hour }, twice(10 * hour + 3_500_000), rules)
  expect(late.atMs).toBe(10 * hour + 3_500_000)
  const round = tick(late.clock, twice(10 * hour + 5_000), rules)
  expect(round).toMatchObject({ atMs: 11 * hour + 5_000, wentBackMs: null })
})

test('a window has passed when each source that speaks is beyond it, and the silent are named', () => {
  const clocks = new Map<string, SourceClock>([
    ['ahead', { highestMs: 9_999_999 }],
    ['current', { highestMs: 500_000 }],
    ['old', { highestMs: 400_000 }],
    ['never', none]
  ])
  const states = sourceStates(clocks, 500_000, rules)
  expect(states).toEqual([
    { source: 'ahead', watermarkMs: 500_000, silent: false },
    { source: 'current', watermarkMs: 499_000, silent: false },
    { source: 'old', watermarkMs: 399_000, silent: true },
    { source: 'never', watermarkMs: null, silent: true }
  ])
  expect(windowPassed(489_000, 10_000, states)).toEqual({ passed: true, waitingFor: [], silent: ['old', 'never'] })
  expect(windowPassed(489_001, 10_000, states)).toEqual({ passed: false, waitingFor: ['current'], silent: ['old', 'never'] })
})

test('without a clock that goes back a watermark never does', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 900 }), { maxLength: 50 }), steps => {
      let clock: SourceClock = none
      let base = 0
      for (const step of steps) {
        base += step
        const next = tick(clock, stated(base - (step % 7)), rules)
        expect(next.wentBackMs).toBeNull()
        expect(next.clock.highestMs!).toBeGreaterThanOrEqual(clock.highestMs ?? -10)
        clock = next.clock
      }
    })
  )
})
