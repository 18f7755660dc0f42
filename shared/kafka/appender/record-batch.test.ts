import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crcHolds, isTransactional, walkBatches } from '../log-reader/batch.ts'
import { decodeRecords } from '../log-reader/records.ts'
import type { NewRecord } from '../ports.ts'
import { checkRecord, encodeRecordBatch, splitIntoBatches } from './record-batch.ts'

const bytes = fc.uint8Array({ maxLength: 300 }).map(array => Buffer.from(array))
const nullableBytes = fc.option(bytes, { nil: null })
const newRecord: fc.Arbitrary<NewRecord> = fc.record(
  {
    topic: fc.constant('t'),
    partition: fc.constant(3),
    key: nullableBytes,
    value: nullableBytes,
    headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 20 }), value: nullableBytes }), { maxLength: 4 }),
    timestampMs: fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 51 }))
  },
  { requiredKeys: ['topic', 'partition', 'key', 'value'] }
)
const identity = fc.record({ producerId: fc.bigInt(0n, 2n ** 63n - 1n), producerEpoch: fc.nat(32_767), baseSequence: fc.nat(2 ** 31 - 1) })
const defaultTimestampMs = 1_700_000_000_000

describe('encodeRecordBatch', () => {
  test('writes the very bytes of the Java client', () => {
    const records: NewRecord[] = [
      {
        topic: 't',
        partition: 0,
        key: Buffer.from('k'),
        value: Buffer.from('value'),
        timestampMs: 1_700_000_000_000,
        headers: [
          { key: 'h', value: Buffer.from('x') },
          { key: 'n', value: null }
        ]
      },
      { topic: 't', partition: 0, key: null, value: null, timestampMs: 1_699_999_999_000 },
      { topic: 't', partition: 0, key: Buffer.alloc(0), value: Buffer.alloc(100), timestampMs: 1_700_000_005_000 }
    ]
    const java =
      '0000000000000000000000bbffffffff0237c0e8b00010000000020000018bcfe568000000018bcfe57b8800000000ee6b28000007000000050000000326000000026b0a76616c75650402680278026e010e00cf0f02010100d80100904e0400c801' +
      '00'.repeat(101)
    expect(encodeRecordBatch(records, { producerId: 4_000_000_000n, producerEpoch: 7, baseSequence: 5 }, 0).toString('hex')).toBe(java)
  })

  test('is read back as the same records by the log reader', () => {
    fc.assert(
      fc.property(fc.array(newRecord, { minLength: 1, maxLength: 20 }), identity, (records, writer) => {
        const encoded = encodeRecordBatch(records, writer, defaultTimestampMs)
        const [batch, ...more] = walkBatches([encoded])
        expect(more).toEqual([])
        expect(batch && crcHolds(batch)).toBe(true)
        expect(isTransactional(batch!.header)).toBe(true)
        expect(encoded.readBigInt64BE(43)).toBe(writer.producerId)
        expect(encoded.readInt16BE(51)).toBe(writer.producerEpoch)
        expect(encoded.readInt32BE(53)).toBe(writer.baseSequence)
        const { records: decoded } = decodeRecords(batch!, { topic: 't', partition: 3 }, { fromOffset: 0, maxUncompressedBytes: encoded.length })
        expect(decoded).toEqual(records.map((record, offset) => ({ headers: [], timestampMs: defaultTimestampMs, ...record, offset })))
      })
    )
  })

  test('takes no empty list', () => {
    expect(() => encodeRecordBatch([], { producerId: 1n, producerEpoch: 0, baseSequence: 0 }, 0)).toThrow('at least one record')
  })
})

describe('splitIntoBatches', () => {
  test('keeps every record in order, and each batch within the bound unless it is one record', () => {
    fc.assert(
      fc.property(fc.array(newRecord, { maxLength: 30 }), fc.integer({ min: 62, max: 3_000 }), identity, (records, maxBytes, writer) => {
        const runs = splitIntoBatches(
          records.map(record => ({ record })),
          maxBytes
        )
        expect(runs.flat().map(({ record }) => record)).toEqual(records)
        for (const run of runs)
          if (run.length > 1)
            expect(
              encodeRecordBatch(
                run.map(({ record }) => record),
                writer,
                defaultTimestampMs
              ).length
            ).toBeLessThanOrEqual(maxBytes)
      })
    )
  })
})

describe('checkRecord', () => {
  const good: NewRecord = { topic: 't', partition: 0, key: null, value: null }
  test.each([
    [{ ...good, topic: '' }, 'record 4 of the transaction: expected a topic'],
    [{ ...good, partition: -1 }, 'partition -1 of t: expected an integer from 0'],
    [{ ...good, partition: 1.5 }, 'partition 1.5 of t'],
    [{ ...good, timestampMs: -1 }, 'timestampMs -1: expected whole milliseconds'],
    [{ ...good, timestampMs: 0.5 }, 'timestampMs 0.5'],
    [{ ...good, timestampMs: Number.NaN }, 'timestampMs NaN']
  ])('names what is wrong in %j', (record, words) => {
    expect(() => checkRecord(record, 4)).toThrow(words)
  })

  test('takes what is right', () => {
    expect(() => checkRecord({ ...good, timestampMs: 0 }, 0)).not.toThrow()
  })
})
