import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer, MessagesStreamFallbackModes, MessagesStreamModes } from '@platformatic/kafka'
import { describe, expect, test, vi } from 'vitest'
import { govern } from '#shared/sdk/platformatic.ts'
import { controlKey } from '#shared/sdk/protocol.ts'
import { sdkWorld } from '#test/support/sdk-world.ts'
import { unique } from '#test/support/stack.ts'

const world = sdkWorld('sdk-platformatic')
const { connection, producer, prefix, createTopic } = world
const log = { info: vi.fn(), warn: vi.fn() }

/** A topic of four partitions with a record in each every 20 ms until it is stopped; `stop` resolves with how many there are. */
async function traffic(): Promise<{ readonly topic: string; stop(): Promise<number> }> {
  const topic = unique('sdkpl-records')
  await createTopic(topic, 4)
  const stopping = new AbortController()
  let sent = 0
  const writing = (async () => {
    while (!stopping.signal.aborted) {
      await producer.send({ topic, messages: ['0', '1', '2', '3'].map(partition => ({ value: 'x', headers: { partition } })) })
      sent += 4
      await sleep(20, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  })()
  const stop = async (): Promise<number> => {
    stopping.abort()
    await writing
    return sent
  }
  return { topic, stop }
}

async function tell(groupId: string, state: 'paused' | null): Promise<void> {
  const now = Date.now()
  const command = { version: 1, commandId: randomUUID(), state, issuedAtMs: now, untilMs: now + 120_000, ttlMs: 120_000, reason: 'a test', issuer: 'test' }
  await producer.send({
    topic: `${prefix}.control`,
    messages: [{ key: controlKey({ clusterId: world.clusterId, groupId }), value: state && JSON.stringify(command) }]
  })
}

const protocols = {
  classic: { sessionTimeout: 10_000, heartbeatInterval: 500 },
  'KIP-848': { groupProtocol: 'consumer' }
} as const

async function member(groupId: string, topic: string, protocol: keyof typeof protocols) {
  const consumer = new Consumer({ bootstrapBrokers: [...connection.brokers], clientId: 'sdk-platformatic', groupId, ...protocols[protocol] })
  const governed = await govern(consumer, { connection, prefix, log })
  const stream = await consumer.consume({
    topics: [topic],
    mode: MessagesStreamModes.COMMITTED,
    fallbackMode: MessagesStreamFallbackModes.EARLIEST,
    maxWaitTime: 300,
    autocommit: true
  })
  const read: string[] = []
  const reading = (async () => {
    for await (const { partition, offset } of stream) read.push(`${partition}@${offset}`)
  })()
  let stopped: Promise<void> | null = null
  const stop = (): Promise<void> =>
    (stopped ??= (async () => {
      await consumer.close(true)
      await governed.stop()
      await reading
    })())
  return { governed, read, stop }
}
type Member = Awaited<ReturnType<typeof member>>
const within = { timeout: 30_000, interval: 50 }
const holds = (each: Member, count: number) => vi.waitFor(() => expect(each.governed.held()).toHaveLength(count), within)
async function readsNothing(members: readonly Member[]): Promise<void> {
  await sleep(500)
  const before = members.map(({ read }) => read.length)
  await sleep(1_000)
  expect(members.map(({ read }) => read.length)).toEqual(before)
}
async function readsOn(each: Member): Promise<void> {
  const before = each.read.length
  await vi.waitFor(() => expect(each.read.length).toBeGreaterThan(before), within)
}

describe.concurrent.for(Object.keys(protocols) as (keyof typeof protocols)[])('a group of the %s protocol', protocol => {
  test('rests through joins and leaves while it is paused, can be closed then, and reads every record', async ({ onTestFinished }) => {
    const { topic, stop } = await traffic()
    onTestFinished(async () => void (await stop()))
    const groupId = unique('sdkpl')
    const one = await member(groupId, topic, protocol)
    onTestFinished(one.stop)
    await readsOn(one)
    await tell(groupId, 'paused')
    await holds(one, 4)
    await readsNothing([one])

    const other = await member(groupId, topic, protocol)
    onTestFinished(other.stop)
    await holds(one, 2)
    await holds(other, 2)
    await readsNothing([one, other])
    expect(other.read).toEqual([])

    await tell(groupId, null)
    await Promise.all([readsOn(one), readsOn(other)])
    await tell(groupId, 'paused')
    await holds(other, 2)
    await other.stop()
    await holds(one, 4)
    await readsNothing([one])

    await tell(groupId, null)
    const sent = await stop()
    await vi.waitFor(() => expect(new Set([...one.read, ...other.read]).size).toBe(sent), within)
    console.log(`${protocol}: ${sent} records, ${one.read.length + other.read.length - sent} of them twice`)
    await one.stop()
  })
})
