import { metadataV12 as driverMetadata, Reader, Writer } from '@platformatic/kafka'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRequest, type MetadataResponse, parseResponse } from './metadata.ts'

const name = fc.string({ maxLength: 100, unit: 'grapheme' })
const id = fc.integer({ min: -1, max: 0x7fffffff })
const partition = fc.record({
  errorCode: fc.constantFrom(0, 5, 9),
  partitionIndex: id,
  leaderId: id,
  leaderEpoch: id,
  replicaNodes: fc.array(id, { maxLength: 4 }),
  isrNodes: fc.array(id, { maxLength: 4 })
})
const metadata: fc.Arbitrary<MetadataResponse> = fc.record({
  throttleTimeMs: fc.nat(),
  brokers: fc.array(fc.record({ nodeId: id, host: name, port: id }), { maxLength: 4 }),
  clusterId: fc.option(name),
  topics: fc.array(
    fc.record({ errorCode: fc.constantFrom(0, 3, 29), name: fc.option(name), topicId: fc.uuid(), partitions: fc.array(partition, { maxLength: 5 }) }),
    { maxLength: 5 }
  )
})

function bytesOf({ throttleTimeMs, brokers, clusterId, topics }: MetadataResponse): Buffer {
  return Writer.create()
    .appendInt32(throttleTimeMs)
    .appendArray([...brokers], (w, { nodeId, host, port }) => w.appendInt32(nodeId).appendString(host).appendInt32(port).appendString('rack'))
    .appendString(clusterId)
    .appendInt32(1)
    .appendArray([...topics], (w, topic) => {
      w.appendInt16(topic.errorCode).appendString(topic.name).appendUUID(topic.topicId).appendBoolean(false)
      w.appendArray([...topic.partitions], (x, item) => {
        x.appendInt16(item.errorCode).appendInt32(item.partitionIndex).appendInt32(item.leaderId).appendInt32(item.leaderEpoch)
        for (const nodes of [item.replicaNodes, item.isrNodes, [7]]) x.appendArray([...nodes], (y, node) => y.appendInt32(node), true, false)
      })
      w.appendInt32(-2_147_483_648)
    })
    .appendTaggedFields().buffer
}

const read = (bytes: Buffer): MetadataResponse => parseResponse(1, 3, 12, Reader.from(bytes))

test('metadata is read as a broker writes it, errors of single topics and partitions included', () => {
  fc.assert(
    fc.property(metadata, response => {
      expect(read(bytesOf(response))).toEqual(response)
    })
  )
})

test('metadata says what the driver says of the same bytes', () => {
  fc.assert(
    fc.property(metadata, response => {
      const whole = {
        ...response,
        topics: response.topics.map(topic => ({ ...topic, errorCode: 0, partitions: topic.partitions.map(item => ({ ...item, errorCode: 0 })) }))
      }
      expect(driverMetadata.parseResponse(1, 3, 12, Reader.from(bytesOf(whole)))).toMatchObject(read(bytesOf(whole)))
    })
  )
})

test('metadata is asked for as the driver asks, of some topics, of none and of all', () => {
  for (const topics of [null, [], ['a', 'ü', 'orders'.repeat(40)]])
    expect(createRequest(topics).buffer).toEqual(driverMetadata.createRequest(topics, false, false).buffer)
})

test('metadata that ends early is an error, wherever it ends', () => {
  const topic = { errorCode: 0, name: 'orders', topicId: '00000000-0000-4000-8000-000000000001' }
  const bytes = bytesOf({
    throttleTimeMs: 0,
    brokers: [{ nodeId: 1, host: 'h', port: 9092 }],
    clusterId: 'c',
    topics: [{ ...topic, partitions: [{ errorCode: 0, partitionIndex: 0, leaderId: 1, leaderEpoch: 1, replicaNodes: [1], isrNodes: [1] }] }]
  })
  // The last byte is the tag section of the answer itself, which nobody reads.
  for (let length = 0; length < bytes.length - 1; length++) expect(() => read(bytes.subarray(0, length))).toThrow(RangeError)
})

test('bytes that no broker wrote end in an answer or a RangeError, in bounded time', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), noise => {
      try {
        read(Buffer.from(noise))
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
    { numRuns: 2_000 }
  )
})
