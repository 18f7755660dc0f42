import { Reader } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeEndTxn, encodeProduce, parseEndTxn, parseProduce, type PartitionBatch } from './codec.ts'

/** The golden bytes are what ProduceRequestData, ProduceResponseData, EndTxnRequestData and EndTxnResponseData of Kafka 4.1.1 write. */
const golden = {
  produceRequest: `067265657665ffff000019000302610300000000040102030000000007c901${'00'.repeat(200)}00000662c3a9746102000000010209000000`,
  produceResponse:
    '030261030000000000000000011f71fb04cb0000018bcfe568000000000000000005010000000000070006ffffffffffffffffffffffffffffffffffffffffffffffff01000100090000000300000009' +
    '0000026202000000010057ffffffffffffffffffffffffffffffffffffffffffffffff0200000000076e6f206b6579000462616400000000002a01000d02000000030268000023840000',
  endTxnRequest: '06726565766500000000ee6b280000070100',
  endTxnResponse: '0000000c000000000000ee6b2800000800'
}
const reader = (hex: string): Reader => Reader.from(Buffer.from(hex, 'hex'))

/** Produce v12 as ProduceRequest.json lays it out, read with nothing but a Buffer. */
function readProduceRequest(bytes: Buffer): { transactionalId: string; acks: number; timeoutMs: number; batches: PartitionBatch[] } {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
  const take = (length: number): Buffer => bytes.subarray(at, (at += length))
  const compactString = (): string => take(varint() - 1).toString('utf8')
  const noTags = (): void => expect(varint()).toBe(0)
  const transactionalId = compactString()
  const acks = take(2).readInt16BE()
  const timeoutMs = take(4).readInt32BE()
  const batches: PartitionBatch[] = []
  for (let topics = varint() - 1; topics > 0; topics--) {
    const topic = compactString()
    for (let partitions = varint() - 1; partitions > 0; partitions--) {
      const partition = take(4).readInt32BE()
      batches.push({ topic, partition, batch: take(varint() - 1) })
      noTags()
    }
    noTags()
  }
  noTags()
  expect(at).toBe(bytes.length)
  return { transactionalId, acks, timeoutMs, batches }
}

describe('Produce v12', () => {
  const batches = [
    { topic: 'a', partition: 0, batch: Buffer.from([1, 2, 3]) },
    { topic: 'béta', partition: 1, batch: Buffer.from([9]) },
    { topic: 'a', partition: 7, batch: Buffer.alloc(200) }
  ]

  test('writes the very bytes of the Java client', () => {
    expect(encodeProduce('reeve', 6400, batches).buffer.toString('hex')).toBe(golden.produceRequest)
  })

  test('is read back, whatever it holds, by a parser made from the message definition', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 150 })
    const batch = fc.record({ topic: name, partition: fc.nat(), batch: fc.uint8Array({ minLength: 1, maxLength: 400 }).map(array => Buffer.from(array)) })
    const distinct = fc.uniqueArray(batch, { maxLength: 8, selector: ({ topic, partition }) => `${topic}/${partition}` })
    fc.assert(
      fc.property(name, fc.nat(), distinct, (transactionalId, timeoutMs, sent) => {
        const read = readProduceRequest(encodeProduce(transactionalId, timeoutMs, sent).buffer)
        expect(read).toMatchObject({ transactionalId, acks: -1, timeoutMs })
        const sortKey = ({ topic, partition }: PartitionBatch): string => `${topic}/${partition}`
        expect(Object.fromEntries(read.batches.map(one => [sortKey(one), one.batch.toString('hex')]))).toEqual(
          Object.fromEntries(sent.map(one => [sortKey(one), one.batch.toString('hex')]))
        )
      })
    )
  })

  test('reads the answer of a broker, tagged fields and all', () => {
    expect(parseProduce(0, 0, 12, reader(golden.produceResponse))).toEqual({
      throttleTimeMs: 42,
      partitions: [
        { topic: 'a', partition: 0, errorCode: 0, errorMessage: null, baseOffset: 1_234_567_890_123n, logAppendTimeMs: 1_700_000_000_000n },
        { topic: 'a', partition: 7, errorCode: 6, errorMessage: null, baseOffset: -1n, logAppendTimeMs: -1n },
        { topic: 'b', partition: 1, errorCode: 87, errorMessage: 'bad', baseOffset: -1n, logAppendTimeMs: -1n }
      ]
    })
  })
})

describe('EndTxn v5', () => {
  test('writes the very bytes of the Java client', () => {
    expect(encodeEndTxn('reeve', 4_000_000_000n, 7, true).buffer.toString('hex')).toBe(golden.endTxnRequest)
  })

  test('reads the identity to go on with', () => {
    expect(parseEndTxn(0, 26, 5, reader(golden.endTxnResponse))).toEqual({ throttleTimeMs: 12, errorCode: 0, producerId: 4_000_000_000n, producerEpoch: 8 })
  })
})

test('an answer cut short or filled with noise is an error or an answer, never a hang', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }).map(array => Buffer.from(array)),
        fc.nat(140).map(length => Buffer.from(golden.produceResponse, 'hex').subarray(0, length))
      ),
      bytes => {
        for (const parse of [parseProduce, parseEndTxn]) {
          try {
            parse(0, 0, 12, Reader.from(bytes))
          } catch (error) {
            expect(error).toBeInstanceOf(Error)
          }
        }
      }
    )
  )
})
