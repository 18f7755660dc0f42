import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ClusterView } from '../domain/cluster-view.ts'
import { decodeObservation, encodeObservation, foldObservation } from './observation.ts'

const offset = fc.option(fc.nat({ max: Number.MAX_SAFE_INTEGER - 1 }), { nil: null })
const name = fc.constantFrom('a', 'b', 'ü/ %', 'payments.events.v1')
const topic = fc.record({
  topicId: fc.constantFrom('id-1', 'id-2'),
  partitions: fc.array(
    fc.record({
      leader: fc.option(fc.nat(5), { nil: null }),
      replicas: fc.nat(5),
      inSyncReplicas: fc.nat(5),
      logStartOffset: offset,
      highWatermark: offset,
      lastStableOffset: offset
    }),
    { maxLength: 5 }
  )
})
const committed = fc
  .dictionary(name, fc.dictionary(fc.nat(5).map(String), fc.nat(), { minKeys: 1 }))
  .map(object => new Map(Object.entries(object).map(([key, offsets]) => [key, new Map(Object.entries(offsets).map(([p, o]) => [Number(p), o]))])))
const member = fc.record({
  memberId: fc.string(),
  clientId: fc.string(),
  host: fc.string(),
  assigned: fc.dictionary(name, fc.array(fc.nat(9))).map(object => new Map(Object.entries(object)))
})
const group = fc.record({
  protocol: fc.constantFrom('classic', 'consumer', 'share', 'none') as fc.Arbitrary<'classic'>,
  state: fc.constantFrom('stable', 'empty', 'unknown') as fc.Arbitrary<'stable'>,
  members: fc.option(fc.array(member, { maxLength: 3 }), { nil: null }),
  committed: fc.option(committed, { nil: null })
})
const view: fc.Arbitrary<ClusterView> = fc.record({
  clusterId: fc.constant('c'),
  atMs: fc.nat(),
  brokers: fc.array(fc.record({ id: fc.nat(9), host: fc.string(), port: fc.nat(65535) }), { maxLength: 3 }),
  topics: fc
    .dictionary(name, topic)
    .map(
      object =>
        new Map(
          Object.entries(object).map(([key, value]) => [
            key,
            { name: key, topicId: value.topicId, partitions: value.partitions.map((p, i) => ({ partition: i, ...p })) }
          ])
        )
    ),
  groups: fc.dictionary(name, group).map(object => new Map(Object.entries(object).map(([key, value]) => [key, { groupId: key, ...value }]))),
  unseen: fc.array(fc.record({ kind: fc.constant('broker' as const), id: fc.string(), why: fc.string() }), { maxLength: 2 })
})

test('a reader that folds every observation has the view that was seen, however it changed', () => {
  fc.assert(
    fc.property(fc.array(view, { minLength: 1, maxLength: 6 }), views => {
      let sent: ClusterView | null = null
      let folded: ClusterView | null = null
      for (const [sequence, after] of views.entries()) {
        const parts = encodeObservation(sequence % 4 === 0 ? null : sent, after, { sequence, intervalMs: 1 })
        folded = foldObservation(folded, parts.map(decodeObservation))
        expect(plain(folded!)).toEqual(plain(after))
        sent = after
      }
    })
  )
})

test('a change without the view it changes is not believed', () => {
  const seen: ClusterView = { clusterId: 'c', atMs: 1, brokers: [], topics: new Map(), groups: new Map(), unseen: [] }
  expect(foldObservation(null, encodeObservation(seen, seen, { sequence: 2, intervalMs: 1 }).map(decodeObservation))).toBeNull()
})

test('a view of mission scale is cut into records below 1 MB and put together again', () => {
  const partitions = Array.from({ length: 12_000 }, (_, partition) => ({
    partition,
    leader: 1,
    replicas: 3,
    inSyncReplicas: 3,
    logStartOffset: 0,
    highWatermark: 9e15,
    lastStableOffset: 9e15
  }))
  const large: ClusterView = {
    clusterId: 'c',
    atMs: 1,
    brokers: [],
    topics: new Map([['t', { name: 't', topicId: 'i', partitions }]]),
    groups: new Map(),
    unseen: []
  }
  const records = encodeObservation(null, large, { sequence: 1, intervalMs: 1 })
  expect(records.length).toBeGreaterThan(2)
  expect(Math.max(...records.map(record => record.length))).toBeLessThan(900_000)
  expect(plain(foldObservation(null, records.map(decodeObservation))!)).toEqual(plain(large))
})

test('cut or spoiled bytes are refused or read as an observation, never a hang or a wild allocation', () => {
  const seen: ClusterView = { clusterId: 'c', atMs: 1, brokers: [{ id: 1, host: 'h', port: 9 }], topics: new Map(), groups: new Map(), unseen: [] }
  const bytes = encodeObservation(null, seen, { sequence: 1, intervalMs: 1 })[0]!
  for (let length = 0; length < bytes.length; length++) expect(() => decodeObservation(bytes.subarray(0, length))).toThrow(/./)
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
      const spoiled = Buffer.from(bytes)
      spoiled[at] = value
      try {
        expect(typeof decodeObservation(spoiled).sequence).toBe('number')
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
      }
    })
  )
})

function plain(value: ClusterView): unknown {
  const order = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1)
  const groups = [...value.groups].sort(order).map(([id, g]) => [
    id,
    {
      ...g,
      members: g.members?.map(m => ({ ...m, assigned: [...m.assigned].sort(order) })),
      committed: g.committed && [...g.committed].sort(order).map(([t, o]) => [t, [...o].sort((a, b) => a[0] - b[0])])
    }
  ])
  return { ...value, topics: [...value.topics].sort(order), groups }
}
