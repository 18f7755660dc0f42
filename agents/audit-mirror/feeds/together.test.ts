import { expect, test } from 'vitest'
import { KafkaFault } from '#shared/kafka/errors.ts'
import type { Feed, MirrorInput } from './feed.ts'
import { together } from './together.ts'

const silent = () => undefined
const memory = (key: number): MirrorInput => ({ kind: 'memory', memory: new Map([[String(key), null]]) })
const moment = (key: number): MirrorInput => ({
  kind: 'brought',
  input: { kind: 'time', sourceId: 'a', position: key, timestampMs: key },
  through: key,
  replay: false
})
const keysOf = (inputs: readonly MirrorInput[]): number[] =>
  inputs.flatMap(input => (input.kind === 'memory' ? [...input.memory.keys()].map(Number) : input.kind === 'brought' ? [input.through as number] : []))
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index)

interface FakeFeed extends Feed {
  readonly asked: number
  bring(...inputs: MirrorInput[]): void
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
    bring: (...inputs) => at(given++).resolve(inputs),
    fail: error => at(given++).reject(error),
    next: () => at(asked++).promise,
    close: async () => undefined
  }
}

const log = { debug: silent, info: silent, warn: silent, error: silent }

test('a step takes a bounded part, in order, and no feed is looked at before the last of them is taken', async () => {
  const feed = fakeFeed('a')
  const source = together([feed], { log })
  feed.bring(...numbers(0, 600).map(moment))
  const steps = [await source.next(0), await source.next(0)]
  expect(feed.asked).toBe(1)
  steps.push(await source.next(0))
  expect(steps.map(({ length }) => length)).toEqual([250, 250, 100])
  expect(keysOf(steps.flat())).toEqual(numbers(0, 600))
  expect(feed.asked).toBe(2)
})

test('a look with anything that does not stand for itself is one step, with what a step takes beside it', async () => {
  const [one, other] = [fakeFeed('one'), fakeFeed('other')]
  one.bring(...numbers(0, 600).map(moment))
  other.bring(...numbers(600, 1_200).map(moment), memory(1_200))
  const source = together([one, other], { log })
  const steps = [await source.next(0), await source.next(0), await source.next(0)].map(keysOf)
  expect(steps).toEqual([numbers(0, 250), numbers(250, 500), numbers(500, 1_201)])
})

test('a look of hundreds of thousands, as the differences to a snapshot may be, is one step too', async () => {
  const feed = fakeFeed('a')
  const source = together([feed], { log })
  const inputs = [...numbers(0, 300_000).map(moment), memory(300_000)]
  feed.next = async () => inputs
  expect(await source.next(0)).toHaveLength(inputs.length)
})

test('what comes while a step is being written was asked for before the next step', async () => {
  const [one, other] = [fakeFeed('one'), fakeFeed('other')]
  const source = together([one, other], { log })
  one.bring(memory(1))
  expect(keysOf(await source.next(0))).toEqual([1])
  expect([one.asked, other.asked]).toEqual([2, 1])
  other.bring(memory(2))
  one.bring(memory(3))
  expect(new Set(keysOf(await source.next(0)))).toEqual(new Set([2, 3]))
})

test('a feed that cannot be read is told of, and the others go on; what asking again cannot mend ends all', async () => {
  const told: string[] = []
  const [broken, whole] = [fakeFeed('broken'), fakeFeed('whole')]
  const source = together([broken, whole], { log: { ...log, warn: (_: object, message: string) => void told.push(message) } })
  broken.fail(new KafkaFault('unreachable', 'no broker answers'))
  whole.bring(memory(1))
  expect(keysOf(await source.next(0))).toEqual([1])
  expect(told).toEqual([expect.stringContaining('no broker answers')])
  whole.fail(new TypeError('a mistake'))
  await expect(source.next(0)).rejects.toThrow('a mistake')
})
