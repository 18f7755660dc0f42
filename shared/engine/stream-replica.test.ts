import { expect, test } from 'vitest'
import { fakeKafka } from '#test/support/fake-kafka.ts'
import { notifierOf } from '#test/support/replica.ts'
import { toyStream } from '#test/support/toy-stream.ts'
import { runStream } from './stream-replica.ts'

const policy = { from: 'in', to: 'out' }
const times = { renewEveryMs: 100, takeOverAfterMs: 600, effectMustStartWithinMs: 100, effectDeadlineMs: 100 }
const nothing = () => undefined
const notifier = notifierOf(async () => ({ ok: true }))
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }

async function world() {
  const kafka = fakeKafka()
  kafka.createTopic('in')
  kafka.createTopic('out')
  const feeder = await kafka.openAppender('feeder')
  await feeder.fence()
  const feed = (from: number, to: number) =>
    feeder.append(Array.from({ length: to - from }, (_, index) => ({ topic: 'in', partition: 0, key: null, value: Buffer.from(String(from + index)) })))
  const read = async (topic: string): Promise<{ key: string | null; value: string }[]> => {
    const reader = await kafka.openReader()
    await reader.assign(topic, 0, 'start')
    const found: { key: string | null; value: string }[] = []
    await reader.readToEnd(({ key, value }) => found.push({ key: key?.toString() ?? null, value: value?.toString() ?? '' }))
    await reader.close()
    return found
  }
  const copied = async () => (await read('out')).map(({ value }) => Number(value))
  const remembered = async () => Object.fromEntries((await read('reeve.toy-stream')).map(({ key, value }) => [key, JSON.parse(value) as unknown]))
  const start = (holder: string) => {
    const stop = new AbortController()
    const roles: string[] = []
    const lost: string[] = []
    const surroundings = { clusterId: 'c1', kafka, prefix: 'reeve', holder, log }
    const ended = runStream(
      { ...surroundings, stream: toyStream, policy, times, notifier, onRole: role => roles.push(role), onLost: kind => lost.push(kind) },
      stop.signal
    )
    return { roles, lost, stop: () => (stop.abort(), ended) }
  }
  return { kafka, feed, copied, remembered, start }
}

const even = (below: number) => Array.from({ length: below / 2 }, (_, index) => index * 2)
const eventually = (check: () => Promise<void>) => expect.poll(() => check().then(() => 'held', String), { timeout: 10_000, interval: 20 }).toBe('held')

test.each(['refused', 'unknown-committed', 'unknown-lost'] as const)(
  'a transaction that ends as %s costs and doubles nothing',
  async fault => {
    const { kafka, feed, copied, remembered, start } = await world()
    const replica = start('a')
    await feed(0, 10)
    await eventually(async () => expect(await copied()).toEqual(even(10)))
    kafka.failNextAppend('toy-out', fault)
    await feed(10, 20)
    await eventually(async () => expect(await remembered()).toMatchObject({ position: 21, odd: 10 }))
    await replica.stop()
    expect(await copied()).toEqual(even(20))
    expect(await remembered()).toMatchObject({ position: 21, odd: 10, lease: { holder: 'a', released: true } })
  },
  20_000
)

test('what was read without an output is remembered with the next renewal of the lease', async () => {
  const { feed, remembered, start } = await world()
  const replica = start('a')
  await feed(1, 2)
  await eventually(async () => expect(await remembered()).toMatchObject({ position: 1, odd: 1 }))
  await replica.stop()
}, 20_000)

test('a second replica stands by, and goes on where the first stopped in good order', async () => {
  const { feed, copied, remembered, start } = await world()
  const first = start('a')
  await eventually(async () => expect(first.roles).toEqual(['standby', 'leader']))
  const second = start('b')
  await feed(0, 10)
  await eventually(async () => expect(await copied()).toEqual(even(10)))
  expect(second.roles).toEqual(['standby'])
  await first.stop()
  await feed(10, 20)
  await eventually(async () => expect(await remembered()).toMatchObject({ position: 21, odd: 10 }))
  await second.stop()
  expect(await copied()).toEqual(even(20))
  expect(await remembered()).toMatchObject({ lease: { holder: 'b', epoch: 2 } })
}, 20_000)

test('a replica that another has fenced stops leading, and stands by again', async () => {
  const { kafka, feed, copied, start } = await world()
  const replica = start('a')
  await eventually(async () => expect(replica.roles.at(-1)).toBe('leader'))
  const thief = await kafka.openAppender('toy-out')
  await thief.fence()
  await feed(0, 2)
  await eventually(async () => expect(replica.roles.slice(0, 3)).toEqual(['standby', 'leader', 'standby']))
  expect(replica.lost).toEqual(['fenced'])
  await eventually(async () => expect(await copied()).toEqual([0]))
  await replica.stop()
}, 20_000)
