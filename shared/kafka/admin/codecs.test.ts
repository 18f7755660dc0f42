import { listOffsetsV7 as driverListOffsets, offsetFetchV8 as driverOffsetFetch, Reader, Writer } from '@platformatic/kafka'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRequest as askListOffsets, parseResponse as parseListOffsets } from './list-offsets.ts'
import { parseResponse as parseOffsetFetch } from './offset-fetch.ts'
import { parseResponse as parseShareGroups, type ShareGroup } from './share-group-describe.ts'

const name = fc.string({ maxLength: 200, unit: 'grapheme' })
const index = fc.nat(0x7fffffff)
const offset = fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER })
const errorCode: fc.Arbitrary<number> = fc.constantFrom(0, 3, 6, 29)

const listed = fc.array(fc.record({ topic: name, partitions: fc.array(fc.record({ partition: index, errorCode, offset })) }))
const fetched = fc.array(
  fc.record({
    groupId: name,
    errorCode,
    topics: fc.array(fc.record({ topic: name, partitions: fc.array(fc.record({ partition: index, offset, errorCode })) }))
  })
)
/** What is to be read of it: commits by topic and partition, the last one of each, and what had an error. */
function offsetsOf(groups: Value<typeof fetched>) {
  return groups.map(({ groupId, errorCode: groupError, topics }) => {
    const committed = new Map<string, Map<number, number>>()
    const all = topics.flatMap(({ topic, partitions }) => partitions.map(item => ({ topic, ...item })))
    for (const { topic, partition, offset: at, errorCode: error } of all)
      if (error === 0 && at >= 0) committed.set(topic, (committed.get(topic) ?? new Map<number, number>()).set(partition, at))
    const unread = all.filter(item => item.errorCode !== 0).map(({ topic, partition, errorCode: error }) => ({ topic, partition, errorCode: error }))
    return { groupId, errorCode: groupError, committed, unread }
  })
}
const described: fc.Arbitrary<ShareGroup[]> = fc.array(
  fc.record({
    errorCode,
    groupId: name,
    state: name,
    members: fc.array(fc.record({ memberId: name, clientId: name, host: name, assigned: fc.array(fc.record({ topic: name, partitions: fc.array(index) })) }))
  })
)

type Value<Arbitrary> = Arbitrary extends fc.Arbitrary<infer T> ? T : never

function listOffsetsBytes(topics: Value<typeof listed>): Buffer {
  const writer = Writer.create().appendInt32(7)
  writer.appendArray(topics, (w, { topic, partitions }) => {
    w.appendString(topic).appendArray(partitions, (x, item) =>
      x.appendInt32(item.partition).appendInt16(item.errorCode).appendInt64(-1n).appendInt64(BigInt(item.offset)).appendInt32(4)
    )
  })
  return writer.appendTaggedFields().buffer
}

function offsetFetchBytes(groups: Value<typeof fetched>): Buffer {
  const writer = Writer.create().appendInt32(7)
  writer.appendArray(groups, (w, group) => {
    w.appendString(group.groupId)
    w.appendArray(group.topics, (x, { topic, partitions }) => {
      x.appendString(topic).appendArray(partitions, (y, item) =>
        y.appendInt32(item.partition).appendInt64(BigInt(item.offset)).appendInt32(-1).appendString('who').appendInt16(item.errorCode)
      )
    })
    w.appendInt16(group.errorCode)
  })
  return writer.appendTaggedFields().buffer
}

function shareGroupBytes(groups: readonly ShareGroup[]): Buffer {
  const writer = Writer.create().appendInt32(7)
  writer.appendArray([...groups], (w, group) => {
    w.appendInt16(group.errorCode).appendString(null).appendString(group.groupId).appendString(group.state).appendInt32(1).appendInt32(1).appendString('simple')
    w.appendArray([...group.members], (x, member) => {
      x.appendString(member.memberId).appendString('rack').appendInt32(1).appendString(member.clientId).appendString(member.host)
      x.appendArray(['a', 'b'], (y, topic) => y.appendString(topic), true, false)
      x.appendArray([...member.assigned], (y, { topic, partitions }) =>
        y
          .appendUUID(null)
          .appendString(topic)
          .appendArray([...partitions], (z, item) => z.appendInt32(item), true, false)
      )
      x.appendTaggedFields()
    })
    w.appendInt32(-2147483648)
  })
  return writer.appendTaggedFields().buffer
}

/** An answer as it comes from a socket: in pieces that end anywhere. */
function inPieces(bytes: Buffer, cuts: readonly number[]): Reader {
  const places = [0, ...cuts.map(cut => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  const writer = Writer.create()
  for (const [before, end] of places.slice(1).entries()) writer.append(bytes.subarray(places[before], end))
  return Reader.from(writer)
}

const parse = <T>(parser: (correlationId: number, apiKey: number, apiVersion: number, reader: Reader) => T, bytes: Buffer): T =>
  parser(1, 0, 0, Reader.from(bytes))

test('ListOffsets reads what a broker writes', () => {
  fc.assert(
    fc.property(listed, topics => {
      expect(parse(parseListOffsets, listOffsetsBytes(topics))).toEqual({ throttleTimeMs: 7, topics })
    })
  )
})

test('ListOffsets says what the driver says of the same bytes', () => {
  const whole = listed.map(topics => topics.map(topic => ({ ...topic, partitions: topic.partitions.map(partition => ({ ...partition, errorCode: 0 })) })))
  fc.assert(
    fc.property(whole, topics => {
      const bytes = listOffsetsBytes(topics)
      const ours = parse(parseListOffsets, bytes).topics.flatMap(({ topic, partitions }) => partitions.map(item => [topic, item.partition, item.offset]))
      const driver = parse(driverListOffsets.parseResponse, bytes).topics.flatMap(({ name: topic, partitions }) =>
        partitions.map(item => [topic, item.partitionIndex, Number(item.offset)])
      )
      expect(ours).toEqual(driver)
    })
  )
})

test('ListOffsets asks as the driver asks', () => {
  const asked = fc.array(fc.record({ topic: name, partitions: fc.array(index) }))
  fc.assert(
    fc.property(asked, fc.constantFrom(-1n, -2n, 0n, 1n, 1_795_281_757_334n), fc.constantFrom(0 as const, 1 as const), (topics, timestamp, isolation) => {
      const driver = driverListOffsets.createRequest(
        -1,
        isolation,
        topics.map(({ topic, partitions }) => ({
          name: topic,
          partitions: partitions.map(partitionIndex => ({ partitionIndex, currentLeaderEpoch: -1, timestamp }))
        }))
      )
      expect(askListOffsets({ timestamp, isolation }, topics).buffer).toEqual(driver.buffer)
    })
  )
})

test('an answer is read the same wherever its pieces end', () => {
  fc.assert(
    fc.property(listed, fetched, fc.array(fc.nat(), { maxLength: 20 }), (topics, groups, cuts) => {
      expect(parseListOffsets(1, 0, 0, inPieces(listOffsetsBytes(topics), cuts)).topics).toEqual(topics)
      expect(parseOffsetFetch(1, 0, 0, inPieces(offsetFetchBytes(groups), cuts)).groups).toEqual(offsetsOf(groups))
    })
  )
})

test('OffsetFetch reads what a broker writes', () => {
  fc.assert(
    fc.property(fetched, groups => {
      expect(parse(parseOffsetFetch, offsetFetchBytes(groups))).toEqual({ throttleTimeMs: 7, groups: offsetsOf(groups) })
    })
  )
})

test('OffsetFetch says what the driver says of the same bytes', () => {
  const bytes = offsetFetchBytes([{ groupId: 'g/ö', errorCode: 0, topics: [{ topic: 't', partitions: [{ partition: 3, offset: 2 ** 40, errorCode: 0 }] }] }])
  expect(parse(driverOffsetFetch.parseResponse, bytes).groups).toMatchObject([
    { groupId: 'g/ö', topics: [{ name: 't', partitions: [{ partitionIndex: 3, committedOffset: 2n ** 40n }] }] }
  ])
  expect(parse(parseOffsetFetch, bytes).groups).toMatchObject([{ groupId: 'g/ö', committed: new Map([['t', new Map([[3, 2 ** 40]])]]) }])
})

test('ShareGroupDescribe reads what a broker writes', () => {
  fc.assert(
    fc.property(described, groups => {
      expect(parse(parseShareGroups, shareGroupBytes(groups))).toEqual({ throttleTimeMs: 7, groups })
    })
  )
})

test('an offset that a number cannot hold is refused, not rounded', () => {
  const bytes = Writer.create().appendInt32(0).appendUnsignedVarInt(2).appendString('t').appendUnsignedVarInt(2)
  bytes
    .appendInt32(0)
    .appendInt16(0)
    .appendInt64(-1n)
    .appendInt64(2n ** 53n)
    .appendInt32(0)
    .appendTaggedFields()
    .appendTaggedFields()
    .appendTaggedFields()
  expect(() => parse(parseListOffsets, bytes.buffer)).toThrow('9007199254740992, more than a safe integer')
})

test('an answer that ends early is an error, wherever it ends', () => {
  const whole = [
    [parseListOffsets, listOffsetsBytes([{ topic: 'orders', partitions: [{ partition: 1, errorCode: 0, offset: 5 }] }])],
    [parseOffsetFetch, offsetFetchBytes([{ groupId: 'g', errorCode: 0, topics: [{ topic: 't', partitions: [{ partition: 0, offset: 1, errorCode: 0 }] }] }])],
    [
      parseShareGroups,
      shareGroupBytes([
        { errorCode: 0, groupId: 'g', state: 'Stable', members: [{ memberId: 'm', clientId: 'c', host: 'h', assigned: [{ topic: 't', partitions: [1] }] }] }
      ])
    ]
  ] as const
  for (const [parser, bytes] of whole)
    // The last byte is the tag section of the answer itself, which nobody reads.
    for (let length = 0; length < bytes.length - 1; length++) expect(() => parse<unknown>(parser, bytes.subarray(0, length))).toThrow(RangeError)
})

test('bytes that no broker wrote end in an answer or a RangeError, in bounded time', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), noise => {
      for (const parser of [parseListOffsets, parseOffsetFetch, parseShareGroups])
        try {
          parse<unknown>(parser, Buffer.from(noise))
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
    }),
    { numRuns: 2_000 }
  )
})
