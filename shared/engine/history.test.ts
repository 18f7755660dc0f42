import { expect, test } from 'vitest'
import { clusterView } from '#test/support/cluster-view.ts'
import { fakeKafka } from '#test/support/fake-kafka.ts'
import type { ClusterView } from '../domain/cluster-view.ts'
import { history } from './history.ts'
import { encodeObservation } from './observation.ts'

const topic = 'reeve.observations'
const minute = 60_000
const intervalMs = minute

/** A topic with an observation each minute that `seen` does not leave out; its end is the number of the minute. */
async function observed(minutes: number, { keyFrameEvery = 10, seen = () => true }: { keyFrameEvery?: number; seen?: (at: number) => boolean } = {}) {
  const kafka = fakeKafka({ pollEntries: 7 })
  kafka.createTopic(topic)
  const appender = await kafka.openAppender('observer')
  await appender.fence()
  let sent: ClusterView | null = null
  let sequence = 0
  for (let at = 0; at < minutes; at++) {
    sequence++
    if (!seen(at)) continue
    const view = clusterView({ atMs: at * minute, topics: { orders: [at] }, groups: { billing: { committed: { orders: { 0: at - 1 } } } } })
    const records = encodeObservation(at % keyFrameEvery === 0 ? null : sent, view, { sequence, intervalMs })
    await appender.append(records.map(value => ({ topic, partition: 0, key: null, value, timestampMs: at * minute })))
    sent = view
  }
  const told = async (sinceMs: number, signal?: AbortSignal, after?: (count: number) => void) => {
    const found: { end: number; gap: boolean }[] = []
    for await (const { view, gap } of history(kafka, { topic, sinceMs, signal })) {
      found.push({ end: view.topics.get('orders')!.partitions[0]!.highWatermark!, gap })
      after?.(found.length)
    }
    return found
  }
  return { kafka, told }
}
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

test('everything since a moment is told, folded from the key frame before it', async () => {
  const { told } = await observed(60)
  const found = await told(34 * minute)
  expect(found.map(({ end }) => end)).toEqual(from(34, 59))
  expect(found.every(({ gap }) => !gap)).toBe(true)
})

test('a key frame is looked for as far back as it lies', async () => {
  const { told } = await observed(600, { keyFrameEvery: 500 })
  expect((await told(480 * minute)).map(({ end }) => end)).toEqual(from(480, 599))
})

test('it begins where the topic does, with a gap before it', async () => {
  const { told, kafka } = await observed(60)
  kafka.change(topic, 0, log => {
    log.entries = log.entries.filter(({ offset }) => offset >= log.entries[50]!.offset)
    log.logStartOffset = log.entries[0]!.offset
  })
  const found = await told(0)
  expect(found[0]).toEqual({ end: 30, gap: true })
  expect(found.map(({ end }) => end)).toEqual(from(30, 59))
})

test('missing observations are a gap, and what changes a view that was missed is not believed', async () => {
  const { told } = await observed(60, { seen: at => at < 33 || at > 36 })
  const found = await told(30 * minute)
  expect(found.map(({ end }) => end)).toEqual([...from(30, 32), ...from(40, 59)])
  expect(found.filter(({ gap }) => gap)).toEqual([{ end: 40, gap: true }])
})

test('an empty topic, and a time in which nothing was observed, tell nothing', async () => {
  expect(await (await observed(0)).told(0)).toEqual([])
  expect(await (await observed(10)).told(11 * minute)).toEqual([])
})

test('it ends where the reader says so', async () => {
  const { told } = await observed(60)
  const stop = new AbortController()
  expect(await told(0, stop.signal, count => count === 5 && stop.abort())).toHaveLength(5)
})
