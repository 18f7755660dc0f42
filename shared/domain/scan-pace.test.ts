import fc from 'fast-check'
import { expect, test } from 'vitest'
import { configuredPace, paceAfter, restingIntervalMs, type ScanPace } from './scan-pace.ts'

const baseMs = 30_000
const light = { tookMs: 150, throttled: false }
const heavy = { tookMs: 700, throttled: false }

const after = (pace: ScanPace, looks: readonly { tookMs: number; throttled: boolean }[], base = baseMs): ScanPace[] => {
  const paces: ScanPace[] = []
  for (const look of looks) paces.push((pace = paceAfter(pace, base, look).pace))
  return paces
}
const alike = (count: number, tookMs: number) => Array.from({ length: count }, () => ({ tookMs, throttled: false }))
const looks = fc.array(fc.record({ tookMs: fc.nat(60_000), throttled: fc.boolean() }), { maxLength: 60 })

test('a light look keeps the configured interval', () => {
  expect(paceAfter(configuredPace, baseMs, light)).toEqual({ pace: configuredPace, why: null })
  expect(paceAfter(configuredPace, baseMs, { tookMs: 250, throttled: false }).pace.factor).toBe(1)
  expect(paceAfter(configuredPace, 600_000, { tookMs: 3_000, throttled: false }).pace.factor).toBe(1)
})

test('a look that takes more than 1/200 of the interval doubles it, and so does one that brokers throttled', () => {
  expect(paceAfter(configuredPace, baseMs, heavy)).toEqual({
    pace: { factor: 2, calmLooks: 0 },
    why: 'it took 700 ms, more than 1/200 of the interval'
  })
  expect(paceAfter(configuredPace, baseMs, { tookMs: 5, throttled: true })).toEqual({ pace: { factor: 2, calmLooks: 0 }, why: 'brokers throttled it' })
})

test('the interval is four times the configured one at most, and that is said once', () => {
  const throttled = { tookMs: 5, throttled: true }
  expect(after(configuredPace, [throttled, throttled, throttled, throttled]).map(({ factor }) => factor)).toEqual([2, 4, 4, 4])
  expect(paceAfter({ factor: 4, calmLooks: 0 }, baseMs, throttled).why).toBeNull()
})

test('five calm looks in a row halve it again, and one that is not calm starts the count anew', () => {
  expect(after({ factor: 4, calmLooks: 0 }, alike(11, 150)).map(({ factor }) => factor)).toEqual([4, 4, 4, 4, 2, 2, 2, 2, 2, 1, 1])
  const interrupted = after({ factor: 2, calmLooks: 0 }, [...alike(4, 150), { tookMs: 260, throttled: false }, light])
  expect(interrupted.at(-1)).toEqual({ factor: 2, calmLooks: 1 })
})

test('of a long interval, a look is calm below half of what the shorter one would bear', () => {
  const slowed = { factor: 2, calmLooks: 0 }
  expect(after(slowed, alike(5, 1_500), 600_000).at(-1)!.factor).toBe(1)
  expect(after(slowed, alike(50, 1_501), 600_000).at(-1)!.factor).toBe(2)
})

test('what ends within a quarter of a second is light, however short the interval, and never keeps it long', () => {
  expect(paceAfter(configuredPace, 500, { tookMs: 250, throttled: false }).pace.factor).toBe(1)
  expect(paceAfter(configuredPace, 500, { tookMs: 251, throttled: false }).pace.factor).toBe(2)
  expect(after({ factor: 4, calmLooks: 0 }, alike(10, 250), 500).at(-1)!.factor).toBe(1)
})

test.each([
  [200, 30_000],
  [300, 60_000],
  [553, 120_000],
  [5_000, 120_000]
])('looks of %d ms come to rest at one every %d ms where every 30 s is configured', (tookMs, everyMs) => {
  expect(restingIntervalMs(baseMs, tookMs)).toBe(everyMs)
})

test('the pace is always 1, 2 or 4 times, and changes by one step', () => {
  fc.assert(
    fc.property(looks, fc.integer({ min: 500, max: 3_600_000 }), (taken, base) => {
      let before = configuredPace
      for (const pace of after(configuredPace, taken, base)) {
        expect([1, 2, 4]).toContain(pace.factor)
        expect([0.5, 1, 2]).toContain(pace.factor / before.factor)
        before = pace
      }
    })
  )
})

test('a cluster whose looks always take the same comes to rest, where they are light, or 1/200 of the time at most, or four times as rare', () => {
  fc.assert(
    fc.property(fc.nat(60_000), fc.integer({ min: 500, max: 3_600_000 }), fc.constantFrom(1, 2, 4), (tookMs, base, factor) => {
      const paces = after({ factor, calmLooks: 0 }, alike(60, tookMs), base)
      expect(new Set(paces.slice(20).map(pace => pace.factor)).size).toBe(1)
      const rested = paces.at(-1)!.factor
      expect(tookMs <= 250 || tookMs <= (base * rested) / 200 || rested === 4).toBe(true)
      const fromBelow = restingIntervalMs(base, tookMs)
      expect(fromBelow).toBe(base * after(configuredPace, alike(60, tookMs), base).at(-1)!.factor)
      // From above it may stay one step slower, so that it does not waver.
      expect([fromBelow, 2 * fromBelow]).toContain(base * rested)
    })
  )
})
