import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LogRecord } from '../ports.ts'
import { compressionsAlgorithms } from '@platformatic/kafka'
import { brokerBatch, codecNames, summed, inPieces } from '#test/support/record-batches.ts'
import { type Batch, crcHolds, walkBatches } from './batch.ts'
import { uncompress } from './compression.ts'
import { decodeRecords } from './records.ts'

const place = { topic: 't', partition: 0 }
const limits = { fromOffset: 0, maxUncompressedBytes: 1_000_000 }
const decode = (batch: Batch, fromOffset = 0): LogRecord[] => decodeRecords(batch, place, { ...limits, fromOffset }).records
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map(array => Buffer.from(array))
const record = fc.record({
  key: fc.option(bytes(20)),
  value: fc.option(bytes(300)),
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme' }), value: fc.option(bytes(20)) }), { maxLength: 3 }),
  timestampMs: fc.integer({ min: 0, max: 2 ** 51 })
})
const records = fc.array(record, { minLength: 1, maxLength: 20 })
const codec = fc.constantFrom(...codecNames)

test('records come out of every codec as they went in', () => {
  fc.assert(
    fc.property(records, codec, fc.nat(2 ** 40), fc.array(fc.nat()), (written, codecName, baseOffset, seams) => {
      const [batch, ...others] = walkBatches(inPieces(brokerBatch({ records: written, codec: codecName, baseOffset }), seams))
      expect(others).toEqual([])
      expect(crcHolds(batch!)).toBe(true)
      expect(decode(batch!)).toEqual(written.map((one, index) => ({ ...place, ...one, offset: baseOffset + index })))
    })
  )
})

test('records below the position are left out', () => {
  const [batch] = walkBatches([brokerBatch({ baseOffset: 10, records: ['a', 'b', 'c'].map(value => ({ key: null, value: Buffer.from(value) })) })])
  expect(decode(batch!, 11).map(one => [one.offset, String(one.value)])).toEqual([
    [11, 'b'],
    [12, 'c']
  ])
})

test('a batch covers the offsets that compaction took from its end', () => {
  const [batch] = walkBatches([brokerBatch({ baseOffset: 10, lastOffset: 40, records: [{ key: null, value: Buffer.from('a') }] })])
  expect(batch!.header).toMatchObject({ baseOffset: 10, lastOffset: 40, recordCount: 1 })
  const [empty] = walkBatches([brokerBatch({ baseOffset: 10, lastOffset: 40, records: [] })])
  expect(decode(empty!)).toEqual([])
  expect(empty!.header.lastOffset).toBe(40)
})

test('a batch cut off at the end of an answer is left out', () => {
  const both = Buffer.concat([brokerBatch({ baseOffset: 0 }), brokerBatch({ baseOffset: 1 })])
  for (let cut = 1; cut <= both.length; cut++) expect(walkBatches([both.subarray(0, both.length - cut)])).toHaveLength(cut <= both.length / 2 ? 1 : 0)
})

test("the broker's time counts where the topic says so", () => {
  const sketch = brokerBatch({
    records: [
      { key: null, value: null, timestampMs: 5 },
      { key: null, value: null, timestampMs: 9 }
    ]
  })
  sketch.writeInt16BE(0b1000, 21)
  const [batch] = walkBatches([summed(sketch)])
  expect(decode(batch!).map(one => one.timestampMs)).toEqual([9, 9])
})

test('any changed byte is caught: by the walk, by the CRC, or it is outside of what the producer wrote', () => {
  fc.assert(
    fc.property(records, codec, fc.nat(), fc.integer({ min: 1, max: 255 }), (written, codecName, where, flip) => {
      const broken = brokerBatch({ records: written, codec: codecName })
      const at = where % broken.length
      broken[at] = broken[at]! ^ flip
      let walked: Batch[]
      try {
        walked = walkBatches([broken])
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
        return
      }
      const outsideOfCrc = at < 8 || (at >= 12 && at < 16)
      for (const batch of walked) expect(crcHolds(batch)).toBe(outsideOfCrc)
    }),
    { numRuns: 400 }
  )
})

test('nonsense under a sound CRC is decoded or refused, and takes bounded time and memory', () => {
  fc.assert(
    fc.property(records, codec, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), (written, codecName, changes) => {
      const broken = brokerBatch({ records: written, codec: codecName })
      for (const [where, byte] of changes) broken[21 + (where % (broken.length - 21))] = byte
      let walked: Batch[] = []
      try {
        walked = walkBatches([summed(broken)])
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
      for (const batch of walked) {
        try {
          expect(decode(batch).length).toBeLessThanOrEqual(batch.header.recordCount)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }
      // What came before must not spoil what comes after.
      const [sound] = walkBatches([brokerBatch({ records: written, codec: codecName })])
      expect(decode(sound!)).toHaveLength(written.length)
    }),
    { numRuns: 400 }
  )
})

const numberOf = (name: (typeof codecNames)[number]): number => codecNames.indexOf(name)

test('what would be larger than the limit is refused before it is unpacked', () => {
  const zeros = Buffer.alloc(5_000_000)
  const packed = {
    gzip: gzipSync(zeros),
    zstd: zstdCompressSync(zeros),
    snappy: compressionsAlgorithms.snappy.compressSync(zeros),
    lz4: compressionsAlgorithms.lz4.compressSync(zeros)
  }
  for (const [name, small] of Object.entries(packed) as [keyof typeof packed, Buffer][]) {
    expect(() => uncompress(numberOf(name), small, 1_000_000)).toThrow(/limit|larger than|exceed/i)
    expect(uncompress(numberOf(name), small, 6_000_000).equals(zeros)).toBe(true)
  }
})

test('snappy in the chunks of snappy-java is read', () => {
  const parts = ['one ', 'two ', 'three'].map(text => compressionsAlgorithms.snappy.compressSync(Buffer.from(text.repeat(100))))
  const framed: Buffer[] = [Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])]
  for (const part of parts) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(part.length)
    framed.push(length, part)
  }
  expect(uncompress(numberOf('snappy'), Buffer.concat(framed), 10_000).toString()).toBe('one '.repeat(100) + 'two '.repeat(100) + 'three'.repeat(100))
  expect(() => uncompress(numberOf('snappy'), Buffer.concat(framed), 1_000)).toThrow('limit')
  expect(() => uncompress(numberOf('snappy'), Buffer.concat(framed).subarray(0, -1), 10_000)).toThrow('snappy chunk')
})

test('an unknown codec is named', () => {
  expect(() => uncompress(5, deflateSync('x'), 100)).toThrow('codec 5')
})
