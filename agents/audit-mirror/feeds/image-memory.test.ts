import { expect, test } from 'vitest'
import { apply } from '#shared/kafka/metadata-log/decode/apply.ts'
import { differences } from '#shared/kafka/metadata-log/decode/differences.ts'
import { emptyImage } from '#shared/kafka/metadata-log/decode/image.ts'
import type { DecodedRecord } from '#shared/kafka/metadata-log/decode/record.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import { imageMemory, rememberedImage, wholeImageMemory } from './image-memory.ts'

const known = (type: string, fields: object): DecodedRecord =>
  ({ kind: 'known', type, apiKey: 0, version: 0, fields, unknownTags: [] }) as unknown as DecodedRecord
const topicId = 'a0000000-0000-0000-0000-000000000001'
const partition = (partitionId: number) =>
  known('PartitionRecord', {
    topicId,
    partitionId,
    replicas: [1, 2, 3],
    isr: [1, 2, 3],
    addingReplicas: [],
    removingReplicas: [],
    leader: 1,
    leaderEpoch: 4,
    partitionEpoch: 7,
    leaderRecoveryState: 0,
    directories: []
  })
const config = (name: string, value: string | null) => known('ConfigRecord', { resourceType: 2, resourceName: 'orders', name, value })
const acl = { resourceType: 2, resourceName: 'orders', patternType: 3, principal: 'User:a', host: '*', operation: 3, permissionType: 3 }
const quota = known('ClientQuotaRecord', {
  entity: [{ entityType: 'user', entityName: 'billing/a b' }],
  key: 'producer_byte_rate',
  value: 1_000,
  remove: false
})

const life: readonly (readonly DecodedRecord[])[] = [
  [known('TopicRecord', { topicId, name: 'orders' }), partition(0), partition(1), config('retention.ms', '1000')],
  [known('AccessControlEntryRecord', { id: 'b0000000-0000-0000-0000-000000000001', ...acl }), quota],
  [known('PartitionChangeRecord', { topicId, partitionId: 0, isr: [1], leader: -2 })],
  [config('retention.ms', null), config('cleanup.policy', 'compact')],
  [known('RemoveAccessControlEntryRecord', { id: 'b0000000-0000-0000-0000-000000000001' })],
  [known('RemoveTopicRecord', { topicId })]
]

test('after each step what is remembered gives the same image again, but for who leads', () => {
  const image = emptyImage()
  const remembered = new Map<string, JsonValue>()
  for (const records of life) {
    const deleted = records.some(record => record.kind === 'known' && record.type === 'RemoveTopicRecord') ? ['orders'] : []
    for (const record of records) expect(apply(image, record)).toBe(true)
    for (const [key, value] of imageMemory(image, records, deleted)) {
      const stored = JSON.parse(JSON.stringify(value)) as JsonValue
      if (stored === null) remembered.delete(key)
      else remembered.set(key, stored)
    }
    expect(differences(image, rememberedImage(remembered) ?? emptyImage()).changes).toEqual([])
    const whole = [...wholeImageMemory(image, [])].filter(([, value]) => value !== null)
    expect(new Map(whole)).toEqual(remembered)
  }
  expect([...remembered.keys()]).toEqual(['image/quotas/["user","billing/a b"]'])
})

test('a whole image forgets what was remembered and is not there any more', () => {
  expect([...wholeImageMemory(emptyImage(), ['image/topics/gone', 'position', 'image/acls/gone'])]).toEqual([
    ['image/topics/gone', null],
    ['image/acls/gone', null]
  ])
})

test('where nothing was remembered there is no image, which is not an empty one', () => {
  expect(rememberedImage(new Map<string, JsonValue>([['position', 4]]))).toBe(null)
})
