import { createRequire } from 'node:module'
import fc from 'fast-check'
import type { Consumer, EachMessagePayload } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { takeOverPauses } from './pauses.ts'

type TopicPartitions = { topic: string; partitions?: number[] }
interface State {
  assign(each: { topic: string; partitions: number[] }[]): void
  pause(each: TopicPartitions[]): void
  resume(each: TopicPartitions[]): void
  isPaused(topic: string, partition: number): boolean
}
/** What a real kafkajs consumer keeps its pauses in. */
const SubscriptionState = createRequire(import.meta.url)('kafkajs/src/consumer/subscriptionState') as new () => State

const topics = ['a', 'b']
const partitions = [0, 1, 2]

/** The pause surface of a kafkajs consumer over kafkajs's own state, and the payload that its handler would get. */
function consumerOver(first: State) {
  let state = first
  let handler: ((payload: EachMessagePayload) => Promise<void>) | undefined
  const consumer = {
    pause: (each: TopicPartitions[]) => state.pause(each),
    resume: (each: TopicPartitions[]) => state.resume(each),
    run: async ({ eachMessage }: { eachMessage?: typeof handler }) => void (handler = eachMessage)
  }
  const deliver = (topic: string, partition: number): Promise<void> | undefined =>
    handler?.({
      topic,
      partition,
      pause: () => {
        const current = state
        current.pause([{ topic, partitions: [partition] }])
        return () => current.resume([{ topic, partitions: [partition] }])
      }
    } as EachMessagePayload)
  const restart = (): State => (state = new SubscriptionState())
  return { consumer: consumer as unknown as Consumer, deliver, restart }
}
const pausedIn = (state: State): string[] =>
  topics.flatMap(topic => partitions.filter(partition => state.isPaused(topic, partition)).map(partition => `${topic}-${partition}`))

const some = fc
  .record({ topic: fc.constantFrom(...topics), partitions: fc.option(fc.subarray(partitions), { nil: undefined }) })
  .map(({ topic, partitions: chosen }) => (chosen ? { topic, partitions: chosen } : { topic }))
const step = fc.oneof(
  fc.record({ kind: fc.constant('pause' as const), each: fc.array(some, { maxLength: 2 }) }),
  fc.record({ kind: fc.constant('resume' as const), each: fc.array(some, { maxLength: 2 }) }),
  fc.record({ kind: fc.constant('command' as const), held: fc.subarray(['a-0', 'a-1', 'a-2', 'b-0', 'b-1', 'b-2']) }),
  fc.record({ kind: fc.constant('assign' as const), a: fc.subarray(partitions), b: fc.subarray(partitions) })
)

describe('a partition reads only when neither the owner nor a command holds it', () => {
  test('through any course of pauses, resumes, commands and rebalances', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), steps => {
        const state = new SubscriptionState()
        const ownerAlone = new SubscriptionState()
        const { consumer } = consumerOver(state)
        const pauses = takeOverPauses(consumer)
        let assigned = new Set<string>()
        let held: string[] = []
        for (const each of steps) {
          if (each.kind === 'pause') {
            consumer.pause(each.each)
            ownerAlone.pause(each.each)
          } else if (each.kind === 'resume') {
            consumer.resume(each.each)
            ownerAlone.resume(each.each)
          } else if (each.kind === 'command') {
            held = each.held
            pauses.command((topic, partition) => each.held.includes(`${topic}-${partition}`))
          } else {
            assigned = new Set([...each.a.map(partition => `a-${partition}`), ...each.b.map(partition => `b-${partition}`)])
            // kafkajs leaves out a topic of which the member has nothing.
            pauses.assign(Object.fromEntries(Object.entries({ a: each.a, b: each.b }).filter(([, chosen]) => chosen.length > 0)))
          }
          const expected = [...assigned].filter(name => held.includes(name) || pausedIn(ownerAlone).includes(name))
          expect(pausedIn(state).filter(name => assigned.has(name))).toEqual(expected)
          expect(pauses.held()).toEqual([...assigned].filter(name => held.includes(name)))
        }
      }),
      { numRuns: 500 }
    )
  })
})

test('a resume that a handler kept from its payload does not lift a command, and lifts its own pause', async () => {
  const state = new SubscriptionState()
  const { consumer, deliver } = consumerOver(state)
  const pauses = takeOverPauses(consumer)
  let resume = (): void => undefined
  await consumer.run({ eachMessage: async payload => void (resume = payload.pause()) })
  pauses.assign({ a: [0, 1] })
  await deliver('a', 0)
  pauses.command(() => true)
  resume()
  expect(pausedIn(state)).toEqual(['a-0', 'a-1'])
  pauses.command(() => false)
  expect(pausedIn(state)).toEqual([])
})

test('the end of a command leaves what a handler paused', async () => {
  const state = new SubscriptionState()
  const { consumer, deliver } = consumerOver(state)
  const pauses = takeOverPauses(consumer)
  await consumer.run({ eachMessage: async payload => void payload.pause() })
  pauses.assign({ a: [0, 1] })
  pauses.command(() => true)
  await deliver('a', 0)
  pauses.command(() => false)
  expect(pausedIn(state)).toEqual(['a-0'])
})

test('after a stop, which makes kafkajs begin with a new state, a command is applied anew and the owner starts with nothing paused', () => {
  const { consumer, restart } = consumerOver(new SubscriptionState())
  const pauses = takeOverPauses(consumer)
  pauses.assign({ a: [0, 1, 2] })
  consumer.pause([{ topic: 'a' }])
  pauses.command((_topic, partition) => partition === 1)
  pauses.forget()
  expect(pauses.held()).toEqual([])
  const anew = restart()
  pauses.assign({ a: [0, 1, 2] })
  expect(pauses.held()).toEqual(['a-1'])
  expect(pausedIn(anew)).toEqual(['a-1'])
})

test('a resume kept from before a stop changes nothing after it', async () => {
  const { consumer, deliver, restart } = consumerOver(new SubscriptionState())
  const pauses = takeOverPauses(consumer)
  let resume = (): void => undefined
  await consumer.run({ eachMessage: async payload => void (resume = payload.pause()) })
  pauses.assign({ a: [0, 1] })
  await deliver('a', 0)
  pauses.forget()
  const anew = restart()
  pauses.assign({ a: [0, 1] })
  consumer.pause([{ topic: 'a', partitions: [0] }])
  resume()
  pauses.command(() => true)
  pauses.command(() => false)
  expect(pausedIn(anew)).toEqual(['a-0'])
})

test('a partition that comes back to a client that may have forgotten its pause is paused anew, and let go where it is to run', () => {
  const { consumer, restart } = consumerOver(new SubscriptionState())
  const pauses = takeOverPauses(consumer)
  pauses.command((_topic, partition) => partition > 0)
  pauses.assign({ a: [0, 1, 2] })
  pauses.assign({})
  const forgetful = restart()
  pauses.assign({ a: [0, 1, 2] }, (_topic, partition) => partition > 0)
  expect(pausedIn(forgetful)).toEqual(['a-1', 'a-2'])
  pauses.assign({})
  pauses.command(() => false)
  pauses.assign({ a: [0, 1, 2] }, () => true)
  expect(pausedIn(forgetful)).toEqual([])
})

test('pausing gives back what resumes it, which does not lift a command', () => {
  const state = new SubscriptionState()
  const { consumer } = consumerOver(state)
  const pauses = takeOverPauses(consumer)
  pauses.assign({ a: [0, 1] })
  const resume = consumer.pause([{ topic: 'a' }]) as unknown as () => void
  pauses.command((_topic, partition) => partition === 1)
  resume()
  expect(pausedIn(state)).toEqual(['a-1'])
})
