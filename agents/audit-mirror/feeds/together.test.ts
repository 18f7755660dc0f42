import { expect, test } from 'vitest'
import { KafkaFault } from '#shared/kafka/errors.ts'
import type { Feed, MirrorInput } from './feed.ts'
import { together } from './together.ts'

const silent = () => undefined
const memory = (key: number): MirrorInput => ({ kind: 'memory', memory: new Map([[String(key), null]]) })
const keysOf = (inputs: readonly MirrorInput[]): number[] => inputs.flatMap(input => (input.kind === 'memory' ? [...input.memory.keys()].map(Number) : []))

interface FakeFeed extends Feed {
  readonly asked: number
  bring(...keys: number[]): void
  fail(error: Error): void
}

/** Brings what it is given, a look at a time; a look without anything waits for ever. */
function fakeFeed(id: string): FakeFeed {
  const looks: PromiseWithResolvers<readonly MirrorInput[]>[] = []
  let [asked, given] = [0, 0]
  const at = (index: number) => (looks[index] ??= Promise.withResolvers())
  return {
    ids: [id],
    get asked() {
      return asked
    },
    bring: (...keys) => at(given++).resolve(keys.map(memory)),
    fail: error => at(given++).reject(error),
    next: () => at(asked++).promise,
    close: async () => undefined
  }
}

const log = { debug: silent, info: silent, warn: silent, error: silent }

test('a step takes a bounded part, in order, and no feed is looked at before the last of them is taken', async () => {
  const feed = fakeFeed('a')
  const source = together([feed], { log })
  feed.bring(...Array.from({ length: 600 }, (_, key) => key))
  const steps = [await source.next(0), await source.next(0)]
  expect(feed.asked).toBe(1)
  steps.push(await source.next(0))
  expect(steps.map(({ length }) => length)).toEqual([250, 250, 100])
  expect(keysOf(steps.flat())).toEqual(Array.from({ length: 600 }, (_, key) => key))
  expect(feed.asked).toBe(2)
})

test('what comes while a step is being written was asked for before the next step', async () => {
  const [one, other] = [fakeFeed('one'), fakeFeed('other')]
  const source = together([one, other], { log })
  one.bring(1)
  expect(keysOf(await source.next(0))).toEqual([1])
  expect([one.asked, other.asked]).toEqual([2, 1])
  other.bring(2)
  one.bring(3)
  expect(new Set(keysOf(await source.next(0)))).toEqual(new Set([2, 3]))
})

test('a feed that cannot be read is told of, and the others go on; what asking again cannot mend ends all', async () => {
  const told: string[] = []
  const [broken, whole] = [fakeFeed('broken'), fakeFeed('whole')]
  const source = together([broken, whole], { log: { ...log, warn: (_: object, message: string) => void told.push(message) } })
  broken.fail(new KafkaFault('unreachable', 'no broker answers'))
  whole.bring(1)
  expect(keysOf(await source.next(0))).toEqual([1])
  expect(told).toEqual([expect.stringContaining('no broker answers')])
  whole.fail(new TypeError('a mistake'))
  await expect(source.next(0)).rejects.toThrow('a mistake')
})
