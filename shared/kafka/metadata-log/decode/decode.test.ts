import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareRecord, type Dumped } from '#test/support/metadata-log-dump.ts'
import { anyRecord, asDecoded, encodeRecord, recordSchemas, varint } from '#test/support/metadata-records.ts'
import { decodeMetadataRecord, hashKeyFrom } from './decode.ts'
import golden from './golden.json' with { type: 'json' }
import type { DecodedRecord } from './record.ts'

const hashKey = hashKeyFrom(Buffer.alloc(32, 7))
const decode = (value: Buffer): DecodedRecord => decodeMetadataRecord(value, { hashKey })

/** The same with every dropped value, and every value that may be one, taken out. */
function withoutSecrets(record: DecodedRecord): unknown {
  if (record.kind !== 'known') return record
  const { fields } = record
  const hidden: Record<string, unknown> = { ...fields }
  if (record.type === 'UserScramCredentialRecord') for (const name of ['salt', 'storedKey', 'serverKey']) hidden[name] = 'hidden'
  if (record.type === 'ConfigRecord') hidden['value'] = 'hidden'
  return { ...record, fields: hidden }
}

describe('any record of any version', () => {
  test('is read as it was written', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(anyRecord, ({ type, version, fields }) => {
        seen.add(type)
        const decoded = decode(encodeRecord(type, version, fields))
        expect(withoutSecrets(decoded)).toEqual(withoutSecrets(asDecoded(type, version, fields)))
        expect(JSON.parse(JSON.stringify(withoutSecrets(decoded)))).toEqual(withoutSecrets(decoded))
      }),
      { numRuns: 2_000 }
    )
    expect(seen.size).toBe(recordSchemas.length)
  })

  test('with tags that no release has gives them by tag, length and hash, and the rest as ever', () => {
    const extra = fc.tuple(fc.integer({ min: 50, max: 2 ** 31 - 1 }), fc.uint8Array({ minLength: 8, maxLength: 30 }))
    fc.assert(
      fc.property(anyRecord, extra, ({ type, version, fields }, [tag, bytes]) => {
        const decoded = decode(encodeRecord(type, version, fields, [[tag, Buffer.from(bytes)]]))
        if (decoded.kind !== 'known') throw new Error(decoded.why)
        expect(decoded.unknownTags).toEqual([{ path: '', tag, lengthBytes: bytes.length, keyedHash: expect.stringMatching(/^[0-9a-f]{64}$/) }])
        expect(withoutSecrets({ ...decoded, unknownTags: [] })).toEqual(withoutSecrets(asDecoded(type, version, fields)))
      })
    )
  })

  test('cut anywhere, or with a byte more, is an unknown record with its length and hash', () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(), ({ type, version, fields }, cut) => {
        const whole = encodeRecord(type, version, fields)
        for (const value of [whole.subarray(0, cut % whole.length), Buffer.concat([whole, Buffer.from([0])])])
          expect(decode(value)).toMatchObject({
            kind: 'unknown',
            reason: 'malformed',
            lengthBytes: value.length,
            keyedHash: expect.stringMatching(/^[0-9a-f]{64}$/)
          })
      })
    )
  })

  test('with any byte changed is a record or an unknown one, never an error', () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ type, version, fields }, at, change) => {
        const value = encodeRecord(type, version, fields)
        value[at % value.length]! ^= change
        expect(['known', 'unknown']).toContain(decode(value).kind)
      }),
      { numRuns: 2_000 }
    )
  })
})

test('any bytes are a record or an unknown one, never an error', () => {
  const framed = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 5 }), fc.uint8Array({ maxLength: 300 }))
  fc.assert(
    fc.property(framed, ([apiKey, version, bytes]) => {
      expect(decode(Buffer.from(bytes)).kind).toBeDefined()
      expect(decode(Buffer.concat([varint(1), varint(apiKey), varint(version), Buffer.from(bytes)])).kind).toBeDefined()
    }),
    { numRuns: 3_000 }
  )
})

test('lengths beyond the bytes are refused before anything is made for them', () => {
  const partition = (rest: Buffer) => decode(Buffer.concat([varint(1), varint(3), varint(0), Buffer.alloc(20), rest, Buffer.alloc(64 * 1024)]))
  const before = process.memoryUsage().heapUsed
  for (const length of [20_000, 2 ** 31, 2 ** 34])
    expect(partition(varint(length))).toMatchObject({ kind: 'unknown', why: 'replicas: more elements than bytes' })
  const tags = decode(Buffer.concat([varint(1), varint(20), varint(0), varint(2 ** 34), Buffer.alloc(4_000)]))
  expect(tags).toMatchObject({ kind: 'unknown', why: 'more than 64 unknown tags' })
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(16_000_000)
})

test('a record of a type or a version that no release has keeps its key, version, length and hash, and nothing else', () => {
  const hash = { keyedHash: expect.stringMatching(/^[0-9a-f]{64}$/) }
  const later = Buffer.concat([varint(1), varint(77), varint(3), Buffer.from('payload-that-nobody-knows')])
  expect(decode(later)).toEqual({
    kind: 'unknown',
    reason: 'type',
    type: null,
    apiKey: 77,
    version: 3,
    lengthBytes: 28,
    why: 'no record of Kafka 4.0 to 4.4 has the api key 77',
    ...hash
  })
  const newer = Buffer.concat([varint(1), varint(2), varint(1), Buffer.alloc(20)])
  expect(decode(newer)).toEqual({
    kind: 'unknown',
    reason: 'version',
    type: 'TopicRecord',
    apiKey: 2,
    version: 1,
    lengthBytes: 23,
    why: 'TopicRecord is known in the versions 0 to 0, this is 1',
    ...hash
  })
  expect(decode(Buffer.alloc(0))).toMatchObject({ kind: 'unknown', reason: 'malformed', apiKey: null, version: null, why: 'a record ends within a field' })
  expect(decode(Buffer.from([0, 2, 0]))).toMatchObject({ kind: 'unknown', reason: 'malformed', why: 'not of frame version 1' })
  expect(decode(Buffer.from([1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]))).toMatchObject({ reason: 'malformed', apiKey: null })
})

test('numbers that JSON cannot carry are texts, and -0 is 0', () => {
  const quota = (value: number) => (decode(encodeRecord('ClientQuotaRecord', 0, { entity: [], value })) as { fields: { value: unknown } }).fields.value
  expect([NaN, Infinity, -Infinity, -0, 12.5].map(quota)).toEqual(['NaN', 'Infinity', '-Infinity', 0, 12.5])
  const producer = (nextProducerId: bigint) =>
    (decode(encodeRecord('ProducerIdsRecord', 0, { nextProducerId })) as { fields: { nextProducerId: unknown } }).fields
  expect([2n ** 53n - 1n, 2n ** 53n, -(2n ** 63n)].map(value => producer(value).nextProducerId)).toEqual([
    9007199254740991,
    '9007199254740992',
    '-9223372036854775808'
  ])
})

test('null where it may not be, and a tag that is longer than its field, are no record', () => {
  expect(decode(encodeRecord('TopicRecord', 0, { name: null }))).toMatchObject({ kind: 'unknown', why: 'name is null' })
  const longTag = Buffer.concat([varint(1), varint(17), varint(0), Buffer.alloc(12), varint(1), varint(0), varint(2), Buffer.from([1, 9])])
  expect(decode(longTag)).toMatchObject({ kind: 'unknown', why: 'fenced: its tag is longer than it' })
})

test("a key that is too short to be one is refused, and the hash is its key's", () => {
  expect(() => hashKeyFrom(Buffer.alloc(31))).toThrow('31 bytes, expected at least 32')
  const value = Buffer.from('no record')
  const other = hashKeyFrom(Buffer.alloc(32, 8))
  const hash = (key: typeof hashKey) => (decodeMetadataRecord(value, { hashKey: key }) as { keyedHash: string }).keyedHash
  expect(hash(hashKey)).toBe(hash(hashKeyFrom(Buffer.alloc(32, 7))))
  expect(hash(hashKey)).not.toBe(hash(other))
})

/** Records of controllers of two releases, and what the kafka-dump-log of each said of them. */
describe('a record that a controller wrote', () => {
  test.each(golden as readonly { readonly kafka: string; readonly hex: string; readonly dump: Dumped }[])(
    'is what its Kafka says: $kafka $dump.type v$dump.version',
    ({ hex, dump, kafka }) => {
      const decoded = decode(Buffer.from(hex, 'hex'))
      if (decoded.kind !== 'known') throw new Error(decoded.why)
      const secrets = compareRecord(decoded, dump, kafka)
      for (const secret of secrets) expect(JSON.stringify(decoded)).not.toContain(secret)
    }
  )
})
