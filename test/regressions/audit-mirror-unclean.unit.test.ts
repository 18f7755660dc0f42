import { expect, test } from 'vitest'
import { metadataFeed } from '#agents/audit-mirror/feeds/metadata.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import { hashKeyFrom } from '#shared/kafka/metadata-log/decode/decode.ts'
import { encodeRecord } from '#test/support/metadata-records.ts'

/*
 * Who leads is not remembered. A mirror that had been restarted since a topic was made told of an unclean election with epochs, directories and a leader
 * before it that it had made up, and said another thing than one that ran through.
 */
const nothing = () => undefined
const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const topicId = 'a0000000-0000-0000-0000-000000000001'
const state = { replicas: [1, 2], isr: [1, 2], leader: 1, leaderEpoch: 4, partitionEpoch: 7 }
const made = [encodeRecord('TopicRecord', 0, { name: 'orders', topicId }), encodeRecord('PartitionRecord', 0, { topicId, partitionId: 0, ...state })]
const elected = [encodeRecord('PartitionChangeRecord', 0, { topicId, partitionId: 0, leader: 2, isr: [2], leaderRecoveryState: 1 })]

test('an unclean election is told alike by a mirror that ran through and by one that was restarted', async () => {
  const remembered = new Map<string, JsonValue>()
  /** What a feed says of some records, at offset 0 or 2. */
  async function told(feed: ReturnType<typeof metadataFeed>): Promise<JsonValue[]> {
    const inputs = await feed.next(0)
    for (const input of inputs) if (input.kind === 'memory') for (const [key, value] of input.memory) if (value !== null) remembered.set(key, value)
    return inputs.flatMap(input => (input.kind === 'brought' && input.input.kind === 'change' ? [input.input.change as unknown as JsonValue] : []))
  }
  function open(known: ReadonlyMap<string, JsonValue>, batches: readonly (readonly Buffer[])[]): ReturnType<typeof metadataFeed> {
    let next = known.size === 0 ? 0 : 1
    const log = {
      poll: async () => {
        const offset = next * 2
        const records = batches[next++]!.map((value, index) => ({ offset: offset + index, epoch: 1, timestampMs: 5, value }))
        return { kind: 'records', records, quorumRecords: [], fromOffset: offset, position: { offset: offset + records.length, epoch: 1 } }
      }
    }
    return metadataFeed({ log: log as never, remembered: known, hashKey: hashKeyFrom(Buffer.alloc(32, 1)), consequenceOf: async () => null, logger })
  }
  const through = open(new Map(), [made, elected])
  await told(through)
  const restarted = open(new Map(remembered), [made, elected])
  const [one, other] = [await told(through), await told(restarted)]
  expect(one).toMatchObject([
    { kind: 'unclean-leader-elected', before: { 0: { replicas: [1, 2] } }, after: { 0: { leader: 2, isr: [2], leaderRecoveryState: 1 } } }
  ])
  expect(other).toEqual(one)
})
