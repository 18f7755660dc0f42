import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lagMessages } from '#shared/domain/lag.ts'
import type { Admin } from '#shared/kafka/ports.ts'

/** What every Admin does, real or fake. `name` gives names that nobody else uses. */
export function adminContract(what: string, open: () => Promise<Admin>, name: (prefix: string) => string): void {
  describe(`${what} is an Admin`, () => {
    let admin: Admin
    beforeAll(async () => {
      admin = await open()
    })
    afterAll(async () => admin.close())

    const idOf = async (topic: string): Promise<string | undefined> => (await admin.scan({ atMs: 1 })).topics.get(topic)?.topicId
    const withTopic = async (run: (topic: string, topicId: string) => Promise<void>): Promise<void> => {
      const topic = name('contract')
      await admin.createTopics([{ name: topic, partitions: 2, configs: { 'retention.ms': '60000' } }])
      const topicId = await idOf(topic)
      try {
        await run(topic, topicId!)
      } finally {
        const left = await idOf(topic)
        if (left !== undefined) await admin.deleteTopicById(left)
      }
    }

    test('a created topic is in the next scan: empty, led, with an id', () =>
      withTopic(async (topic, topicId) => {
        const view = await admin.scan({ atMs: 123 })
        expect(view.atMs).toBe(123)
        expect(topicId).toMatch(/^[0-9a-f]{8}-/)
        expect(view.topics.get(topic)!.partitions).toMatchObject(
          [0, 1].map(partition => ({ partition, logStartOffset: 0, highWatermark: 0, lastStableOffset: 0, leader: expect.any(Number) }))
        )
        expect(view.unseen.filter(({ id }) => id.startsWith(topic))).toEqual([])
      }))

    test('a scan of topics that are named holds these alone, and of one that is not there nothing', () =>
      withTopic(async (topic, topicId) => {
        const missing = name('contract-missing')
        const view = await admin.scan({ atMs: 1, groups: false, topics: [topic, missing] })
        expect([...view.topics.keys()]).toEqual([topic])
        expect(view.topics.get(topic)).toMatchObject({ topicId, partitions: [{ highWatermark: 0 }, { highWatermark: 0 }] })
        expect(view.brokers.length).toBeGreaterThan(0)
      }))

    test('creating again what is there changes nothing and says so', () =>
      withTopic(async (topic, topicId) => {
        const other = name('contract')
        const result = await admin.createTopics([
          { name: topic, partitions: 9 },
          { name: other, partitions: 1 }
        ])
        expect(result).toEqual({ created: [other], existed: [topic] })
        const { topics } = await admin.scan({ atMs: 1 })
        expect(topics.get(topic)).toMatchObject({ topicId, partitions: { length: 2 } })
        await admin.deleteTopicById(topics.get(other)!.topicId)
      }))

    test('a topic is deleted by its id, once; the id of a dead incarnation deletes nothing', () =>
      withTopic(async (topic, topicId) => {
        await admin.deleteTopicById(topicId)
        await expect(admin.deleteTopicById(topicId)).rejects.toMatchObject({ apiError: 'UNKNOWN_TOPIC_ID' })
        await expect.poll(async () => (await admin.createTopics([{ name: topic, partitions: 1 }])).created, { timeout: 10_000 }).toEqual([topic])
        await expect(admin.deleteTopicById(topicId)).rejects.toMatchObject({ apiError: 'UNKNOWN_TOPIC_ID', outcome: 'refused' })
        const now = await idOf(topic)
        expect(now).toBeDefined()
        expect(now).not.toBe(topicId)
      }))

    test('configs of a topic are read, changed and given back; an unknown name spoils no other', () =>
      withTopic(async topic => {
        const retention = async () => {
          const { value, unseen } = await admin.topicConfigs([name('nobody'), topic])
          expect(unseen).toEqual([{ id: expect.stringContaining('nobody'), why: expect.stringContaining('UNKNOWN_TOPIC') }])
          return value.get(topic)!.get('retention.ms')
        }
        expect(await retention()).toEqual({ value: '60000', isDefault: false, isSensitive: false })
        await admin.alterConfigs({ kind: 'topic', name: topic }, { 'retention.ms': '120000' })
        await expect.poll(async () => (await retention())?.value, { timeout: 10_000 }).toBe('120000')
        await admin.alterConfigs({ kind: 'topic', name: topic }, { 'retention.ms': null })
        await expect.poll(async () => (await retention())?.isDefault ?? true, { timeout: 10_000 }).toBe(true)
        const both = await admin.configs([{ kind: 'topic', name: topic }])
        expect([...both.value.keys()]).toEqual([`topic:${topic}`])
      }))

    test('a quota is set, seen and taken away; a fraction is refused in words', async () => {
      const entity = { user: name('contract'), 'client-id': null }
      const mine = async () => (await admin.quotas()).filter(quota => quota.entity['user'] === entity.user)
      await admin.alterQuotas(entity, { consumer_byte_rate: 1_000_000 })
      await expect.poll(mine, { timeout: 10_000 }).toEqual([{ entity, values: { consumer_byte_rate: 1_000_000 } }])
      await expect(admin.alterQuotas(entity, { consumer_byte_rate: 0.5 })).rejects.toThrow('consumer_byte_rate cannot be a fractional value')
      await admin.alterQuotas(entity, { consumer_byte_rate: null })
      await expect.poll(mine, { timeout: 10_000 }).toEqual([])
    })

    test('an empty partition has no offset for a timestamp', () =>
      withTopic(async topic => {
        expect(await admin.offsetForTimestamp(topic, 0, 1)).toBeNull()
        await expect(admin.offsetForTimestamp(name('nobody'), 0, 1)).rejects.toMatchObject({ apiError: 'UNKNOWN_TOPIC_OR_PARTITION' })
      }))

    test('no lag in a view is negative', async () => {
      const { topics, groups } = await admin.scan({ atMs: 1 })
      for (const { committed } of groups.values())
        for (const [topic, offsets] of committed ?? [])
          for (const [partition, committedOffset] of offsets) {
            const seen = topics.get(topic)?.partitions[partition]
            expect(
              lagMessages({ endOffset: seen?.highWatermark ?? null, logStartOffset: seen?.logStartOffset ?? null, committedOffset }) ?? 0
            ).toBeGreaterThanOrEqual(0)
          }
    })

    test('the cluster has a name, brokers and features', async () => {
      const { clusterId, brokers, finalized } = await admin.features()
      expect(clusterId).not.toBe('')
      expect(brokers).toBeGreaterThan(0)
      expect(finalized).toMatchObject({ 'group.version': expect.any(Number) })
    })

    test('a scan whose signal is aborted throws the reason', async () => {
      await expect(admin.scan({ atMs: 1, signal: AbortSignal.abort(new Error('lease lost')) })).rejects.toThrow('lease lost')
    })
  })
}
