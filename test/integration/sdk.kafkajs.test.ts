import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs, { type AclEntry, type Consumer, type ConsumerConfig, type EachMessagePayload } from 'kafkajs'
import { afterEach, expect, test, vi } from 'vitest'
import { govern, governedConsumer, type Governed, type GovernOptions } from '#shared/sdk/kafkajs.ts'
import { type Command, controlKey, type Target } from '#shared/sdk/protocol.ts'
import { sdkWorld } from '#test/support/sdk-world.ts'
import { javaOutput, stack, unique } from '#test/support/stack.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, KafkaJSNonRetriableError, logLevel, ResourcePatternTypes } = kafkajs
const world = sdkWorld('sdk-owner')
const { connection, kafka, admin, producer, prefix, topics, createTopic, acksOf } = world
const control = `${prefix}.control`
const dayMs = 86_400_000
const log = { info: vi.fn(), warn: vi.fn() }
let clean: (() => Promise<void>)[] = []

afterEach(async () => {
  await Promise.all(clean.map(each => each()))
  clean = []
  vi.clearAllMocks()
})

/** A topic with records in each of its partitions, and more every 50 ms until the test is over. */
async function traffic(partitions = 6): Promise<string> {
  const topic = await createTopic(unique('sdk-traffic'), partitions)
  const write = (count: number) =>
    producer.send({
      topic,
      messages: Array.from({ length: partitions * count }, (_, index) => ({ value: 'x', headers: { partition: String(index % partitions) } }))
    })
  await write(100)
  const stopping = new AbortController()
  const writing = (async () => {
    while (!stopping.signal.aborted) {
      await write(2)
      await sleep(50, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  })()
  clean.push(async () => {
    stopping.abort()
    await writing
  })
  return topic
}

async function tell(target: Omit<Target, 'clusterId'>, changes: Partial<Command> | null | string, topic = control): Promise<string> {
  const now = Date.now()
  const command = {
    version: 1,
    commandId: randomUUID(),
    state: 'paused',
    issuedAtMs: now,
    untilMs: now + 60_000,
    ttlMs: 60_000,
    reason: 'a test',
    issuer: 'test'
  }
  const value = changes === null ? null : typeof changes === 'string' ? changes : JSON.stringify({ ...command, ...changes })
  await producer.send({ topic, messages: [{ key: controlKey({ clusterId: world.clusterId, ...target }), value }] })
  return command.commandId
}

async function committed(groupId: string, topic: string): Promise<string> {
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
  return JSON.stringify(offsets!.partitions.toSorted((a, b) => a.partition - b.partition).map(each => each.offset))
}

interface Member {
  readonly consumer: Consumer
  readonly governed: Governed
  /** `topic-partition` of each record that was handled. */
  readonly read: string[]
  readonly joins: { memberId: string; partitions: number }[]
  stop(): Promise<void>
}
async function member(
  groupId: string,
  topic: string,
  options: Partial<GovernOptions> & { handle?: (payload: EachMessagePayload, consumer: Consumer) => unknown; consumer?: Partial<ConsumerConfig> } = {}
): Promise<Member> {
  const { handle, consumer: config, ...sdk } = options
  const consumer = (sdk.kafka ?? kafka).consumer({
    groupId,
    maxWaitTimeInMs: 300,
    sessionTimeout: 6_000,
    rebalanceTimeout: 6_000,
    heartbeatInterval: 500,
    ...config
  })
  const read: string[] = []
  const joins: Member['joins'] = []
  const governed = await govern(consumer, { kafka, connection, groupId, prefix, log, heartbeatMs: 60_000, ...sdk })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => joins.push({ memberId: payload.memberId, partitions: payload.memberAssignment[topic]?.length ?? 0 }))
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    eachMessage: async payload => {
      read.push(`${payload.topic}-${payload.partition}`)
      await handle?.(payload, consumer)
    }
  })
  let stopped: Promise<void> | null = null
  const stop = (): Promise<void> => (stopped ??= consumer.disconnect().then(() => governed.stop()))
  clean.push(stop)
  return { consumer, governed, read, joins, stop }
}
const idOf = (each: Member): string => each.joins.at(-1)!.memberId
/** Waits until a member has read something beyond what it had. */
async function readsOn(each: Member, timeout = 10_000): Promise<void> {
  const before = each.read.length
  await vi.waitFor(() => expect(each.read.length).toBeGreaterThan(before), { timeout, interval: 50 })
}
/** Nothing is read for a while in which traffic goes on. */
async function readsNothing(members: readonly Member[], forMs = 2_000): Promise<void> {
  const before = members.map(each => each.read.length)
  await sleep(forMs)
  expect(members.map(each => each.read.length)).toEqual(before)
}
async function joined(members: readonly Member[], partitions: number): Promise<void> {
  await vi.waitFor(() => expect(members.reduce((sum, each) => sum + (each.joins.at(-1)?.partitions ?? 0), 0)).toBe(partitions), {
    timeout: 15_000,
    interval: 50
  })
}

test('a group paused before it starts reads nothing, is told so, and reads once it is given back', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-before')
  const commandId = await tell({ groupId }, {})
  const one = await member(groupId, topic)
  await joined([one], 6)
  await readsNothing([one])
  expect(one.read).toEqual([])
  expect((await acksOf(groupId)).get(idOf(one))).toMatchObject({
    commandId,
    state: 'paused',
    grain: 'partition',
    clientId: 'sdk-owner',
    client: 'kafkajs/2.2.4',
    paused: expect.objectContaining({ length: 6 })
  })
  await tell({ groupId }, null)
  await readsOn(one)
  await vi.waitFor(async () => expect((await acksOf(groupId)).get(idOf(one))).toMatchObject({ commandId: null, state: 'running', paused: [] }), {
    timeout: 2_000
  })
})

test('a running group stops, every member acknowledges, commits stand; who joins or restarts while paused reads nothing; then all resume', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-running')
  const two = await Promise.all([member(groupId, topic), member(groupId, topic)])
  await joined(two, 6)
  await Promise.all(two.map(each => readsOn(each)))

  const toldMs = performance.now()
  const commandId = await tell({ groupId }, {})
  await vi.waitFor(
    async () => {
      const acks = await acksOf(groupId)
      for (const each of two) expect(acks.get(idOf(each))).toMatchObject({ commandId, state: 'paused' })
    },
    { timeout: 5_000, interval: 50 }
  )
  console.log(`acknowledged by both members ${Math.round(performance.now() - toldMs)} ms after the command`)
  await sleep(500)
  const before = await committed(groupId, topic)
  await readsNothing(two)
  expect(await committed(groupId, topic)).toBe(before)

  const third = await member(groupId, topic)
  await vi.waitFor(() => expect(third.joins.at(-1)?.partitions).toBe(2), { timeout: 15_000, interval: 50 })
  await readsNothing([...two, third])
  expect(third.read).toEqual([])
  await vi.waitFor(async () => expect((await acksOf(groupId)).get(idOf(third))).toMatchObject({ commandId, state: 'paused' }), { timeout: 2_000 })

  await third.stop()
  expect((await acksOf(groupId)).get(idOf(third))).toMatchObject({ state: 'left' })
  const again = await member(groupId, topic)
  await vi.waitFor(() => expect(again.joins.at(-1)?.partitions).toBe(2), { timeout: 15_000, interval: 50 })
  await readsNothing([...two, again])
  expect(await committed(groupId, topic)).toBe(before)

  await tell({ groupId }, { state: 'running' })
  await Promise.all([...two, again].map(each => readsOn(each)))
  expect(await committed(groupId, topic)).not.toBe(before)
})

test('a consumer that will resume late is told so once, as soon as a pause shows it; one made by the SDK at once', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-late')
  const late = expect.stringMatching(/reads on up to \d{4} ms late: give kafka.consumer a maxWaitTimeInMs of 500/)
  await tell({ groupId }, {})
  const one = await member(groupId, topic, { consumer: { maxWaitTimeInMs: 1_200 } })
  await joined([one], 6)
  await vi.waitFor(() => expect(log.warn).toHaveBeenCalledWith({ groupId, maxWaitTimeInMs: expect.closeTo(1_200, -3) }, late), { timeout: 5_000 })
  await sleep(2_500)
  expect(log.warn).toHaveBeenCalledTimes(1)
  vi.clearAllMocks()
  for (const [config, times] of [
    [{}, 0],
    [{ maxWaitTimeInMs: 5_000 }, 1]
  ] as const) {
    const made = await governedConsumer(kafka, { groupId: unique('sdk-made'), ...config }, { connection, prefix, log })
    clean.push(() => made.governed.stop())
    expect(log.warn).toHaveBeenCalledTimes(times)
  }
})

test('a member regains partitions after the pause ended and reads them', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-regain')
  await tell({ groupId }, {})
  const one = await member(groupId, topic)
  await joined([one], 6)
  const other = await member(groupId, topic)
  await vi.waitFor(() => expect(one.joins.at(-1)!.partitions).toBe(3), { timeout: 15_000, interval: 50 })
  await tell({ groupId }, null)
  await readsOn(one)
  await other.stop()
  await vi.waitFor(() => expect(one.joins.at(-1)!.partitions).toBe(6), { timeout: 15_000, interval: 50 })
  const from = one.read.length
  await vi.waitFor(() => expect(new Set(one.read.slice(from)).size).toBe(6), { timeout: 10_000 })
})

test('a paused member stays in the group beyond its session', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-session')
  await tell({ groupId }, {})
  const one = await member(groupId, topic)
  await joined([one], 6)
  await sleep(9_000)
  const { groups } = await admin.describeGroups([groupId])
  expect(groups[0]!.members.map(each => each.memberId)).toEqual([idOf(one)])
  expect(one.joins).toHaveLength(1)
})

test('after a command no more than the record in hand and one of each batch already fetched are handled', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-bound')
  let heldAt = -1
  const one: Member = await member(groupId, topic, {
    handle: async () => {
      await sleep(20)
      if (heldAt < 0 && one.governed.held().length > 0) heldAt = one.read.length
    }
  })
  await joined([one], 6)
  await readsOn(one)
  await tell({ groupId }, {})
  await vi.waitFor(() => expect(heldAt).toBeGreaterThan(0), { timeout: 5_000, interval: 5 })
  await sleep(1_000)
  console.log(`${one.read.length - heldAt} more records were handled after the pause`)
  expect(one.read.length - heldAt).toBeLessThanOrEqual(5)
})

test('a pause lets go by itself at its expiry, without any command', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-expiry')
  const commandId = await tell({ groupId }, { ttlMs: 4_000 })
  const one = await member(groupId, topic)
  await joined([one], 6)
  expect(one.governed.held()).toHaveLength(6)
  await readsNothing([one], 500)
  expect((await acksOf(groupId)).get(idOf(one))).toMatchObject({ commandId, state: 'paused' })
  await readsOn(one)
  await vi.waitFor(async () => expect((await acksOf(groupId)).get(idOf(one))).toMatchObject({ commandId: null, state: 'running' }), { timeout: 2_000 })
})

test.each([-40, 40])('a wall clock that is %i days wrong lets go within ttlMs', async days => {
  const topic = await traffic()
  const groupId = unique('sdk-clock')
  await tell({ groupId }, { ttlMs: 5_000 })
  const one = await member(groupId, topic, { clock: { nowMs: () => Date.now() + days * dayMs, monotonicMs: () => performance.now() } })
  expect(one.governed.controlState()).toBe('following')
  await joined([one], 6)
  expect(one.governed.held()).toHaveLength(days < 0 ? 6 : 0)
  await readsOn(one)
})

test('what the owner paused stays paused when Reeve lets go, and the owner cannot resume what Reeve holds', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-owner')
  const one = await member(groupId, topic)
  await joined([one], 6)
  one.consumer.pause([{ topic, partitions: [0, 1] }])
  await tell({ groupId }, {})
  await vi.waitFor(() => expect(one.governed.held()).toHaveLength(6), { timeout: 5_000 })
  one.consumer.resume([{ topic, partitions: [1] }])
  await sleep(500)
  await readsNothing([one])
  await tell({ groupId }, null)
  await readsOn(one)
  const from = one.read.length
  await vi.waitFor(() => expect(new Set(one.read.slice(from)).size).toBe(5), { timeout: 10_000 })
  await sleep(500)
  expect(one.read.slice(from)).not.toContain(`${topic}-0`)
})

test('a command for one partition, in a group with odd characters in its name, leaves the others alone', async () => {
  const topic = await traffic()
  const groupId = unique('sdk/ödd %2F "group"\t日本')
  const one = await member(groupId, topic)
  await joined([one], 6)
  await readsOn(one)
  const commandId = await tell({ groupId, topic, partition: 3 }, {})
  await vi.waitFor(() => expect(one.governed.held()).toEqual([`${topic}-3`]), { timeout: 5_000 })
  await vi.waitFor(async () => expect((await acksOf(groupId)).get(idOf(one))).toMatchObject({ commandId, state: 'paused', paused: [`${topic}-3`] }), {
    timeout: 2_000
  })
  await sleep(300)
  const from = one.read.length
  await vi.waitFor(() => expect(new Set(one.read.slice(from)).size).toBe(5), { timeout: 10_000 })
  expect(one.read.slice(from)).not.toContain(`${topic}-3`)
})

test('garbage on the control topic stops nobody, and a member says that it does not understand what was for its group', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-garbage')
  await producer.send({
    topic: control,
    messages: [
      { key: null, value: 'no key' },
      { key: Buffer.from([0xff, 0xfe, 0x2f]), value: Buffer.from([0, 1, 2]) },
      { key: `${world.clusterId}/${groupId}/`, value: '{}' },
      { key: `${world.clusterId}/${groupId}/t/x`, value: null }
    ]
  })
  const one = await member(groupId, topic)
  await readsOn(one)
  await tell({ groupId }, '{"version":2,"state":"paused"}')
  await vi.waitFor(async () => expect((await acksOf(groupId)).get(idOf(one))).toMatchObject({ commandId: null, state: 'unsupported' }), { timeout: 5_000 })
  await readsOn(one)
})

test('a consumer that crashed and restarted within its process is paused again', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-crash')
  let crash = false
  const one = await member(groupId, topic, {
    consumer: { retry: { retries: 2, initialRetryTime: 50 } },
    handle: () => {
      if (crash) throw new Error('the handler fails')
    }
  })
  const crashed = Promise.withResolvers<void>()
  one.consumer.on(one.consumer.events.CRASH, () => {
    void tell({ groupId }, {}).then(() => crashed.resolve())
  })
  await joined([one], 6)
  await readsOn(one)
  const firstId = idOf(one)
  crash = true
  await crashed.promise
  crash = false
  await vi.waitFor(() => expect(idOf(one)).not.toBe(firstId), { timeout: 10_000, interval: 50 })
  await vi.waitFor(() => expect(one.governed.held()).toHaveLength(6), { timeout: 5_000 })
  await sleep(300)
  await readsNothing([one])
  const acks = await acksOf(groupId)
  expect(acks.get(firstId)).toMatchObject({ state: 'left' })
  expect(acks.get(idOf(one))).toMatchObject({ state: 'paused' })
})

test('a consumer that its owner stops and runs again while paused reads nothing until it is given back', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-again')
  await tell({ groupId }, {})
  const one = await member(groupId, topic)
  await joined([one], 6)
  await one.consumer.stop()
  expect(one.governed.held()).toEqual([])
  await one.consumer.run({ eachMessage: async payload => void one.read.push(`${payload.topic}-${payload.partition}`) })
  await vi.waitFor(() => expect(one.joins).toHaveLength(2), { timeout: 10_000 })
  expect(one.governed.held()).toHaveLength(6)
  await readsNothing([one])
  expect(one.read).toEqual([])
  await tell({ groupId }, null)
  await readsOn(one)
})

test('a consumer that crashed for good says that it left', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-dead')
  const one = await member(groupId, topic, {
    handle: () => {
      throw new KafkaJSNonRetriableError('poison')
    }
  })
  await vi.waitFor(async () => expect((await acksOf(groupId)).get(idOf(one))).toMatchObject({ state: 'left' }), { timeout: 10_000 })
})

test('without a control topic the consumer starts with a warning, and obeys as soon as there is one', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-missing')
  const missing = unique('sdk-absent')
  const began = performance.now()
  const one = await member(groupId, topic, { prefix: missing, startTimeoutMs: 1_000 })
  expect(performance.now() - began).toBeLessThan(8_000)
  await readsOn(one)
  expect(log.warn).toHaveBeenCalledWith(expect.objectContaining({ topic: `${missing}.control` }), expect.stringContaining('starts unpaused'))
  await vi.waitFor(() => expect(one.governed.ackFailures()).toBeGreaterThan(0), { timeout: 10_000 })
  await createTopic(`${missing}.control`, 1)
  await createTopic(`${missing}.acks`, 1)
  await tell({ groupId }, {}, `${missing}.control`)
  await vi.waitFor(() => expect(one.governed.held()).toHaveLength(6), { timeout: 25_000, interval: 100 })
})

test('a control topic that is deleted during a pause is reported, and the pause lets go at its expiry', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-lost')
  const own = unique('sdk-deleted')
  await createTopic(`${own}.control`, 1)
  await createTopic(`${own}.acks`, 1)
  const states: string[] = []
  await tell({ groupId }, { ttlMs: 15_000 }, `${own}.control`)
  const one = await member(groupId, topic, { prefix: own, onState: state => void states.push(state) })
  await joined([one], 6)
  await admin.deleteTopics({ topics: [`${own}.control`] })
  await vi.waitFor(() => expect(one.governed.controlState()).not.toBe('following'), { timeout: 12_000, interval: 50 })
  expect(one.governed.held()).toHaveLength(6)
  expect(one.read).toEqual([])
  await readsOn(one, 16_000)
  expect(states).toContain('lost')
  topics.splice(topics.indexOf(`${own}.control`), 1)
})

test('a cluster that cannot be reached for the control topic does not hold the start', async () => {
  const topic = await traffic()
  const one = await member(unique('sdk-unreachable'), topic, { connection: { brokers: ['127.0.0.1:1'], clientId: 'lost' }, startTimeoutMs: 500 })
  await readsOn(one)
  expect(log.warn).toHaveBeenCalledWith(expect.objectContaining({ startTimeoutMs: 500 }), expect.stringContaining('starts unpaused'))
})

test('READ and DESCRIBE on the control topic with WRITE and DESCRIBE on the acks topic is all that the SDK needs beyond what the owner has', async () => {
  const topic = await traffic()
  const groupId = unique('sdk-rights')
  const user = unique('owner')
  const config = (...args: string[]) =>
    javaOutput('kafka.admin.ConfigCommand', ['--bootstrap-server', stack().brokers[0]!, '--alter', '--entity-type', 'users', '--entity-name', user, ...args])
  await config('--add-config', 'SCRAM-SHA-512=[password=owner-secret]')
  clean.push(async () => void (await config('--delete-config', 'SCRAM-SHA-512')))
  const allow = (resourceType: AclEntry['resourceType'], resourceName: string, operation: AclEntry['operation']): AclEntry => ({
    resourceType,
    resourceName,
    operation,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: `User:${user}`,
    host: '*',
    permissionType: AclPermissionTypes.ALLOW
  })
  const acl = [
    allow(AclResourceTypes.TOPIC, control, AclOperationTypes.READ),
    allow(AclResourceTypes.TOPIC, control, AclOperationTypes.DESCRIBE),
    allow(AclResourceTypes.TOPIC, `${prefix}.acks`, AclOperationTypes.WRITE),
    allow(AclResourceTypes.TOPIC, `${prefix}.acks`, AclOperationTypes.DESCRIBE),
    allow(AclResourceTypes.TOPIC, topic, AclOperationTypes.READ),
    allow(AclResourceTypes.GROUP, groupId, AclOperationTypes.READ)
  ]
  await admin.createAcls({ acl })
  clean.push(
    async () =>
      void (await admin.deleteAcls({
        filters: [
          { ...allow(AclResourceTypes.ANY, '', AclOperationTypes.ANY), resourceName: undefined, resourcePatternType: ResourcePatternTypes.ANY }
        ] as never
      }))
  )
  const brokers = stack().saslBrokers
  const owners = new Kafka({
    brokers: [...brokers],
    clientId: 'owner',
    logLevel: logLevel.NOTHING,
    sasl: { mechanism: 'scram-sha-512', username: user, password: 'owner-secret' }
  })
  const commandId = await tell({ groupId }, {})
  const one = await member(groupId, topic, {
    kafka: owners,
    connection: { brokers, clientId: 'owner', sasl: { mechanism: 'SCRAM-SHA-512', username: user, password: 'owner-secret' } }
  })
  await joined([one], 6)
  expect(one.governed.held()).toHaveLength(6)
  await vi.waitFor(async () => expect((await acksOf(groupId)).get(idOf(one))).toMatchObject({ commandId, state: 'paused' }), { timeout: 5_000 })
  expect(one.governed.ackFailures()).toBe(0)
})

test('govern resolves once the control topic has been read to its end, not before', async () => {
  const groupId = unique('sdk-read')
  const governed = await govern(kafka.consumer({ groupId }), { kafka, connection, groupId, prefix, log })
  expect(governed.controlState()).toBe('following')
  clean.push(() => governed.stop())
})

test('govern refuses a consumer that it governs already', async () => {
  const consumer = kafka.consumer({ groupId: unique('sdk-twice') })
  const governed = await govern(consumer, { kafka, connection, groupId: 'g', prefix, log })
  clean.push(() => governed.stop())
  await expect(govern(consumer, { kafka, connection, groupId: 'g', prefix, log })).rejects.toThrow('governed already')
})
