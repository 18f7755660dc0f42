import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { TopicView } from '#shared/domain/cluster-view.ts'
import type { Difference } from '#shared/kafka/metadata-log/decode/describe.ts'
import { Consequences } from './consequences.ts'

const noon = Date.UTC(2026, 10, 21, 12)
const day = 86_400_000
const view = { partition: 0, leader: 1, replicas: 3, inSync: 3, logStartOffset: 0, highWatermark: 300, lastStableOffset: 300 }
const topics = new Map(['orders', 'others'].map(name => [name, { name, topicId: name, partitions: [view] } as unknown as TopicView]))
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

beforeEach(() => void vi.useFakeTimers({ now: noon, toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

/** A topic with 50 records of ten days ago, 150 of two days ago and 100 of now, whose retention is `now`; another has the brokers' default of 7 days. */
function consequencesOf(now: string | null, defaultSeen = true): Consequences {
  const setting = (value: string, isDefault: boolean) => ({ value, isDefault, isSensitive: false })
  const settings = (retention: string | null) => {
    const ms = retention === null ? setting(String(7 * day), true) : setting(retention, false)
    return new Map(Object.entries({ 'retention.ms': ms, 'retention.bytes': setting('-1', true), 'cleanup.policy': setting('delete', true) }))
  }
  const admin = {
    scan: async () => ({ atMs: noon, topics }),
    topicConfigs: async (names: readonly string[]) => ({
      value: new Map(names.map(name => [name, settings(name === 'orders' ? now : defaultSeen ? null : '5')])),
      unseen: []
    }),
    acls: async () => [],
    offsetForTimestamp: async (_topic: string, _partition: number, timestampMs: number) =>
      timestampMs <= noon - 10 * day ? 0 : timestampMs <= noon - 2 * day ? 50 : timestampMs <= noon ? 200 : null
  }
  return new Consequences(admin as unknown as ConstructorParameters<typeof Consequences>[0], log)
}

test('what a shorter retention makes deletable is what the old one did not', async () => {
  const change: Difference = {
    kind: 'config-changed',
    resource: { type: 'topic', name: 'orders', id: null },
    before: { 'retention.ms': String(7 * day) },
    after: { 'retention.ms': String(day) }
  }
  expect(await consequencesOf(String(day)).of(change, noon)).toMatchObject({
    retention: { direction: 'shorter', offsetsNewlyDeletable: 150, partitions: [{ deletableOffsets: { from: 0, to: 200 } }] }
  })
})

const fromDefault: Difference = {
  kind: 'config-changed',
  resource: { type: 'topic', name: 'orders', id: null },
  before: { 'retention.ms': null },
  after: { 'retention.ms': String(day) }
}

test('the default that held before is that of another topic', async () => {
  expect(await consequencesOf(String(day)).of(fromDefault, noon)).toMatchObject({
    retention: { retentionMs: { before: 7 * day, after: day }, offsetsNewlyDeletable: 150 }
  })
})

test('a retention that is taken away gives its place to the default', async () => {
  const { before: after, after: before } = fromDefault
  expect(await consequencesOf(null).of({ ...fromDefault, before, after }, noon)).toMatchObject({
    retention: { direction: 'longer', offsetsNewlyDeletable: 0, partitions: [{ deletableOffsets: { from: 0, to: 50 } }] }
  })
})

test('where no topic shows the default, what was deletable before is unknown', async () => {
  expect(await consequencesOf(String(day), false).of(fromDefault, noon)).toMatchObject({
    retention: { retentionMs: { before: 'unknown', after: day }, offsetsNewlyDeletable: 'unknown', partitions: [{ deletableOffsets: { from: 0, to: 200 } }] }
  })
})

test('a topic that was seen for a change of its retention is known when it is deleted, though nothing was scanned since', async () => {
  const consequences = consequencesOf(String(day))
  const deleted: Difference = { kind: 'topic-deleted', resource: { type: 'topic', name: 'orders', id: 'orders' }, before: null, after: null }
  const before = await consequences.of(deleted, noon)
  await consequences.of(fromDefault, noon)
  expect(await consequences.of(deleted, noon)).not.toEqual(before)
})
