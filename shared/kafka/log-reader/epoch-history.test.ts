import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EpochHistory } from './epoch-history.ts'

/** A log as the epoch of each offset; epochs never fall. */
const log = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5 })), { maxLength: 8 }).map(runs => {
  let epoch = 0
  return runs.flatMap(([rise, length]) => Array<number>(length).fill((epoch += rise)))
})

test('the place where two logs part is found as far as both have the same epochs', () => {
  fc.assert(
    fc.property(log, log, fc.nat(20), fc.nat(20), (common, mineAfter, further, length) => {
      const base = common.at(-1) ?? 0
      const read = [...common, ...mineAfter.map(epoch => base + epoch)]
      // The other leader went on in the last common epoch, and then in one that we never had.
      const leader = [...common, ...Array<number>(further).fill(base), ...Array<number>(length).fill(base + 100)]
      if (read.length === common.length) return
      const history = new EpochHistory()
      read.forEach((epoch, offset) => history.read(epoch, offset))
      const answered = leader.findLast(epoch => epoch <= history.last)
      if (answered === undefined) return
      expect(history.commonEnd(answered, leader.lastIndexOf(answered) + 1)).toBe(common.length)
    })
  )
})

test('what is truncated is forgotten', () => {
  const history = new EpochHistory()
  history.read(1, 0)
  history.read(2, 10)
  history.read(2, 12)
  expect(history.last).toBe(2)
  history.truncate(10)
  expect(history.last).toBe(1)
  expect(history.newestFirst).toEqual([1])
})
