import fc from 'fast-check'
import { expect, test } from 'vitest'
import { agreementMs, trustedNow } from './clock.ts'

const day = 86_400_000
const base = Date.UTC(2026, 0, 1)

test('three clocks that agree give the least', () => {
  expect(trustedNow({ localMs: base + 5, redisMs: base, brokerMs: base + 9 })).toEqual({ nowMs: base, trusted: true, why: null })
})

test('one wrong clock is outvoted, whichever way it is off', () => {
  for (const off of [-40 * day, 40 * day]) {
    expect(trustedNow({ localMs: base + off, redisMs: base, brokerMs: base + 1 })).toMatchObject({
      nowMs: base,
      trusted: true,
      why: expect.stringContaining('this host is off')
    })
    expect(trustedNow({ localMs: base, redisMs: base + off, brokerMs: base + 1 })).toMatchObject({ nowMs: base, trusted: true })
  }
})

test('two clocks that disagree, or one alone, are not trusted', () => {
  expect(trustedNow({ localMs: base, redisMs: base + 40 * day, brokerMs: null })).toMatchObject({ nowMs: base, trusted: false })
  expect(trustedNow({ localMs: base, redisMs: null, brokerMs: null })).toMatchObject({ trusted: false, why: expect.stringContaining('only one clock') })
})

test('now is never later than a clock that is right, when two are right', () => {
  fc.assert(
    fc.property(fc.integer({ min: -40 * day, max: 40 * day }), fc.nat(agreementMs), fc.constantFrom('localMs', 'redisMs', 'brokerMs'), (off, spread, wrong) => {
      const readings = { localMs: base, redisMs: base + spread, brokerMs: base, [wrong]: base + off }
      const { nowMs, trusted } = trustedNow(readings)
      expect(trusted).toBe(true)
      expect(nowMs).toBeLessThanOrEqual(base + spread)
    })
  )
})
