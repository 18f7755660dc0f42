import { expect, test } from 'vitest'
import { fakeKafka } from '#test/support/fake-kafka.ts'
import { startReplica, until } from '#test/support/replica.ts'
import { toyAgent } from '#test/support/toy-agent.ts'
import { TrustedClock } from './clock.ts'
import { Leader } from './leader.ts'
import { decodeObservation } from './observation.ts'
import { Observer, observerIntervalMs } from './observer.ts'
import { StateStore } from './state.ts'
import { reeveTopics, topicSettings } from './topics.ts'

const topics = reeveTopics('reeve')
const settings = { intervalMs: 30_000, keyFrameEvery: 20, maintenance: [] }

async function observing() {
  const kafka = fakeKafka({ nowMs: () => 7 })
  await kafka.admin.createTopics(topicSettings(topics, 3))
  const store = new StateStore(topics.state, await kafka.openReader())
  const appender = await kafka.openAppender(topics.state)
  await appender.fence()
  await store.open()
  const clock = new TrustedClock(
    () => 7,
    async () => 7
  )
  const leader = new Leader({ store, clock, topics, holder: 'one', appender, epoch: 1 })
  const told: string[] = []
  const log = { debug() {}, info: (_fields: object, message: string) => void told.push(message), warn() {}, error() {} }
  let throttles = 0
  const observer = new Observer({ admin: kafka.admin, counts: () => ({ requests: 0, throttledMs: 0, throttles }) }, settings, log)
  const observed = () =>
    kafka.partition(topics.observations).entries.flatMap(({ record }) => (record?.value ? [decodeObservation(record.value).intervalMs] : []))
  return {
    leader,
    store,
    observer,
    told,
    observed,
    /** A look whose last answer asks to wait. */
    async throttled() {
      const { scan } = kafka.admin
      kafka.admin.scan = async options => {
        throttles++
        return scan(options)
      }
      await observer.observe(leader)
      kafka.admin.scan = scan
    }
  }
}

test('a look that brokers throttled doubles the interval: the observation carries it, the state keeps it, the log says it once', async () => {
  const { observer, leader, store, observed, told, throttled } = await observing()
  await observer.observe(leader)
  await throttled()
  await observer.observe(leader)
  expect(observed()).toEqual([30_000, 60_000, 60_000])
  expect(observerIntervalMs(store, settings)).toBe(60_000)
  expect(told).toEqual(['the cluster is scanned every 1m from now on: brokers throttled it'])
})

test('ticks between two looks of a longer interval are not taken', async () => {
  const { observer, leader, throttled } = await observing()
  expect(observer.isDue(leader)).toBe(true)
  await observer.observe(leader)
  expect(observer.isDue(leader)).toBe(true)
  await throttled()
  expect(observer.isDue(leader)).toBe(false)
})

test('what somebody waits for is looked at now, whatever the pace', async () => {
  const kafka = fakeKafka()
  let throttles = 0
  const bench = await startReplica({
    kafka: { ...kafka, counts: () => ({ requests: 0, throttledMs: 0, throttles: throttles++ }) },
    prefix: 'reeve',
    agent: toyAgent({ mark: new Set(), undo: new Set(), tell: new Set() })
  })
  const looks = () => kafka.partition(topics.observations).entries.length
  await until('it leads', () => bench.replica.leadership?.ready === true)
  await bench.tick('observer')
  const first = looks()
  await bench.replica.onTick('observer')
  expect(looks()).toBe(first)
  await bench.tick('observer')
  expect(looks()).toBeGreaterThan(first)
  await bench.stop()
})

test('light looks give the configured interval back', async () => {
  const { observer, leader, observed, throttled } = await observing()
  await throttled()
  for (let look = 0; look < 6; look++) await observer.observe(leader)
  expect(observed()).toEqual([60_000, 60_000, 60_000, 60_000, 60_000, 30_000, 30_000])
})
