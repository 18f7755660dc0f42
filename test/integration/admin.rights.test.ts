import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openAdmin } from '#shared/kafka/admin/index.ts'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import type { AclEntry, Admin } from '#shared/kafka/ports.ts'
import { javaOutput, stack, superUser, unique } from '#test/support/stack.ts'

// Each of Kafka's own tools is a Java process that has to start.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const username = unique('observer')
const password = unique('password')
const topic = unique('admin-rights')
const hidden = unique('admin-hidden')
const groupId = unique('group')
let admin: Admin
let restricted: Admin

const scramUser = (change: string): Promise<string> =>
  javaOutput('kafka.admin.ConfigCommand', [
    '--bootstrap-server',
    stack().brokers.join(','),
    '--alter',
    '--entity-type',
    'users',
    '--entity-name',
    username,
    ...change.split(' ')
  ])

const allow = (resourceType: AclEntry['resourceType'], resourceName: string, operation: string): AclEntry => ({
  resourceType,
  resourceName,
  pattern: 'literal',
  principal: `User:${username}`,
  host: '*',
  operation,
  permission: 'allow'
})

beforeAll(async () => {
  admin = await openAdmin(superUser())
  await scramUser(`--add-config SCRAM-SHA-512=[iterations=4096,password=${password}]`)
  await admin.createTopics([topic, hidden].map(name => ({ name, partitions: 1 })))
  const kafka = new Kafka({ brokers: [...stack().brokers], logLevel: logLevel.NOTHING }).admin()
  await kafka.connect()
  for (const name of [topic, hidden]) await kafka.setOffsets({ groupId, topic: name, partitions: [{ partition: 0, offset: '0' }] })
  await kafka.disconnect()
  const connection: KafkaConnection = { brokers: stack().saslBrokers, clientId: 'restricted', sasl: { mechanism: 'SCRAM-SHA-512', username, password } }
  restricted = await vi.waitFor(() => openAdmin(connection), { timeout: 20_000, interval: 200 })
})

afterAll(async () => {
  const { topics } = await admin.scan({ atMs: 0 })
  for (const name of [topic, hidden]) await admin.deleteTopicById(topics.get(name)!.topicId)
  await scramUser('--delete-config SCRAM-SHA-512')
  await javaOutput('org.apache.kafka.tools.AclCommand', [
    '--bootstrap-server',
    stack().brokers.join(','),
    '--remove',
    '--force',
    '--allow-principal',
    `User:${username}`,
    '--topic',
    topic,
    '--group',
    groupId,
    '--cluster'
  ])
  await restricted.close()
  await admin.close()
})

test('a principal without rights sees nothing, and the view says that it saw nothing', async () => {
  const view = await restricted.scan({ atMs: 0 })
  expect([view.topics.size, view.groups.size]).toEqual([0, 0])
  expect(view.unseen.map(({ kind, id }) => `${kind} ${id}`).toSorted()).toEqual(['groups all', 'topics all'])
})

test('a part that is refused is named, or thrown with its error, and never empty', async () => {
  const configs = await restricted.topicConfigs([topic])
  expect(configs.unseen).toEqual([{ id: topic, why: expect.stringContaining('TOPIC_AUTHORIZATION_FAILED') }])
  const logDirs = await restricted.logDirs()
  expect(logDirs.value).toEqual([])
  expect(logDirs.unseen.map(({ why }) => why)).toEqual(Array(3).fill('CLUSTER_AUTHORIZATION_FAILED'))
  await expect(restricted.acls()).rejects.toMatchObject({ kind: 'authorization', apiError: 'CLUSTER_AUTHORIZATION_FAILED' })
  await expect(restricted.quotas()).rejects.toMatchObject({ kind: 'authorization' })
  await expect(restricted.createTopics([{ name: unique('refused'), partitions: 1 }])).rejects.toMatchObject({ kind: 'authorization', outcome: 'refused' })
})

test('with DESCRIBE on one topic and one group it sees those, and still says that groups may be missing', async () => {
  await admin.createAcls([allow('topic', topic, 'describe'), allow('group', groupId, 'describe')])
  await expect.poll(async () => (await restricted.scan({ atMs: 0 })).topics.size, { timeout: 20_000 }).toBe(1)
  const view = await restricted.scan({ atMs: 0 })
  expect(view.topics.get(topic)!.partitions[0]).toMatchObject({ highWatermark: 0, logStartOffset: 0 })
  // The commit on the topic that it may not describe is unknown.
  expect(view.groups.get(groupId)!.committed).toEqual(new Map([[topic, new Map([[0, 0]])]]))
  expect(view.unseen).toEqual([{ kind: 'groups', id: 'all', why: expect.stringContaining('DESCRIBE on the cluster') }])
})

test('with DESCRIBE on the cluster, groups are all listed', async () => {
  await admin.createAcls([allow('cluster', 'kafka-cluster', 'describe')])
  await expect.poll(async () => (await restricted.scan({ atMs: 0 })).unseen.some(({ kind }) => kind === 'groups'), { timeout: 20_000 }).toBe(false)
})

test('ACLs are those that kafka-acls lists', async () => {
  const mine = (await admin.acls()).filter(entry => entry.principal === `User:${username}`)
  expect(mine.toSorted((one, other) => (one.resourceType < other.resourceType ? -1 : 1))).toEqual([
    allow('cluster', 'kafka-cluster', 'describe'),
    allow('group', groupId, 'describe'),
    allow('topic', topic, 'describe')
  ])
  const output = await javaOutput('org.apache.kafka.tools.AclCommand', [
    '--bootstrap-server',
    stack().brokers.join(','),
    '--list',
    '--principal',
    `User:${username}`
  ])
  expect(
    output
      .split('\n')
      .filter(line => line.includes('ResourcePattern('))
      .map(line => /resourceType=(\w+), name=([^,]+)/.exec(line)!.slice(1).join(' '))
      .toSorted()
  ).toEqual([`CLUSTER kafka-cluster`, `GROUP ${groupId}`, `TOPIC ${topic}`])
  await expect(admin.createAcls([{ ...allow('topic', topic, 'describe'), operation: 'juggle' }])).rejects.toThrow('expected operation to be one of all, read')
})
