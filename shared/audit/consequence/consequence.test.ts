import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../../domain/json.ts'
import type { ChangeKind } from '../../kafka/metadata-log/decode/describe.ts'
import { canonical } from '../canonical.ts'
import { bounded } from '../bounds.ts'
import { consequenceOf } from './consequence.ts'
import type { PartitionFacts, TopicFacts } from './facts.ts'

const noon = Date.UTC(2026, 10, 21, 12)
const day = 86_400_000
const partition = (facts: Partial<PartitionFacts> = {}): PartitionFacts => ({
  partition: 0,
  logStartOffset: 100,
  logEndOffset: 1_000,
  sizeBytes: 5_000,
  newestMs: noon - 1_000,
  offsetsFrom: [
    { timestampMs: noon - 7 * day, offset: 150 },
    { timestampMs: noon - day, offset: 700 }
  ],
  ...facts
})
const topic = (facts: Partial<TopicFacts> = {}): TopicFacts => ({
  atMs: noon,
  partitions: [partition()],
  partitionCount: 1,
  defaults: { 'cleanup.policy': 'delete', 'retention.ms': String(7 * day), 'retention.bytes': '-1' },
  configs: {},
  ...facts
})
const of = (kind: ChangeKind, before: JsonValue, after: JsonValue, facts: TopicFacts | null = topic()): JsonValue => {
  const found = consequenceOf({ kind, resource: { type: 'topic', name: 'payments', id: 'id' }, before, after }, noon, { topic: facts, acls: null })
  canonical(bounded(found, { textBytes: 1_000, items: 1_000 }).value)
  return found
}
const retained = (after: Record<string, string | null>, facts = topic()) =>
  (of('config-changed', null, after, facts) as { retention: Record<string, JsonValue> }).retention

describe('a shorter retention', () => {
  test('says which offsets it makes deletable, and from when', () => {
    expect(retained({ 'retention.ms': String(day) })).toMatchObject({
      retentionMs: { before: 7 * day, after: day },
      direction: 'shorter',
      deletableFrom: '2026-11-21T12:00:00.000Z',
      offsetsNewlyDeletable: 550,
      unknownPartitions: 0,
      partitions: [{ partition: 0, deletableOffsets: { from: 100, to: 700 }, bytesAboveLimit: 0, allDeletableAt: '2026-11-22T11:59:59.000Z' }]
    })
  })

  test('takes everything where even the newest record is older', () => {
    expect(retained({ 'retention.ms': '500' })).toMatchObject({ offsetsNewlyDeletable: 850, partitions: [{ deletableOffsets: { from: 100, to: 1_000 } }] })
  })

  test('takes an upper bound where only a later moment is known', () => {
    expect(retained({ 'retention.ms': String(2 * day) })).toMatchObject({ partitions: [{ deletableOffsets: { from: 100, to: 700 } }] })
  })

  test('says unknown where no moment is known, never zero', () => {
    const blind = topic({ partitions: [partition({ offsetsFrom: [] })] })
    expect(retained({ 'retention.ms': String(day) }, blind)).toMatchObject({
      offsetsNewlyDeletable: 'unknown',
      unknownPartitions: 1,
      partitions: [{ deletableOffsets: 'unknown' }]
    })
  })

  test.each<[string, Partial<PartitionFacts>]>([
    ['the log start offset', { logStartOffset: null }],
    ['the log end offset', { logEndOffset: null }]
  ])('says unknown where %s is', (_, facts) => {
    expect(retained({ 'retention.ms': String(day) }, topic({ partitions: [partition(facts)] }))).toMatchObject({ offsetsNewlyDeletable: 'unknown' })
  })

  test('gives no sum where a partition is missing', () => {
    expect(retained({ 'retention.ms': String(day) }, topic({ partitionCount: 3 }))).toMatchObject({ unknownPartitions: 2 })
  })

  test('of bytes says how many are above it', () => {
    expect(retained({ 'retention.bytes': '1000' })).toMatchObject({
      retentionBytes: { before: 'unlimited', after: 1_000 },
      bytesNewlyAboveLimit: 4_000,
      direction: 'shorter'
    })
    expect(retained({ 'retention.bytes': '1000' }, topic({ partitions: [partition({ sizeBytes: null })] }))).toMatchObject({ bytesNewlyAboveLimit: 'unknown' })
  })

  test('of an empty partition deletes nothing', () => {
    expect(retained({ 'retention.ms': '1' }, topic({ partitions: [partition({ logStartOffset: 5, logEndOffset: 5, newestMs: null })] }))).toMatchObject({
      offsetsNewlyDeletable: 0,
      partitions: [{ deletableOffsets: { from: 5, to: 5 }, allDeletableAt: null }]
    })
  })
})

test.each<[string, Record<string, string | null>, string]>([
  ['a longer one makes nothing deletable', { 'retention.ms': String(30 * day) }, 'longer'],
  ['none makes nothing deletable', { 'retention.ms': '-1' }, 'longer'],
  ['the same as the default makes nothing deletable', { 'retention.ms': String(7 * day) }, 'same']
])('%s', (_, after, direction) => {
  const facts = topic({ partitions: [partition({ offsetsFrom: [{ timestampMs: noon - 30 * day, offset: 100 }, ...partition().offsetsFrom] })] })
  expect(retained(after, facts)).toMatchObject({ offsetsNewlyDeletable: 0, direction })
})

test('a setting that is taken away falls back to the default, or to unknown where nobody knows it', () => {
  const configs = { 'retention.ms': String(30 * day) }
  expect(retained({ 'retention.ms': null }, topic({ configs }))).toMatchObject({ retentionMs: { before: 30 * day, after: 7 * day }, direction: 'shorter' })
  expect(retained({ 'retention.ms': null }, topic({ configs, defaults: { 'cleanup.policy': 'delete' } }))).toMatchObject({
    retentionMs: { after: 'unknown' },
    direction: 'unknown'
  })
})

test.each([['9'.repeat(30)], ['seven'], ['']])('a limit that cannot be read, as %j, is unknown', value => {
  expect(retained({ 'retention.ms': value })).toMatchObject({ retentionMs: { after: 'unknown' }, offsetsNewlyDeletable: 'unknown' })
})

describe('a changed cleanup policy', () => {
  test('from compact to delete makes deletable what is older than retention allows', () => {
    expect(of('config-changed', null, { 'cleanup.policy': 'delete' }, topic({ configs: { 'cleanup.policy': 'compact' } }))).toMatchObject({
      cleanup: { before: ['compact'], after: ['delete'], words: [expect.stringContaining('kept again'), expect.stringContaining('becomes deletable')] },
      retention: { retentionMs: { before: 'unlimited', after: 7 * day }, offsetsNewlyDeletable: 50 }
    })
  })

  test('from delete to compact keeps the last record of each key', () => {
    expect(of('config-changed', null, { 'cleanup.policy': 'compact' })).toMatchObject({
      cleanup: { words: [expect.stringContaining('only the last record'), expect.stringContaining('Nothing is deleted by age')] },
      retention: { direction: 'longer', offsetsNewlyDeletable: 0 }
    })
  })

  test('to both does both', () => {
    expect(of('config-changed', null, { 'cleanup.policy': 'compact,delete' })).toMatchObject({
      cleanup: { words: [expect.stringContaining('only the last record')] }
    })
  })
})

test('other settings have none that is computed', () => {
  expect(of('config-changed', null, { 'segment.bytes': '1' })).toBeNull()
  expect(of('broker-fenced', null, null)).toBeNull()
})

describe('a deleted topic', () => {
  test('has all its offsets and bytes in it', () => {
    expect(of('topic-deleted', {}, null, topic({ partitions: [partition(), partition({ partition: 1, logStartOffset: 0 })], partitionCount: 2 }))).toEqual({
      irreversible: true,
      asOf: '2026-11-21T12:00:00.000Z',
      offsets: 1_900,
      bytes: 10_000,
      unknownPartitions: 0,
      partitions: [
        { partition: 0, from: 100, to: 1_000, bytes: 5_000 },
        { partition: 1, from: 0, to: 1_000, bytes: 5_000 }
      ]
    })
  })

  test('does not count what is not known as nothing', () => {
    expect(of('topic-deleted', {}, null, topic({ partitionCount: 2 }))).toMatchObject({ offsets: 'unknown', bytes: 'unknown', unknownPartitions: 1 })
    expect(of('topic-deleted', {}, null, null)).toMatchObject({ irreversible: true, unknown: expect.any(String) })
  })
})

test.each([
  [1, 2, 500_000],
  [3, 6, 500_000],
  [3, 4, 750_000],
  [4, 6, 666_667],
  [1, 1_000, 999_000]
])('of %i partitions made %i, so many keys of a million go elsewhere: %i', (before, after, moved) => {
  expect(of('partitions-added', { partitions: before }, { partitions: after })).toMatchObject({ keysMovedPerMillion: moved, irreversible: true })
})

test('and as many as counting says', () => {
  for (const [before, after] of [
    [2, 5],
    [6, 10],
    [5, 7]
  ] as const) {
    const stay = Array.from({ length: 210 * 10 }, (_, hash) => hash % before === hash % after).filter(Boolean).length
    expect(of('partitions-added', { partitions: before }, { partitions: after })).toMatchObject({
      keysMovedPerMillion: 1_000_000 - Math.floor((1_000_000 * stay) / 2_100)
    })
  }
})

test('more partitions than nobody knows how many are unknown', () => {
  expect(of('partitions-added', null, { partitions: 3 })).toMatchObject({ unknown: expect.any(String) })
})
