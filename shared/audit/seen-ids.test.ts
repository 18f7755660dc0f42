import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eventIdOf } from './event-id.ts'
import { openSeenIds } from './seen-ids.ts'

const idOf = (number: number): Buffer => Buffer.from(eventIdOf('topic.created', String(number)).replaceAll('-', ''), 'hex')

test('an id is new once, as in a set', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(300), { maxLength: 400 }), numbers => {
      const [ids, set] = [openSeenIds(), new Set<number>()]
      for (const number of numbers) {
        expect(ids.add(idOf(number))).toBe(!set.has(number))
        set.add(number)
      }
    }),
    { numRuns: 50 }
  )
})

test('what was there is known after it has grown, and ids that begin alike are told apart', () => {
  const ids = openSeenIds()
  const added = (): number => Array.from({ length: 20_000 }, (_, number) => ids.add(idOf(number))).filter(isNew => isNew).length
  expect([added(), added()]).toEqual([20_000, 0])
  const [one, other] = [idOf(20_000), idOf(20_000)]
  other[15]! ^= 1
  expect([ids.add(one), ids.add(other), ids.add(one), ids.add(other)]).toEqual([true, true, false, false])
})
