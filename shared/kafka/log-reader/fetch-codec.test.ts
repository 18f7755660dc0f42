import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fetchV13, fetchV17 } from '@platformatic/kafka'
import { encodeFetchResponse, fetchedPartition, inPieces } from '#test/support/record-batches.ts'
import { decodeResponse, encodeRequest } from './fetch-codec.ts'

const limits = { maxWaitMs: 500, minBytes: 1, maxBytes: 1_000_000, maxPartitionBytes: 100_000 }
const offset = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const partition = fc
  .record({
    topicId: fc.uuid(),
    partition: fc.nat(1000),
    errorCode: fc.integer({ min: -1, max: 130 }),
    highWatermark: offset,
    lastStableOffset: offset,
    logStartOffset: offset,
    abortedTransactions: fc.array(fc.record({ producerId: fc.bigInt({ min: 0n, max: 2n ** 62n }), firstOffset: offset })),
    records: fc.uint8Array({ maxLength: 300 }).map(bytes => [Buffer.from(bytes)]),
    divergingEpoch: fc.option(fc.record({ epoch: fc.nat(1000), endOffset: offset })),
    currentLeader: fc.option(fc.record({ leaderId: fc.nat(1000), leaderEpoch: fc.nat(1000) }))
  })
  .map(fetchedPartition)

test('an answer is read as it was written, in whatever pieces it comes', () => {
  fc.assert(
    fc.property(fc.uniqueArray(partition, { selector: one => `${one.topicId} ${one.partition}` }), fc.array(fc.nat()), (partitions, seams) => {
      const byTopic = [...Map.groupBy(partitions, one => one.topicId).values()].flat()
      const read = decodeResponse(inPieces(encodeFetchResponse(partitions), seams)).partitions
      expect(read.map(one => ({ ...one, records: [Buffer.concat(one.records)] }))).toEqual(byTopic)
    })
  )
})

test('an answer cut off or with other bytes in it is read or refused, and takes no more memory than it has bytes', () => {
  fc.assert(
    fc.property(fc.array(partition, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(255), fc.nat(), (partitions, at, byte, cut) => {
      const bytes = Buffer.from(encodeFetchResponse(partitions))
      bytes[at % bytes.length] = byte
      try {
        decodeResponse(inPieces(bytes.subarray(0, bytes.length - (cut % 7)), [at]))
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
    { numRuns: 2_000 }
  )
})

test('an answer that was cut off is refused wherever the cut is', () => {
  const records = [Buffer.alloc(40, 1)]
  const bytes = encodeFetchResponse([
    fetchedPartition({ topicId: '00000000-0000-4000-8000-000000000001', partition: 0, records, currentLeader: { leaderId: 1, leaderEpoch: 2 } })
  ])
  for (let length = 0; length < bytes.length; length++) expect(() => decodeResponse([bytes.subarray(0, length)])).toThrow(RangeError)
})

test('an offset beyond the safe integers is refused', () => {
  const bytes = encodeFetchResponse([fetchedPartition({ topicId: '00000000-0000-4000-8000-000000000001', partition: 0 })])
  const highWatermarkAt = 34
  bytes.writeBigInt64BE(2n ** 60n, highWatermarkAt)
  expect(() => decodeResponse([bytes])).toThrow('more than a safe integer')
})

test('the request of the newest and of the oldest version has the bytes that another codec writes', () => {
  const topicId = '01234567-89ab-4def-8123-456789abcdef'
  const asked = [
    { topicId, partition: 3, currentLeaderEpoch: 7, fetchOffset: 42, lastFetchedEpoch: 6 },
    { topicId, partition: 4, currentLeaderEpoch: -1, fetchOffset: 0, lastFetchedEpoch: -1 }
  ]
  const others = { topicId, partitions: asked.map(one => ({ ...one, fetchOffset: BigInt(one.fetchOffset), partitionMaxBytes: limits.maxPartitionBytes })) }
  for (const [version, other] of [
    [17, fetchV17],
    [13, fetchV13]
  ] as const)
    expect(encodeRequest(version, asked, limits).buffer).toEqual(other.createRequest(500, 1, 1_000_000, 1, 0, -1, [others], [], '').buffer)
})
