import fc from 'fast-check'
import { expect, test } from 'vitest'
import { configuredPace, paceAfter, type ScanPace } from './scan-pace.ts'

const baseMs = 30_000
const light = { tookMs: 700, throttled: false }
const heavy = { tookMs: 3_500, throttled: false }

const after = (pace: ScanPace, looks: readonly { tookMs: number; throttled: boolean }[], base = baseMs): ScanPace[] => {
  const paces: ScanPace[] = []
  for (const look of looks) paces.push((pace = paceAfter(pace, base, look).pace))
  return paces
}
const looks = fc.array(fc.record({ tookMs: fc.nat(60_000), throttled: fc.boolean() }), { maxLength: 60 })

test('a light look keeps the configured interval', () => {
  expect(paceAfter(configuredPace, baseMs, light)).toEqual({ pace: configuredPace, why: null })
  expect(paceAfter(configuredPace, baseMs, { tookMs: 3_000, throttled: false }).pace.factor).toBe(1)
})

test('a look that takes more than a tenth of the interval doubles it, and so does one that brokers throttled', () => {
  expect(paceAfter(configuredPace, baseMs, heavy)).toEqual({
    pace: { factor: 2, calmLooks: 0 },
    why: 'it took 3500 ms, more than a tenth of the interval'
  })
  expect(paceAfter(configuredPace, baseMs, { tookMs: 5, throttled: true })).toEqual({ pace: { factor: 2, calmLooks: 0 }, why: 'brokers throttled it' })
})

test('the interval is four times the configured one at most, and that is said once', () => {
  const throttled = { tookMs: 5, throttled: true }
  expect(after(configuredPace, [throttled, throttled, throttled, throttled]).map(({ factor }) => factor)).toEqual([2, 4, 4, 4])
  expect(paceAfter({ factor: 4, calmLooks: 0 }, baseMs, throttled).why).toBeNull()
})

test('five calm looks in a row halve it again, and one that is not calm starts the count anew', () => {
  const quickened = after(
    { factor: 4, calmLooks: 0 },
    Array.from({ length: 11 }, () => light)
  )
  expect(quickened.map(({ factor }) => factor)).toEqual([4, 4, 4, 4, 2, 2, 2, 2, 2, 1, 1])
  const interrupted = after({ factor: 2, calmLooks: 0 }, [light, light, light, light, { tookMs: 2_000, throttled: false }, light])
  expect(interrupted.at(-1)).toEqual({ factor: 2, calmLooks: 1 })
})

test('what ends within a quarter of a second is light, however short the interval', () => {
  expect(paceAfter(configuredPace, 500, { tookMs: 250, throttled: false }).pace.factor).toBe(1)
  expect(paceAfter(configuredPace, 500, { tookMs: 251, throttled: false }).pace.factor).toBe(2)
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

test('a cluster whose looks always take the same comes to rest at one pace', () => {
  fc.assert(
    fc.property(fc.nat(60_000), fc.integer({ min: 500, max: 600_000 }), fc.constantFrom(1, 2, 4), (tookMs, base, factor) => {
      const paces = after(
        { factor, calmLooks: 0 },
        Array.from({ length: 60 }, () => ({ tookMs, throttled: false })),
        base
      )
      expect(new Set(paces.slice(20).map(pace => pace.factor)).size).toBe(1)
    })
  )
})
