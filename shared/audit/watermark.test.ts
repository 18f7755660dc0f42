import fc from 'fast-check'
import { expect, test } from 'vitest'
import { advance, jointOf, silentOf, type SourceClock, unset, watermarkOf } from './watermark.ts'

const options = { latenessMs: 10, jumpMs: 1_000, giveUpMs: 500 }
const after = (...times: number[]): SourceClock => times.reduce((clock, time) => advance(clock, time, options), unset)

test('a source has come as far as its newest input, less what may come out of order', () => {
  expect(watermarkOf(after(100, 130, 120), options)).toBe(120)
})

test('one time far ahead is doubted, and forgotten when the next input denies it', () => {
  expect(after(100, 5_000)).toEqual({ newestMs: 100, doubtedMs: 5_000 })
  expect(after(100, 5_000, 110)).toEqual({ newestMs: 110, doubtedMs: null })
})

test('a second input that agrees makes it believed: the source was silent for long', () => {
  expect(after(100, 5_000, 4_900)).toEqual({ newestMs: 5_000, doubtedMs: null })
})

test('two that disagree with each other are not believed', () => {
  expect(after(100, 5_000, 90_000)).toEqual({ newestMs: 100, doubtedMs: 90_000 })
})

test('the sources together have come as far as the last of them', () => {
  const joint = jointOf(
    new Map([
      ['a', after(400)],
      ['b', after(100)]
    ]),
    options
  )
  expect(joint).toEqual({ watermarkMs: 90, furthestMs: 390, silent: [] })
})

test('a source that is too far behind the furthest is not waited for, and said to be silent', () => {
  const joint = jointOf(
    new Map([
      ['a', after(700)],
      ['b', after(100)]
    ]),
    options
  )
  expect(joint).toEqual({ watermarkMs: 690, furthestMs: 690, silent: [{ sourceId: 'b', sinceMs: 100 }] })
  expect(silentOf(joint)).toEqual([{ sourceId: 'b', since: '1970-01-01T00:00:00.100Z' }])
})

test('a source that was never heard of is waited for from when it was read, then not any more', () => {
  const clocks = (ms: number) =>
    new Map([
      ['a', after(ms)],
      ['b', unset]
    ])
  expect(jointOf(clocks(300), options, 100).watermarkMs).toBe(Number.NEGATIVE_INFINITY)
  expect(jointOf(clocks(900), options, 100)).toEqual({ watermarkMs: 890, furthestMs: 890, silent: [{ sourceId: 'b', sinceMs: null }] })
  expect(silentOf(jointOf(clocks(900), options, 100))).toEqual([{ sourceId: 'b', since: null }])
})

test('a watermark never goes back', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 10_000 })), times => {
      let clock = unset
      for (const time of times) {
        const next = advance(clock, time, options)
        expect(watermarkOf(next, options)).toBeGreaterThanOrEqual(watermarkOf(clock, options))
        clock = next
      }
    })
  )
})
