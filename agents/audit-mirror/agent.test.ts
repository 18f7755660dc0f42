import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Entry } from '#shared/audit/entry.ts'
import { readEntry } from '#shared/audit/entry.ts'
import { verifyLog } from '#shared/audit/verify-log.ts'
import { newKey } from '#shared/credentials/signer.ts'
import { runStream } from '#shared/engine/stream-replica.ts'
import { chainOf } from '#shared/audit/routing.ts'
import { parseSigner, parseVerifier } from '#shared/proof/note-key.ts'
import { openMetrics } from '#shared/telemetry/metrics.ts'
import type { AuditLogWorld } from '#test/support/audit-log-world.ts'
import { auditTopicWorld } from '#test/support/audit-topic-world.ts'
import { clusterView } from '#test/support/cluster-view.ts'
import { type FakeKafka, fakeKafka } from '#test/support/fake-kafka.ts'
import { notifierOf } from '#test/support/replica.ts'
import { auditMirror } from './index.ts'
import { policySchema } from './policy.ts'

const clusterId = 'a-cluster'
const topic = 'audit.platform-operations'
const origin = `reeve.audit/${clusterId}/${topic}/0`
const times = { renewEveryMs: 100, takeOverAfterMs: 600, effectMustStartWithinMs: 100, effectDeadlineMs: 100 }
const nothing = () => undefined
const told: string[] = []
const notifier = notifierOf(async ({ notices }) => {
  told.push(...notices.map(({ title, answer }) => `${title}: ${answer}`))
  return { ok: true }
})
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const key = newKey(`reeve.audit/${clusterId}`)

const metrics = openMetrics()
const meter = metrics.cluster('main').stream({ name: 'audit-mirror', leaseMs: times.takeOverAfterMs, measures: auditMirror.measures ?? [] })
/** What the mirror says of itself, by name and own labels. */
async function said(): Promise<Record<string, number>> {
  const lines = (await metrics.text()).split('\n').filter(line => /^reeve_(?:audit|stream)/.test(line))
  return Object.fromEntries(
    lines.map(line => [line.slice(0, line.lastIndexOf(' ')).replace(/,?cluster="main",stream="audit-mirror"/, ''), Number(line.split(' ').at(-1))])
  )
}

let kafka: FakeKafka
let stops: (() => Promise<void>)[] = []
beforeEach(() => {
  told.length = 0
  kafka = fakeKafka()
  kafka.createTopic('broker-logs', 2)
  kafka.createTopic('reeve.journal')
  show({ orders: [10], 'broker-logs': [0, 0] })
})
afterEach(async () => {
  await Promise.all(stops.map(stop => stop()))
  stops = []
})

/** What the next scans see; the audit topic is there once it was made. */
function show(topics: Record<string, number[]>): void {
  const view = clusterView({ topics, brokers: [1, 2, 3] })
  kafka.admin.show({ ...view, clusterId })
}

function start(holder: string, more: object = {}): () => Promise<void> {
  const stop = new AbortController()
  const logs = [{ id: 'authorizer', content: 'authorizer', topic: 'broker-logs' }]
  const policy = policySchema.parse({ keys: [key.skey], scanEvery: '1s', window: '200ms', skew: '0s', lateness: '100ms', giveUp: '10m', logs, ...more })
  const surroundings = { clusterId, kafka, prefix: 'reeve', holder, log, meter }
  const ended = runStream({ ...surroundings, stream: auditMirror, policy, times, notifier, onRole: nothing }, stop.signal)
  const end = () => (stop.abort(), ended)
  stops.push(end)
  return end
}

/** Seconds from the beginning of the minute in which the test began: a source that is hours behind the others is given up. */
const minuteMs = Math.floor(Date.now() / 60_000) * 60_000
const at = (second: number) => new Date(minuteMs + second * 1_000).toISOString().replace('T', ' ').replace('.', ',').slice(0, -1)
const line = (second: number, verdict: 'Allowed' | 'Denied', resource: string, operation = 'READ', request = 'Fetch') =>
  `[${at(second)}] INFO Principal = User:app is ${verdict} operation = ${operation} from host = 10.0.0.7 on resource = Topic:LITERAL:${resource} for request = ${request} with resourceRefCount = 1 based on rule ${verdict === 'Allowed' ? 'SuperUser' : 'DefaultDeny'} (kafka.authorizer.logger)`

async function write(partition: number, ...lines: string[]): Promise<void> {
  const appender = await kafka.openAppender(`forwarder-${partition}`)
  await appender.fence()
  await appender.append(lines.map(value => ({ topic: 'broker-logs', partition, key: null, value: Buffer.from(value) })))
}

const entriesOf = async (world: AuditLogWorld): Promise<Entry[]> =>
  (await world.records()).flatMap(({ key: kind, value }) => (kind!.toString() === 'event' ? [readEntry(value!) as Entry] : []))

async function entries(): Promise<Entry[]> {
  const reader = await kafka.openReader()
  const found: { kind: string; value: Buffer }[] = []
  await reader.assign(topic, 0, 'start')
  await reader.readToEnd(record => found.push({ kind: record.key!.toString(), value: record.value! }))
  await reader.close()
  expect(verifyLog(found, { origin, vkey: parseVerifier(key.vkey).vkey })).toMatchObject({ size: expect.any(Number) })
  return found.flatMap(({ kind, value }) => (kind === 'event' ? [readEntry(value) as Entry] : []))
}

const types = async () => (await entries()).map(({ eventType }) => eventType).filter(type => type !== 'audit.checkpoint')
const eventually = (check: () => Promise<void>) => expect.poll(() => check().then(() => 'held', String), { timeout: 15_000, interval: 50 }).toBe('held')

test('lines become events once, over a restart, and what a scan sees is a change', async () => {
  const stop = start('one')
  await eventually(async () => expect(await types()).toEqual(['audit.began', 'audit.gap']))
  await write(0, line(1, 'Denied', 'orders'), 'no line of any layout')
  await eventually(async () => expect(await types()).toEqual(['audit.began', 'audit.gap', 'access.denied', 'line.unparsed']))
  await eventually(async () => expect(await said()).toMatchObject({ 'reeve_audit_events_total{kind="line.unparsed"}': 1 }))
  const running = await said()
  expect(running).toMatchObject({
    'reeve_audit_events_total{kind="audit.gap"}': 1,
    'reeve_audit_events_total{kind="change.unattributed"}': 0,
    'reeve_audit_gaps_total{source="admin-scan"}': 0,
    'reeve_audit_source_timestamp_seconds{source="authorizer/0"}': minuteMs / 1_000 + 1,
    'reeve_audit_source_unread{source="authorizer/0"}': 0,
    'reeve_audit_source_unread{source="admin-scan"}': 0,
    'reeve_audit_log_entries{partition="0"}': (await entries()).length
  })
  const nowSeconds = Date.now() / 1_000
  for (const name of ['reeve_stream_committed_timestamp_seconds{}', 'reeve_audit_source_read_timestamp_seconds{source="authorizer/1"}'])
    expect(Math.abs(nowSeconds - running[name]!), name).toBeLessThan(5)
  // A source that never said anything is not at 1970.
  expect(running).not.toHaveProperty('reeve_audit_source_timestamp_seconds{source="authorizer/1"}')
  await stop()
  expect(Object.keys(await said()).filter(name => name.startsWith('reeve_audit_') && !name.includes('_total'))).toEqual([])
  await write(1, line(2, 'Denied', 'payments'))
  show({ orders: [10], 'broker-logs': [0, 0], payments: [0, 0], [topic]: [0] })
  start('two', { giveUp: '1s' })
  const created = async () => (await entries()).filter(({ eventType }) => eventType === 'topic.created').map(({ value }) => value.payload['resources'])
  await eventually(async () => expect(await created()).toContainEqual([expect.objectContaining({ name: 'payments' })]))
  await eventually(async () => expect((await types()).filter(type => type === 'access.denied')).toHaveLength(2))
  // Nobody is found who made the changes; of all of them one is told.
  await eventually(async () => expect(told.filter(text => text.endsWith('--type change.unattributed'))).toHaveLength(1))
  const all = await entries()
  expect(all.filter(({ eventType }) => eventType === 'change.unattributed').length).toBeGreaterThan(1)
  expect(all.filter(({ eventType }) => eventType === 'access.denied').map(({ value }) => value.payload['resources'])).toMatchObject([
    [{ name: 'orders' }],
    [{ name: 'payments' }]
  ])
  expect(all.filter(({ eventType }) => eventType === 'audit.gap')).toHaveLength(1)
}, 30_000)

test('allowed reads are counted by minute, and counted right when the process ends in between', async () => {
  const stop = start('one')
  await write(0, line(1, 'Allowed', 'orders'), line(2, 'Allowed', 'orders'), line(3, 'Denied', 'orders'))
  await eventually(async () => expect(await types()).toContain('access.denied'))
  await stop()
  start('two')
  await write(0, line(4, 'Allowed', 'orders'), line(125, 'Allowed', 'orders'), line(190, 'Denied', 'orders'))
  await eventually(async () => expect((await types()).filter(type => type === 'access.denied')).toHaveLength(2))
  const all = await entries()
  expect(all.filter(({ eventType }) => eventType === 'access.folded').map(({ value }) => value.payload['count'])).toEqual([3, 1])
  expect(all.filter(({ eventType }) => eventType === 'access.denied')).toHaveLength(2)
}, 30_000)

test('three chains are written, and ended by the topic that continues them, each line once and in one chain', async () => {
  const later = 'audit.2027'
  const logs = (name: string, chains: number) => auditTopicWorld(kafka, name, chains, parseSigner(key.skey), clusterId)
  const denied = async () =>
    (await Promise.all([logs(topic, 3), logs(later, 2)].flatMap(({ worlds }) => worlds.map(world => entriesOf(world))))).map(found =>
      found.filter(({ eventType }) => eventType === 'access.denied').map(({ coordinate }) => coordinate)
    )
  kafka.createTopic(later, 2)
  const stop = start('one', { chains: 3 })
  await write(0, line(1, 'Denied', 'orders'), line(2, 'Denied', 'orders'))
  await write(1, line(1, 'Denied', 'orders'))
  await eventually(async () => expect((await denied()).flat()).toHaveLength(3))
  await stop()
  show({ orders: [10], 'broker-logs': [0, 0], [topic]: [0, 0, 0], [later]: [0, 0] })
  const next = start('two', { chains: 2, topic: later, continues: topic, giveUp: '1s', checkpointEntries: 1 })
  await write(0, line(3, 'Denied', 'orders'))
  await write(1, line(3, 'Denied', 'orders'))
  await eventually(async () => expect((await denied()).flat()).toHaveLength(5))
  await next()
  const [earlier, after] = [await logs(topic, 3).judge(), await logs(later, 2).judge()]
  expect([...earlier, ...after].map(({ fault }) => fault)).toEqual([null, null, null, null, null])
  expect(after[0]!.continues.map(({ size }) => size)).toEqual(earlier.map(({ size }) => size))
  expect(earlier.map(({ continuedIn }) => continuedIn)).toEqual([later, later, later])
  const all = await denied()
  expect(new Set(all.flat()).size).toBe(5)
  for (const [partition, places] of all.entries())
    for (const place of places) expect(chainOf(`authorizer/${place.includes('/1@') ? 1 : 0}`, partition < 3 ? 3 : 2)).toBe(partition % 3)
  const surroundings = { clusterId, kafka, prefix: 'reeve', holder: 'three', log, policy: policySchema.parse({ keys: [key.skey], chains: 3 }) }
  const old = runStream({ ...surroundings, stream: auditMirror, times, notifier, onRole: nothing }, new AbortController().signal)
  await expect(old).rejects.toThrow(`goes on in the topic ${later}`)
}, 30_000)

test('a log whose newest entries are gone is not written on, though no anchor holds them, and what it says is what it was', async () => {
  const stop = start('one')
  await write(0, line(1, 'Denied', 'orders'))
  await eventually(async () => expect(await types()).toContain('access.denied'))
  await stop()
  const whole = await entries()
  const offsets: number[] = []
  const reader = await kafka.openReader()
  await reader.assign(topic, 0, 'start')
  await reader.readToEnd(({ key: kind, offset }) => void (kind!.toString() === 'trailer' && offsets.push(offset)))
  await reader.close()
  // Behind the marker of the first transaction.
  kafka.change(topic, 0, records => records.truncate(offsets[0]! + 2))
  const left = await entries()
  expect(left.length).toBeLessThan(whole.length)
  const policy = policySchema.parse({ keys: [key.skey] })
  const surroundings = { clusterId, kafka, prefix: 'reeve', holder: 'two', log, policy }
  const again = runStream({ ...surroundings, stream: auditMirror, times, notifier, onRole: nothing }, new AbortController().signal)
  await expect(again).rejects.toThrow(`has ${left.length} entries, and ${whole.length} were committed: its end was removed`)
  expect(await entries()).toEqual(left)
}, 30_000)

test('without a key that signs, nothing is written', async () => {
  const policy = policySchema.parse({})
  const surroundings = { clusterId, kafka, prefix: 'reeve', holder: 'one', log }
  await expect(
    runStream({ ...surroundings, stream: auditMirror, policy, times, notifier, onRole: nothing }, new AbortController().signal)
  ).rejects.toMatchObject({
    name: 'PolicyMistake',
    message: expect.stringContaining('agents.audit-mirror.policy.keys: expected a key that signs checkpoints')
  })
})
