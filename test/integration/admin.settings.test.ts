import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openAdmin } from '#shared/kafka/admin/index.ts'
import type { Admin } from '#shared/kafka/ports.ts'
import { javaOutput, stack, superUser, unique } from '#test/support/stack.ts'

// Each of Kafka's own tools is a Java process that has to start.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const topic = unique('admin-settings')
const servers = ['--bootstrap-server', stack().brokers.join(',')]
let admin: Admin

beforeAll(async () => {
  admin = await openAdmin(superUser())
  await admin.createTopics([{ name: topic, partitions: 2, replicationFactor: 2, configs: { 'retention.ms': '600000', 'cleanup.policy': 'compact,delete' } }])
})

afterAll(async () => {
  await admin.deleteTopicById((await admin.scan({ atMs: 0 })).topics.get(topic)!.topicId)
  await admin.close()
})

test('configs of a topic are those of kafka-configs, and defaults are told apart', async () => {
  const output = await javaOutput('kafka.admin.ConfigCommand', [...servers, '--describe', '--all', '--entity-type', 'topics', '--entity-name', topic])
  const theirs = output.split('\n').flatMap(line => {
    const [, name, value] = /^ {2}(\S+?)=(.*?) sensitive=/.exec(line) ?? []
    return name === undefined ? [] : [`${name}=${value === 'null' ? '' : value}`]
  })
  const { value, unseen } = await admin.topicConfigs([topic])
  expect(unseen).toEqual([])
  const ours = [...value.get(topic)!].map(([name, config]) => `${name}=${config.value ?? ''}`)
  expect(ours.length).toBeGreaterThan(20)
  expect(ours.toSorted()).toEqual(theirs.toSorted())
  expect(value.get(topic)!.get('retention.ms')).toMatchObject({ isDefault: false })
  expect(value.get(topic)!.get('segment.ms')).toMatchObject({ isDefault: true })
})

test('names that no topic can have, or that nobody knows, spoil no other', async () => {
  const { value, unseen } = await admin.topicConfigs([topic, 'not/a name', '', unique('nobody'), '__consumer_offsets'])
  expect([...value.keys()].toSorted()).toEqual(['__consumer_offsets', topic].toSorted())
  expect(unseen.map(({ why }) => why.split(':')[0])).toEqual(['INVALID_TOPIC_EXCEPTION', 'INVALID_TOPIC_EXCEPTION', 'UNKNOWN_TOPIC_OR_PARTITION'].toSorted())
})

test('configs of brokers are answered by each, and of one that does not exist not at all', async () => {
  const brokers = (await admin.scan({ atMs: 0 })).brokers.map(broker => ({ kind: 'broker' as const, name: String(broker.id) }))
  const { value, unseen } = await admin.configs([...brokers, { kind: 'broker', name: '999' }])
  expect([...value.keys()]).toEqual(brokers.map(({ name }) => `broker:${name}`))
  expect(value.get(`broker:${brokers[0]!.name}`)!.get('log.dirs')!.value).not.toBe(value.get(`broker:${brokers[1]!.name}`)!.get('log.dirs')!.value)
  expect(unseen).toEqual([{ id: 'broker:999', why: expect.stringContaining('broker 999') }])
})

test('a config of a group is set, seen and given back', async () => {
  const resource = { kind: 'group' as const, name: `${unique('group')} ä/%` }
  const timeout = async () => (await admin.configs([resource])).value.get(`group:${resource.name}`)?.get('consumer.session.timeout.ms')
  await admin.alterConfigs(resource, { 'consumer.session.timeout.ms': '50000' })
  await expect.poll(timeout, { timeout: 20_000 }).toMatchObject({ value: '50000', isDefault: false })
  await admin.alterConfigs(resource, { 'consumer.session.timeout.ms': null })
  await expect.poll(async () => (await timeout())?.value ?? '45000', { timeout: 20_000 }).toBe('45000')
})

test('a value that Kafka refuses is an error in its words', async () => {
  await expect(admin.alterConfigs({ kind: 'topic', name: topic }, { 'retention.ms': 'soon' })).rejects.toThrow(
    /configs of topic .*INVALID_CONFIG.*retention\.ms/
  )
})

test('replicas and their bytes are those of kafka-log-dirs', async () => {
  const { value, unseen } = await admin.logDirs()
  expect(unseen).toEqual([])
  const ours = value.filter(replica => replica.topic === topic).map(({ broker, partition, sizeBytes, logDir }) => ({ broker, partition, sizeBytes, logDir }))
  const output = await javaOutput('org.apache.kafka.tools.LogDirsCommand', [...servers, '--describe', '--topic-list', topic])
  const described = JSON.parse(output.split('\n').find(line => line.startsWith('{'))!) as {
    brokers: { broker: number; logDirs: { logDir: string; partitions: { partition: string; size: number }[] }[] }[]
  }
  const theirs = described.brokers.flatMap(({ broker, logDirs }) =>
    logDirs.flatMap(({ logDir, partitions }) =>
      partitions.map(({ partition, size }) => ({ broker, partition: Number(partition.split('-').at(-1)), sizeBytes: size, logDir }))
    )
  )
  const order = (replicas: typeof ours) => replicas.toSorted((one, other) => one.broker - other.broker || one.partition - other.partition)
  expect(ours).toHaveLength(4)
  expect(order(ours)).toEqual(order(theirs))
})

test('partitions, replicas and the id of a topic are those of kafka-topics', async () => {
  const output = await javaOutput('org.apache.kafka.tools.TopicCommand', [...servers, '--describe', '--topic', topic])
  const { topicId, partitions } = (await admin.scan({ atMs: 0 })).topics.get(topic)!
  const theirId = Buffer.from(/TopicId: (\S+)/.exec(output)![1]!, 'base64url').toString('hex')
  expect(topicId.replaceAll('-', '')).toBe(theirId)
  const theirLeaders = [...output.matchAll(/Partition: (\d+)\s+Leader: (\d+)\s+Replicas: (\S+)\s+Isr: (\S+)/g)].map(
    ([, partition, leader, replicas, inSync]) => ({
      partition: Number(partition),
      leader: Number(leader),
      replicas: replicas!.split(',').length,
      inSyncReplicas: inSync!.split(',').length
    })
  )
  expect(partitions).toMatchObject(theirLeaders)
})

test('one topic that is refused does not hide which, and the others are created', async () => {
  const good = unique('admin-good')
  const wrong = admin.createTopics([
    { name: good, partitions: 1 },
    { name: 'not/a name', partitions: 1 }
  ])
  await expect(wrong).rejects.toThrow(/not\/a name: INVALID_TOPIC_EXCEPTION/)
  expect((await admin.createTopics([{ name: good, partitions: 1 }])).existed).toEqual([good])
  await admin.deleteTopicById((await admin.scan({ atMs: 0 })).topics.get(good)!.topicId)
})

test.each(['', 'orders', '00000000-0000-0000-0000-000000000000'])('"%s" is no id to delete by', async id => {
  await expect(admin.deleteTopicById(id)).rejects.toThrow('expected a UUID')
})

test('a wrong address is known at once', async () => {
  await expect(openAdmin({ brokers: ['127.0.0.1:1'], clientId: 'test', connectTimeoutMs: 2_000 })).rejects.toMatchObject({ kind: 'unreachable' })
})
