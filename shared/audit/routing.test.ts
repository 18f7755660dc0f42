import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chainOf, mostChains } from './routing.ts'

const chains = fc.integer({ min: 1, max: mostChains })

test('every source has one log of its topic, whatever was asked before', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), chains, (sources, count) => {
      const first = sources.map(source => chainOf(source, count))
      const again = sources.toReversed().map(source => chainOf(source, count))
      expect(again.toReversed()).toEqual(first)
      for (const partition of first) expect(partition >= 0 && partition < count && Number.isInteger(partition)).toBe(true)
    })
  )
})

// Of an independent calculation: printf authorizer/0 | sha256sum.
test.each([
  ['metadata-log', 3, 2],
  ['authorizer/0', 3, 1],
  ['authorizer/1', 3, 0],
  ['journal', 16, 7]
])('the log of %s of %i is the one that the specification gives', (source, count, partition) => {
  expect(chainOf(source, count)).toBe(partition)
})

test('what is about no source is in the first log, and so is everything where there is one', () => {
  expect(chainOf(null, 16)).toBe(0)
  fc.assert(fc.property(fc.string(), source => chainOf(source, 1) === 0))
})

test('many sources are spread over all logs', () => {
  fc.assert(
    fc.property(chains, count => {
      const used = new Set(Array.from({ length: 400 }, (_, number) => chainOf(`authorizer/${number}`, count)))
      expect(used.size).toBe(count)
    })
  )
})
