import fc from 'fast-check'
import { expect, test } from 'vitest'
import { coarser, timeline } from './timeline.ts'

const values = fc
  .array(
    fc.record({
      stepMs: fc.integer({ min: 0, max: 400 }),
      value: fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: null, freq: 5 }),
      gap: fc.boolean()
    }),
    {
      minLength: 1,
      maxLength: 60
    }
  )
  .map(steps => {
    let atMs = 0
    return steps.map(({ stepMs, value, gap }) => ({ atMs: (atMs += stepMs), value, gap }))
  })

test('whatever is brought down to few stretches keeps its extremes, in the stretch where they were', () => {
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 5 }), (points, count, factor) => {
      const untilMs = points.at(-1)!.atMs + 1
      const line = timeline(0, untilMs, count)
      for (const { atMs, value, gap } of points) line.add(atMs, value, gap)
      const known = points.flatMap(({ value }) => value ?? [])
      for (const { stretches, unknown } of [line.columns(), coarser(line.columns(), factor)]) {
        const found = stretches.filter(stretch => stretch !== null)
        expect(found.length > 0).toBe(known.length > 0)
        if (known.length > 0) {
          expect(Math.max(...found.map(({ most }) => most))).toBe(Math.max(...known))
          expect(Math.min(...found.map(({ least }) => least))).toBe(Math.min(...known))
        }
        expect(unknown).toHaveLength(stretches.length)
        stretches.forEach((stretch, index) => stretch === null && expect(unknown[index]).toBe(true))
      }
      for (const { atMs, value } of points) {
        if (value === null) continue
        const stretch = line.columns().stretches[Math.min(count - 1, Math.floor((atMs * count) / untilMs))]
        expect(stretch!.least).toBeLessThanOrEqual(value)
        expect(stretch!.most).toBeGreaterThanOrEqual(value)
      }
    })
  )
})

test('between two values that belong together it goes in a straight line', () => {
  const line = timeline(0, 100, 10)
  line.add(5, 0)
  line.add(95, 90)
  expect(line.columns().stretches.map(stretch => stretch?.last)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90])
  expect(line.columns().unknown).toEqual(Array.from({ length: 10 }, () => false))
})

test('over a gap, before the first value, after the last and where a value was not seen nothing is known', () => {
  const line = timeline(0, 100, 10)
  line.add(15, 7)
  line.add(55, 7, true)
  line.add(65, null)
  line.add(75, 0)
  const { stretches, unknown } = line.columns()
  expect(stretches.map(stretch => stretch?.last ?? null)).toEqual([null, 7, null, null, null, 7, null, 0, null, null])
  expect(unknown).toEqual([true, true, true, true, true, true, true, false, true, true])
})

test('what lies outside the time, or comes out of order, is left out', () => {
  const line = timeline(100, 200, 2)
  line.add(99, 1_000)
  line.add(160, 2)
  line.add(110, 1_000)
  line.add(200, 3)
  line.add(201, 1_000)
  expect(line.columns().stretches).toEqual([null, { least: 2, most: 3, last: 3 }])
})
