import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fetchV17, Writer } from '@platformatic/kafka'
import { brokerBatch, inPieces } from '#test/support/record-batches.ts'
import { quorumBatch, snapshotBytes } from '#test/support/scripted-controllers.ts'
import { batchesAfter, recordsOf } from './batches.ts'
import { decodeFetch, encodeFetch, type MetadataFetched } from './fetch-codec.ts'
import type { EndOffset } from './leadership.ts'
import { decodeFetchSnapshot, encodeFetchSnapshot, type SnapshotFetched } from './snapshot-codec.ts'
import { downloadSnapshot } from './snapshot.ts'

const topicId = '00000000-0000-0000-0000-000000000001'
const asked = { clusterId: null, leaderEpoch: 7, position: { offset: 42, epoch: 6 }, highWatermark: 41, maxWaitMs: 500 }

describe('requests', () => {
  test('a fetch has the bytes that another codec writes, and no replica id', () => {
    const partition = { partition: 0, currentLeaderEpoch: 7, fetchOffset: 42n, lastFetchedEpoch: 6, partitionMaxBytes: 8 * 1024 * 1024 }
    const other = fetchV17.createRequest(500, 1, 8 * 1024 * 1024, 0, 0, -1, [{ topicId, partitions: [partition] }], [], '')
    expect(encodeFetch(17, asked).buffer).toEqual(other.buffer)
  })

  test('a fetch of version 18 tells the high watermark, and of which cluster it is', () => {
    const old = encodeFetch(17, asked).buffer.toString('hex')
    const highWatermark = '0101080000000000000029'
    const endOfPartition = '0000002a00000006ffffffffffffffff00800000'
    expect(encodeFetch(18, asked).buffer.toString('hex')).toBe(old.replace(`${endOfPartition}00`, endOfPartition + highWatermark))
    expect(encodeFetch(17, { ...asked, clusterId: 'abc' }).buffer.toString('hex')).toBe(old.replace(/00$/, '01000404616263'))
  })

  test('a fetch of a snapshot has replica id -1 and the bytes of its schema', () => {
    const request = encodeFetchSnapshot({ clusterId: 'abc', leaderEpoch: 7, snapshotId: { offset: 42, epoch: 6 }, position: 5, maxBytes: 1_000 })
    const partition = ['02', '00000000', '00000007', '000000000000002a', '00000006', '00', '0000000000000005', '00']
    const topic = ['02', '13' + Buffer.from('__cluster_metadata').toString('hex'), ...partition, '00']
    expect(request.buffer.toString('hex')).toBe(['ffffffff', '000003e8', ...topic, '01', '00', '04', '04616263'].join(''))
  })
})

const int64 = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const end = fc.record({ offset: int64, epoch: fc.nat() })
const leader = fc.record({ leaderId: fc.integer({ min: -1, max: 1_000 }), leaderEpoch: fc.nat() })
const bytes = fc.uint8Array({ maxLength: 200 }).map(array => [Buffer.from(array)])
const endpoints = fc.array(fc.tuple(fc.nat(100), fc.record({ host: fc.string(), port: fc.integer({ min: 1, max: 65_535 }) }))).map(entries => new Map(entries))
const errorCode = fc.integer({ min: -1, max: 130 })
const fetched: fc.Arbitrary<MetadataFetched> = fc.record({
  throttleTimeMs: fc.nat(),
  errorCode,
  highWatermark: fc.oneof(int64, fc.constant(-1)),
  logStartOffset: int64,
  records: bytes,
  divergingEpoch: fc.option(end),
  currentLeader: fc.option(leader),
  snapshotId: fc.option(end),
  endpoints
})
const snapshotFetched: fc.Arbitrary<SnapshotFetched> = fc.record({
  throttleTimeMs: fc.nat(),
  errorCode,
  snapshotId: end,
  size: int64,
  position: int64,
  unalignedRecords: bytes,
  currentLeader: fc.option(leader),
  endpoints
})

describe('answers', () => {
  test('to a fetch are read as they were written, in whatever pieces they come', () => {
    fc.assert(
      fc.property(fetched, fc.array(fc.nat()), (answer, seams) => {
        const read = decodeFetch(inPieces(writeFetch(answer), seams))
        expect({ ...read, records: [Buffer.concat(read.records)] }).toEqual(answer)
      })
    )
  })

  test('to a fetch of a snapshot likewise', () => {
    fc.assert(
      fc.property(snapshotFetched, fc.array(fc.nat()), (answer, seams) => {
        const read = decodeFetchSnapshot(inPieces(writeFetchSnapshot(answer), seams))
        expect({ ...read, unalignedRecords: [Buffer.concat(read.unalignedRecords)] }).toEqual(answer)
      })
    )
  })

  test('that are an error of the whole request name no partition', () => {
    const refused = Buffer.from('00000000001f000000000100', 'hex')
    expect(decodeFetch([refused])).toMatchObject({ errorCode: 31, currentLeader: null, records: [] })
    expect(decodeFetchSnapshot([Buffer.from('00000000001f0100', 'hex')])).toMatchObject({ errorCode: 31, currentLeader: null })
  })

  test('of any bytes are read or refused, and nothing else', () => {
    const sound = fc.oneof(fetched.map(writeFetch), snapshotFetched.map(writeFetchSnapshot))
    const spoilt = fc.tuple(sound, fc.nat(), fc.nat(255), fc.nat(9)).map(([whole, at, byte, cut]) => {
      const copy = Buffer.from(whole)
      copy[at % copy.length] = byte
      return copy.subarray(0, copy.length - cut)
    })
    const any = fc.oneof(
      spoilt,
      fc.uint8Array({ maxLength: 300 }).map(array => Buffer.from(array))
    )
    fc.assert(
      fc.property(any, answer => {
        for (const decode of [decodeFetch, decodeFetchSnapshot]) readOrRefused(() => decode([answer]))
      }),
      { numRuns: 3_000 }
    )
  })
})

describe('batches', () => {
  const log = [quorumBatch(0, 1, 2), brokerBatch({ baseOffset: 1, leaderEpoch: 1 }), brokerBatch({ baseOffset: 2, leaderEpoch: 3 })]
  const start = { offset: 0, epoch: 0 }

  test('follow each other without a hole and with epochs that only grow', () => {
    expect(batchesAfter(start, log)).toHaveLength(3)
    expect(batchesAfter({ offset: 1, epoch: 1 }, log)).toHaveLength(2)
    expect(() => batchesAfter(start, [log[0]!, log[2]!])).toThrow('a batch from offset 2, expected 1')
    expect(() => batchesAfter(start, log.slice(1))).toThrow('a batch from offset 1, expected 0')
    expect(() => batchesAfter({ offset: 2, epoch: 4 }, log.slice(2))).toThrow('a batch of epoch 3 at offset 2, after epoch 4')
  })

  test('that cover more offsets than they have records are refused: the quorum compacts nothing', () => {
    const batches = batchesAfter(start, [brokerBatch({ baseOffset: 0, lastOffset: 2 })])
    expect(() => recordsOf(batches, 0)).toThrow('1 records from offset 0 to 2: some are missing')
  })

  test('of any bytes are read or refused, and nothing else', () => {
    const whole = Buffer.concat(log)
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.nat(), (changes, cut) => {
        const copy = Buffer.from(whole)
        for (const [at, byte] of changes) copy[at % copy.length] = byte
        readOrRefused(() => recordsOf(batchesAfter(start, [copy.subarray(0, cut % (copy.length + 1))]), 0))
      }),
      { numRuns: 2_000 }
    )
  })
})

test('a snapshot of any bytes is whole or refused, and asks for no byte twice', async () => {
  const whole = snapshotBytes(['x', 'y', 'z'], 5, 2)
  const snapshotId = { offset: 10, epoch: 2 }
  await fc.assert(
    fc.asyncProperty(fc.option(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }))), fc.integer({ min: 1, max: 200 }), async (change, chunk) => {
      const copy = Buffer.from(whole)
      if (change) copy[change[0] % copy.length]! ^= change[1]
      let given = 0
      const download = downloadSnapshot({ snapshotId, leaderEpoch: 2, clusterId: null, maxSnapshotBytes: 10_000 }, async ({ position }) => {
        expect(position).toBe(given)
        const piece = copy.subarray(position, position + chunk)
        given += piece.length
        return {
          throttleTimeMs: 0,
          errorCode: 0,
          snapshotId,
          size: copy.length,
          position,
          unalignedRecords: [piece],
          currentLeader: null,
          endpoints: new Map()
        }
      })
      // The leader epoch of a batch is the one field that its CRC32C leaves out.
      const read = await download.then(
        snapshot => 'records' in snapshot && [...snapshot.records].map(({ value }) => value.toString()),
        (error: unknown) => error
      )
      if (read instanceof Error) expect(change).not.toBeNull()
      else expect(read).toEqual(['x', 'y', 'z'])
    }),
    { numRuns: 500 }
  )
})

function readOrRefused(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError)
  }
}

function writeFetch(answer: MetadataFetched): Buffer {
  const writer = Writer.create().appendInt32(answer.throttleTimeMs).appendInt16(0).appendInt32(0)
  writer.appendUnsignedVarInt(2).appendUUID(topicId).appendUnsignedVarInt(2)
  writer.appendInt32(0).appendInt16(answer.errorCode).appendInt64(BigInt(answer.highWatermark)).appendInt64(-1n)
  writer.appendInt64(BigInt(answer.logStartOffset)).appendUnsignedVarInt(0).appendInt32(-1)
  appendBytes(writer, answer.records)
  appendTags(writer, [
    [
      0,
      answer.divergingEpoch && Writer.create().appendInt32(answer.divergingEpoch.epoch).appendInt64(BigInt(answer.divergingEpoch.offset)).appendTaggedFields()
    ],
    [1, answer.currentLeader && leaderField(answer.currentLeader)],
    [2, answer.snapshotId && endField(answer.snapshotId)]
  ])
  writer.appendTaggedFields()
  appendTags(writer, [
    [
      0,
      Writer.create().appendArray(
        [...answer.endpoints],
        (field, [id, { host, port }]) => void field.appendInt32(id).appendString(host).appendInt32(port).appendString(null)
      )
    ]
  ])
  return writer.buffer
}

function writeFetchSnapshot(answer: SnapshotFetched): Buffer {
  const writer = Writer.create().appendInt32(answer.throttleTimeMs).appendInt16(0)
  writer.appendUnsignedVarInt(2).appendString('__cluster_metadata').appendUnsignedVarInt(2)
  writer.appendInt32(0).appendInt16(answer.errorCode).appendFrom(endField(answer.snapshotId))
  writer.appendInt64(BigInt(answer.size)).appendInt64(BigInt(answer.position))
  appendBytes(writer, answer.unalignedRecords)
  appendTags(writer, [[0, answer.currentLeader && leaderField(answer.currentLeader)]])
  writer.appendTaggedFields()
  appendTags(writer, [
    [
      0,
      Writer.create().appendArray(
        [...answer.endpoints],
        (field, [id, { host, port }]) => void field.appendInt32(id).appendString(host).appendUnsignedInt16(port)
      )
    ]
  ])
  return writer.buffer
}

const endField = ({ offset, epoch }: EndOffset): Writer => Writer.create().appendInt64(BigInt(offset)).appendInt32(epoch).appendTaggedFields()
const leaderField = ({ leaderId, leaderEpoch }: { leaderId: number; leaderEpoch: number }): Writer =>
  Writer.create().appendInt32(leaderId).appendInt32(leaderEpoch).appendTaggedFields()

function appendBytes(writer: Writer, pieces: readonly Buffer[]): void {
  const whole = Buffer.concat(pieces)
  writer.appendUnsignedVarInt(whole.length + 1).append(whole)
}

function appendTags(writer: Writer, fields: readonly (readonly [tag: number, field: Writer | null])[]): void {
  const there = fields.filter(([, field]) => field !== null)
  writer.appendUnsignedVarInt(there.length)
  for (const [tag, field] of there) writer.appendUnsignedVarInt(tag).appendUnsignedVarInt(field!.length).append(field!.buffer)
}
