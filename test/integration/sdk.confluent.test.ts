import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { localFolder } from '#deploy/local/folders.ts'
import { membersOfGroup } from '#shared/kafka/group-members.ts'
import { type ConfluentConsumer, governedConsumer } from '#shared/sdk/confluent.ts'
import { type Ack, controlKey } from '#shared/sdk/protocol.ts'
import { sdkWorld } from '#test/support/sdk-world.ts'
import { unique } from '#test/support/stack.ts'

interface Consumer extends ConfluentConsumer {
  connect(): Promise<void>
  subscribe(options: { topics: string[] }): Promise<void>
  assignment(): unknown[]
}
interface Client {
  readonly KafkaJS: { readonly Kafka: new (options: object) => { consumer(options: object): Consumer } }
}

const folder = join(localFolder, 'confluent/')
const built = existsSync(join(folder, 'node_modules/@confluentinc/kafka-javascript'))
const notBuilt = '@confluentinc/kafka-javascript is not built here'
const world = sdkWorld('sdk-confluent')
const { connection, admin, producer, prefix, createTopic, acksOf } = world
const log = { info: vi.fn(), warn: vi.fn() }
let clean: (() => Promise<void>)[] = []

afterEach(async () => {
  await Promise.all(clean.map(each => each()))
  clean = []
  vi.clearAllMocks()
})

async function topicOfTwo(): Promise<string> {
  const topic = unique('sdkc-records')
  await createTopic(topic, 2)
  return topic
}
const write = (topic: string, count: number, of = ['0', '1']): Promise<unknown> =>
  producer.send({ topic, messages: of.flatMap(partition => Array.from({ length: count }, () => ({ value: 'x', headers: { partition } }))) })
async function tell(groupId: string, state: 'paused' | null): Promise<string> {
  const [commandId, now] = [randomUUID(), Date.now()]
  const command = { version: 1, commandId, state, issuedAtMs: now, untilMs: now + 60_000, ttlMs: 60_000, reason: 'a test', issuer: 'test' }
  await producer.send({
    topic: `${prefix}.control`,
    messages: [{ key: controlKey({ clusterId: world.clusterId, groupId }), value: state && JSON.stringify(command) }]
  })
  return commandId
}
async function latestAcks(groupId: string): Promise<Ack[]> {
  return [...(await acksOf(groupId)).values()].filter(({ state }) => state !== 'left')
}
async function committed(groupId: string, topic: string): Promise<string[]> {
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
  return offsets!.partitions.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset)
}

async function member(
  groupId: string,
  topic: string,
  { kafkaJS, ...config }: { kafkaJS?: object; rebalance_cb?: unknown } = { kafkaJS: { heartbeatInterval: 300 } }
) {
  const { KafkaJS } = createRequire(folder)('@confluentinc/kafka-javascript') as Client
  const client = new KafkaJS.Kafka({ kafkaJS: { brokers: [...connection.brokers], clientId: 'sdk-confluent', logLevel: 0 } })
  const { consumer, governed } = await governedConsumer(
    client,
    { kafkaJS: { groupId, fromBeginning: true, autoCommitInterval: 200, ...kafkaJS }, ...config },
    { connection, prefix, log }
  )
  const read: string[] = []
  await consumer.connect()
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({
    eachMessage: async ({ partition, message }: { partition: number; message: { offset: string } }) => void read.push(`${partition}@${message.offset}`)
  })
  let stopped: Promise<void> | null = null
  const stop = (): Promise<void> => (stopped ??= consumer.disconnect().then(() => governed.stop()))
  clean.push(stop)
  return { consumer, governed, read, stop }
}
const within = { timeout: 20_000, interval: 50 }

test('a partition that comes back from another member is not read again, and its commit not rewound, by a pause', async context => {
  if (!built) context.skip(notBuilt)
  const topic = await topicOfTwo()
  const groupId = unique('sdkc-regain')
  const one = await member(groupId, topic)
  await write(topic, 20)
  await vi.waitFor(() => expect(one.read).toHaveLength(40), within)
  const other = await member(groupId, topic)
  await vi.waitFor(async () => expect((await latestAcks(groupId)).length).toBe(2), within)
  await write(topic, 20)
  await vi.waitFor(() => expect(one.read.length + other.read.length).toBe(80), within)
  await vi.waitFor(async () => expect(await committed(groupId, topic)).toEqual(['40', '40']), within)
  await other.stop()
  await vi.waitFor(() => expect(one.consumer.assignment()).toHaveLength(2), within)

  const commandId = await tell(groupId, 'paused')
  await vi.waitFor(
    async () => expect((await latestAcks(groupId))[0]).toMatchObject({ commandId, state: 'paused', paused: expect.objectContaining({ length: 2 }) }),
    within
  )
  await sleep(1_500)
  expect(await committed(groupId, topic)).toEqual(['40', '40'])
  await tell(groupId, null)
  await write(topic, 1)
  await vi.waitFor(() => expect(one.read).toEqual(expect.arrayContaining(['0@40', '1@40'])), within)
  expect(new Set(one.read).size).toBe(one.read.length)
})

test.for<[string, object]>([
  ['classic, eager', { kafkaJS: { heartbeatInterval: 300 } }],
  ['classic, cooperative', { kafkaJS: { heartbeatInterval: 300, partitionAssigners: ['cooperative-sticky'] } }],
  ['KIP-848', { 'group.protocol': 'consumer' }]
])(
  '%s: who joins while the group is paused reads nothing, each member acknowledges under its own id, and all read on afterwards',
  async ([, config], context) => {
    if (!built) context.skip(notBuilt)
    const topic = await topicOfTwo()
    const groupId = unique('sdkc-joins')
    const seen = vi.fn()
    await write(topic, 20)
    const commandId = await tell(groupId, 'paused')
    const members = [await member(groupId, topic, { ...config, rebalance_cb: seen }), await member(groupId, topic, config)]
    await vi.waitFor(async () => {
      const acks = (await latestAcks(groupId)).filter(ack => ack.commandId === commandId && ack.state === 'paused')
      const described = (await membersOfGroup(connection, groupId)).map(({ memberId }) => memberId)
      expect(described).toHaveLength(2)
      expect(acks.map(({ memberId }) => memberId).toSorted()).toEqual(described.toSorted())
      expect(acks.flatMap(({ paused }) => paused).toSorted()).toEqual([`${topic}-0`, `${topic}-1`])
    }, within)
    await sleep(1_000)
    expect(members.map(({ read }) => read)).toEqual([[], []])
    expect(seen).toHaveBeenCalled()
    await tell(groupId, null)
    await vi.waitFor(() => expect(members.reduce((sum, { read }) => sum + new Set(read).size, 0)).toBe(40), within)
  }
)
