import { expect, test } from 'vitest'
import type { ClusterView } from '#shared/domain/cluster-view.ts'
import { decodeObservation, encodeObservation } from '#shared/engine/observation.ts'

/**
 * avsc refuses 2^53 - 1 as a long although JavaScript holds it exactly, and the property test of the observations met it once in a few
 * hundred runs. The largest offset that an observation can carry is one less; a partition gets there after some 570 years at 500,000
 * records a second.
 */
test('the largest offset that Avro takes survives, and the one beyond is refused aloud', () => {
  const view = (highWatermark: number): ClusterView => ({
    clusterId: 'c',
    atMs: 1,
    brokers: [],
    topics: new Map([
      [
        't',
        {
          name: 't',
          topicId: 'i',
          partitions: [{ partition: 0, leader: 1, replicas: 1, inSyncReplicas: 1, logStartOffset: 0, highWatermark, lastStableOffset: 0 }]
        }
      ]
    ]),
    groups: new Map(),
    unseen: []
  })
  const largest = Number.MAX_SAFE_INTEGER - 1
  const [bytes] = encodeObservation(null, view(largest), { sequence: 1, intervalMs: 1 })
  expect(decodeObservation(bytes!).topics[0]!.partitions[0]!.highWatermark).toBe(largest)
  expect(() => encodeObservation(null, view(Number.MAX_SAFE_INTEGER), { sequence: 1, intervalMs: 1 })).toThrow('invalid "long"')
})
