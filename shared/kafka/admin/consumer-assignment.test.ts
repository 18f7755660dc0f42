import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeConsumerAssignment } from './consumer-assignment.ts'

type Topics = readonly (readonly [topic: string, partitions: readonly number[]])[]

function encode(topics: Topics, version = 1, userData: Buffer | null = null): Buffer {
  const int = (bytes: number, value: number) => {
    const buffer = Buffer.alloc(bytes)
    buffer.writeIntBE(value, 0, bytes)
    return buffer
  }
  return Buffer.concat([
    int(2, version),
    int(4, topics.length),
    ...topics.flatMap(([topic, partitions]) => {
      const name = Buffer.from(topic)
      return [int(2, name.length), name, int(4, partitions.length), ...partitions.map(partition => int(4, partition))]
    }),
    int(4, userData?.length ?? -1),
    userData ?? Buffer.alloc(0)
  ])
}

const topics = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.array(fc.nat(0x7fffffff), { maxLength: 20 })), {
  selector: ([topic]) => topic
})

test('what a client wrote is read back, whatever its version and user data', () => {
  fc.assert(
    fc.property(topics, fc.nat(3), fc.option(fc.uint8Array()), (written, version, userData) => {
      expect(decodeConsumerAssignment(encode(written, version, userData && Buffer.from(userData)))).toEqual(new Map(written))
    })
  )
})

test('an assignment that ends early is empty', () => {
  const bytes = encode([['orders', [0, 1, 2]]]).subarray(0, -4)
  for (let length = 0; length < bytes.length; length++) expect(decodeConsumerAssignment(bytes.subarray(0, length)).size).toBe(0)
  expect(decodeConsumerAssignment(bytes)).toEqual(new Map([['orders', [0, 1, 2]]]))
})

test('bytes of an odd client never throw, and never name more partitions than they hold', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), noise => {
      const assigned = decodeConsumerAssignment(Buffer.from(noise))
      expect([...assigned.values()].flat().length * 4).toBeLessThanOrEqual(noise.length)
    }),
    { numRuns: 5_000 }
  )
})

test('lengths that lie do not make it allocate or loop', () => {
  for (const count of [-1, 0x7fffffff, -0x80000000]) {
    const bytes = encode([['orders', [0]]])
    bytes.writeInt32BE(count, 2)
    expect(decodeConsumerAssignment(bytes).size).toBe(0)
  }
})
