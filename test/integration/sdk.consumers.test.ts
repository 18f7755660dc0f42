import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { ConsumerOptions } from '#deploy/local/consumers/options.ts'
import { controlKey } from '#shared/sdk/protocol.ts'
import { superUser, unique } from '#test/support/stack.ts'

const connection = superUser('sdk-process')
const kafka = new kafkajs.Kafka({ brokers: [...connection.brokers], clientId: 'sdk-process-test', logLevel: kafkajs.logLevel.NOTHING })
const admin = kafka.admin()
const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: () => () => 0 })
const prefix = unique('sdkp')
const entry = fileURLToPath(new URL('../../deploy/local/consumers/governed.ts', import.meta.url))
const topics: string[] = []
let clusterId = ''
let children: ChildProcess[] = []

beforeAll(async () => {
  await Promise.all([admin.connect(), producer.connect()])
  clusterId = (await admin.describeCluster()).clusterId
  for (const name of ['control', 'acks']) await createTopic(`${prefix}.${name}`)
})
afterEach(async () => {
  await Promise.all(
    children.map(async child => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = new Promise(resolve => child.once('close', resolve))
      child.stdin!.end()
      if ((await Promise.race([ended, sleep(8_000, 'late', { ref: false })])) === 'late') child.kill('SIGKILL')
      await ended
    })
  )
  children = []
})
afterAll(async () => {
  await admin.deleteTopics({ topics })
  await Promise.all([admin.disconnect(), producer.disconnect()])
})

async function createTopic(topic: string): Promise<string> {
  topics.push(topic)
  await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1, replicationFactor: 3 }] })
  await vi.waitFor(async () => expect((await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions.every(each => each.leader >= 0)).toBe(true), {
    timeout: 10_000
  })
  return topic
}
async function topicWith(values: readonly string[]): Promise<string> {
  const topic = await createTopic(unique('sdk-records'))
  await producer.send({ topic, messages: values.map(value => ({ value })) })
  return topic
}
async function tell(groupId: string, state: 'paused' | null): Promise<void> {
  const now = Date.now()
  const command = { version: 1, commandId: randomUUID(), state, issuedAtMs: now, untilMs: now + 60_000, ttlMs: 60_000, reason: 'a test', issuer: 'test' }
  await producer.send({ topic: `${prefix}.control`, messages: [{ key: controlKey({ clusterId, groupId }), value: state && JSON.stringify(command) }] })
}

type Line = { readonly event: string } & Readonly<Record<string, unknown>>
function start(options: Pick<ConsumerOptions, 'groupId' | 'topics' | 'behaviour' | 'sdk'>) {
  const full = { connection, prefix, restartDelayMs: 100, ...options }
  const child = spawn(process.execPath, [entry, JSON.stringify(full)], { stdio: ['pipe', 'pipe', 'pipe'] })
  children.push(child)
  const lines: Line[] = []
  createInterface({ input: child.stdout }).on('line', line => lines.push(JSON.parse(line) as Line))
  let errors = ''
  child.stderr.on('data', chunk => (errors += chunk))
  const count = (event: string): number => lines.filter(line => line.event === event).length
  return {
    child,
    lines,
    count,
    handled: () => Number(lines.findLast(line => line.event === 'progress')?.['handled'] ?? 0),
    say: (line: string) => child.stdin.write(`${line}\n`),
    until: (event: string, times = 1, timeout = 45_000) =>
      vi.waitFor(() => expect(count(event), `${event}, but: ${JSON.stringify(lines)} ${errors}`).toBeGreaterThanOrEqual(times), { timeout, interval: 50 })
  }
}
async function committed(groupId: string, topic: string): Promise<number> {
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
  return Number(offsets!.partitions[0]!.offset)
}

test('a stuck consumer commits nothing until its owner says "fixed", with and without the SDK', async () => {
  const topic = await topicWith(Array.from({ length: 50 }, () => 'record'))
  const [plain, governed] = [false, true]
    .map(sdk => ({ groupId: unique('sdk-stuck'), sdk }))
    .map(each => ({ ...each, ...start({ ...each, topics: [topic], behaviour: 'stuck' }) }))
  for (const each of [plain!, governed!]) {
    await each.until('waiting')
    await sleep(1_500)
    expect(await committed(each.groupId, topic)).toBe(-1)
    each.say('fixed')
    await vi.waitFor(() => expect(each.handled()).toBe(50), { timeout: 10_000 })
    expect(await committed(each.groupId, topic)).toBe(50)
    each.say('stop')
    await each.until('stopped')
  }
})

test('a consumer that crashes on a poison record is started again and again, rests while paused, and gets past it once fixed', async () => {
  const topic = await topicWith(['good', 'good', 'poison', 'good'])
  const groupId = unique('sdk-poison')
  const each = start({ groupId, topics: [topic], behaviour: 'poison', sdk: true })
  await each.until('crashed', 2, 40_000)
  expect(await committed(groupId, topic)).toBe(2)
  await tell(groupId, 'paused')
  await vi.waitFor(() => expect(each.lines.some(line => line.event === 'sdk' && Array.isArray(line['held']) && line['held'].length === 1)).toBe(true), {
    timeout: 20_000,
    interval: 50
  })
  const crashes = each.count('crashed')
  await sleep(3_000)
  expect(each.count('crashed')).toBe(crashes)
  each.say('fixed')
  await tell(groupId, null)
  await vi.waitFor(async () => expect(await committed(groupId, topic)).toBe(4), { timeout: 15_000 })
  expect(each.count('crashed')).toBe(crashes)
  each.say('stop')
  await each.until('stopped')
})

test('a process killed while paused and started again reads nothing', async () => {
  const topic = await topicWith(Array.from({ length: 50 }, () => 'record'))
  const groupId = unique('sdk-killed')
  await tell(groupId, 'paused')
  const first = start({ groupId, topics: [topic], behaviour: 'healthy', sdk: true })
  await first.until('joined')
  first.child.kill('SIGKILL')
  const second = start({ groupId, topics: [topic], behaviour: 'healthy', sdk: true })
  await second.until('joined')
  await sleep(2_000)
  expect(second.handled()).toBe(0)
  expect(await committed(groupId, topic)).toBe(-1)
  await tell(groupId, null)
  await vi.waitFor(() => expect(second.handled()).toBe(50), { timeout: 10_000 })
})
