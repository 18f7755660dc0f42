import type { ChildProcess } from 'node:child_process'
import { Kafka, logLevel, type Consumer, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { GroupView } from '#shared/domain/cluster-view.ts'
import { groupTopicLags } from '#shared/domain/lag.ts'
import { openAdmin } from '#shared/kafka/admin/index.ts'
import type { Admin } from '#shared/kafka/ports.ts'
import { java, javaOutput, stack, superUser, unique } from '#test/support/stack.ts'

// Each of Kafka's own tools is a Java process that has to start.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

// Without it Java tools read and print group names as question marks.
process.env['LC_ALL'] = 'C.UTF-8'

const admin: Admin = await openAdmin(superUser())
const kafka = new Kafka({ brokers: [...stack().brokers], clientId: 'kafkajs', logLevel: logLevel.NOTHING })
const sharing = (await admin.features()).finalized['share.version'] ?? 0

const topic = unique('admin-groups')
const names = {
  kafkajs: unique('kafkajs'),
  odd: `${unique('odd')} ümläut/100% 組`,
  classic: unique('java-classic'),
  kip848: unique('java-kip848'),
  none: unique('assigned'),
  share: unique('share')
}
const recordsPerPartition = 50
const children: ChildProcess[] = []
const consumers: Consumer[] = []
let producer: Producer

function consoleConsumer(className: string, group: string, ...args: string[]): void {
  children.push(java(className, ['--bootstrap-server', stack().brokers.join(','), '--topic', topic, '--group', group, ...args]))
}

async function kafkajsConsumer(group: string): Promise<void> {
  const consumer = kafka.consumer({ groupId: group })
  consumers.push(consumer)
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ autoCommitThreshold: 1, eachMessage: async () => undefined })
}

beforeAll(async () => {
  await admin.createTopics([{ name: topic, partitions: 3 }])
  producer = kafka.producer()
  await producer.connect()
  await producer.send({
    topic,
    messages: [0, 1, 2].flatMap(partition => Array.from({ length: recordsPerPartition }, (_, index) => ({ partition, value: `record ${index}` })))
  })
  consoleConsumer('org.apache.kafka.tools.consumer.ConsoleConsumer', names.classic, '--from-beginning', '--consumer-property', 'group.protocol=classic')
  consoleConsumer('org.apache.kafka.tools.consumer.ConsoleConsumer', names.kip848, '--from-beginning', '--consumer-property', 'group.protocol=consumer')
  if (sharing > 0) consoleConsumer('org.apache.kafka.tools.consumer.ConsoleShareConsumer', names.share)
  await kafkajsConsumer(names.kafkajs)
  await kafkajsConsumer(names.odd)
  const reset = ['--reset-offsets', '--group', names.none, '--topic', `${topic}:0`, '--to-offset', '20', '--execute']
  await javaOutput('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', ['--bootstrap-server', stack().brokers.join(','), ...reset])
})

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const consumer of consumers) await consumer.disconnect()
  await producer.disconnect()
  const topicId = (await admin.scan({ atMs: 0 })).topics.get(topic)?.topicId
  if (topicId !== undefined) await admin.deleteTopicById(topicId)
  await admin.close()
})

const group = async (name: string): Promise<GroupView | undefined> => (await admin.scan({ atMs: 0 })).groups.get(name)
const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((one, other) => one - other)
const allRead = new Map([[topic, new Map([0, 1, 2].map(partition => [partition, recordsPerPartition]))]])

describe('groups of every protocol', () => {
  test.each([
    ['kafkajs', names.kafkajs, 'classic'],
    ['kafkajs with odd characters in its name', names.odd, 'classic'],
    ['Java with the classic protocol', names.classic, 'classic'],
    ['Java with the KIP-848 protocol', names.kip848, 'consumer']
  ])('a group of %s is stable, with its member, its assignment and its commits', async (_client, name, protocol) => {
    await expect.poll(async () => (await group(name))?.committed, { timeout: 40_000, interval: 500 }).toEqual(allRead)
    const seen = (await group(name))!
    expect(seen).toMatchObject({ groupId: name, protocol, state: 'stable', members: { length: 1 } })
    expect(seen.members![0]).toMatchObject({
      memberId: expect.stringMatching(/./),
      clientId: expect.stringMatching(/./),
      host: expect.stringContaining('127.0.0.1')
    })
    expect([...seen.members![0]!.assigned].map(([held, partitions]) => [held, ascending(partitions)])).toEqual([[topic, [0, 1, 2]]])
  })

  test('a group that commits without joining is seen, and has no members', async () => {
    expect(await group(names.none)).toEqual({
      groupId: names.none,
      protocol: 'none',
      state: 'empty',
      members: [],
      committed: new Map([[topic, new Map([[0, 20]])]])
    })
  })

  test.skipIf(sharing === 0)('a share group is seen with its member, and commits nothing', async () => {
    await expect.poll(async () => (await group(names.share))?.members?.length, { timeout: 40_000, interval: 500 }).toBe(1)
    const seen = (await group(names.share))!
    expect(seen).toMatchObject({ protocol: 'share', state: 'stable', committed: null })
    await expect
      .poll(async () => ascending((await group(names.share))!.members![0]!.assigned.get(topic) ?? []), { timeout: 20_000, interval: 500 })
      .toEqual([0, 1, 2])
  })

  test('commits, ends and lags are those of kafka-consumer-groups', async () => {
    await expect.poll(async () => (await group(names.kip848))?.committed, { timeout: 40_000, interval: 500 }).toEqual(allRead)
    await expect.poll(async () => (await group(names.classic))?.committed, { timeout: 40_000, interval: 500 }).toEqual(allRead)
    const output = await javaOutput('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', [
      '--bootstrap-server',
      stack().brokers.join(','),
      '--all-groups',
      '--describe'
    ])
    const theirs = output.split('\n').flatMap(line => {
      const [, name, partition, committed, end, lag] = new RegExp(`^(.*?)\\s+${topic}\\s+(\\d+)\\s+(\\d+)\\s+(\\d+)\\s+(\\d+)\\s`).exec(line) ?? []
      return name === undefined ? [] : [[name, Number(partition), Number(committed), Number(end), Number(lag)].join(' | ')]
    })
    const view = await admin.scan({ atMs: 0 })
    const ours = [...view.groups.values()].flatMap(seen =>
      groupTopicLags(view, seen).flatMap(lags =>
        lags.topic === topic
          ? lags.partitions.flatMap(({ partition, committed, lagMessages }) =>
              committed === null
                ? []
                : [[seen.groupId, partition, committed, view.topics.get(topic)!.partitions[partition]!.highWatermark, lagMessages].join(' | ')]
            )
          : []
      )
    )
    expect(ours).toHaveLength(4 * 3 + 1)
    expect(ours.toSorted()).toEqual(theirs.toSorted())
  })

  test('a group is asked for in few requests', async () => {
    const { Cluster } = await import('#shared/kafka/cluster.ts')
    const cluster = new Cluster(superUser())
    const counted = await openAdmin(cluster)
    try {
      await counted.scan({ atMs: 0 })
      const { requestsByApiKey } = cluster.counts
      expect(requestsByApiKey.get(16)).toBe(3)
      expect(requestsByApiKey.get(9)).toBeLessThanOrEqual(3)
      expect(requestsByApiKey.get(15)).toBeLessThanOrEqual(3)
      expect(requestsByApiKey.get(69)).toBeLessThanOrEqual(3)
      expect(requestsByApiKey.get(2)).toBeLessThanOrEqual(18)
      await counted.close()
      await cluster.metadata([])
    } finally {
      await cluster.close()
    }
  })
})

describe('the three offsets of a partition', () => {
  test('start and end are those of GetOffsetShell, also after records were deleted', async () => {
    const records = kafka.admin()
    await records.connect()
    await records.fetchTopicOffsets(topic)
    await records.deleteTopicRecords({ topic, partitions: [{ partition: 1, offset: '7' }] })
    await records.disconnect()
    const shell = async (time: string) => {
      const output = await javaOutput('org.apache.kafka.tools.GetOffsetShell', [
        '--bootstrap-server',
        stack().brokers.join(','),
        '--topic',
        topic,
        '--time',
        time
      ])
      return output
        .trim()
        .split('\n')
        .toSorted()
        .map(line => Number(line.split(':')[2]))
    }
    const { partitions } = (await admin.scan({ atMs: 0 })).topics.get(topic)!
    const [ends, starts] = await Promise.all([shell('-1'), shell('-2')])
    expect(partitions.map(partition => partition.highWatermark)).toEqual(ends)
    expect(partitions.map(partition => partition.logStartOffset)).toEqual(starts)
    expect(partitions.map(partition => partition.logStartOffset)).toEqual([0, 7, 0])
  })

  test('an open transaction holds back the last stable offset, and its commits are not progress yet', async () => {
    const transactional = kafka.producer({ transactionalId: unique('admin-transaction'), idempotent: true, maxInFlightRequests: 1 })
    await transactional.connect()
    const transaction = await transactional.transaction()
    try {
      await transaction.send({ topic, messages: [{ partition: 2, value: 'not yet' }] })
      await transaction.sendOffsets({ consumerGroupId: names.none, topics: [{ topic, partitions: [{ partition: 0, offset: '33' }] }] })
      const view = await admin.scan({ atMs: 0 })
      expect(view.topics.get(topic)!.partitions[2]).toMatchObject({ lastStableOffset: recordsPerPartition, highWatermark: recordsPerPartition + 1 })
      expect(view.groups.get(names.none)!.committed).toEqual(new Map([[topic, new Map([[0, 20]])]]))
    } finally {
      await transaction.commit()
      await transactional.disconnect()
    }
    await expect.poll(async () => (await group(names.none))!.committed!.get(topic)!.get(0), { timeout: 20_000 }).toBe(33)
  })

  test('the offset for a timestamp is the first record at or after it', async () => {
    const partition = (await admin.scan({ atMs: 0 })).topics.get(topic)!.partitions[0]!
    expect(await admin.offsetForTimestamp(topic, 0, 1)).toBe(partition.logStartOffset)
    expect(await admin.offsetForTimestamp(topic, 0, Date.now() + 60_000)).toBeNull()
    await expect(admin.offsetForTimestamp(topic, 9, 1)).rejects.toThrow('no such partition')
    await expect(admin.offsetForTimestamp(topic, 0, -2)).rejects.toThrow('expected whole milliseconds')
  })
})
