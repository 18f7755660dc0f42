import kafkajs from 'kafkajs'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditMirror } from '#agents/audit-mirror/index.ts'
import { rights } from '#agents/audit-mirror/rights.ts'
import { policySchema } from '#agents/audit-mirror/policy.ts'
import { type Entry, readEntry } from '#shared/audit/entry.ts'
import { verifyLog } from '#shared/audit/verify-log.ts'
import { newKey } from '#shared/credentials/signer.ts'
import { runStream } from '#shared/engine/stream-replica.ts'
import { parseSigner } from '#shared/proof/note-key.ts'
import { aclsFor } from '#shared/engine/rights.ts'
import { openKafka } from '#shared/kafka/index.ts'
import { createTopicWithLeaders } from '#test/support/kafkajs-topics.ts'
import { auditTopicWorld } from '#test/support/audit-topic-world.ts'
import { notifierOf } from '#test/support/replica.ts'
import { revoke } from '#test/support/scram-user.ts'
import { as, stack, superUser, unique } from '#test/support/stack.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ConfigResourceTypes, ResourcePatternTypes } = kafkajs
const { saslControllers, logs, nodes, principals } = stack()
/** Files of the brokers that run on this machine; those of containers are inside them. */
const authorizerLogs = nodes.filter(({ name }) => name.startsWith('node-')).map(({ name }) => ({ name, file: join(logs, `${name}-authorizer.log`) }))
const admin = new kafkajs.Kafka({ brokers: [...stack().brokers], clientId: 'somebody', logLevel: kafkajs.logLevel.NOTHING }).admin()
const auditTopic = unique('audit')
const prefix = unique('reeve')
const kafka = await openKafka(superUser())
// With its own rights and no other.
const own = await openKafka(as('reeve-audit-mirror'))
const { clusterId } = await kafka.admin.features()
const laterTopic = unique('audit-later')
const key = newKey(`reeve.audit/${clusterId}`)
const times = { renewEveryMs: 1_000, takeOverAfterMs: 5_000, effectMustStartWithinMs: 1_000, effectDeadlineMs: 1_000 }
const notifier = notifierOf(async () => ({ ok: true }))
const troubles: string[] = []
const tell = (_fields: object, message: string) => void troubles.push(message)
const log = { debug: () => undefined, info: () => undefined, warn: tell, error: tell }
const given = {
  topic: auditTopic,
  chains: 3,
  keys: [key.skey],
  hashKey: 'a key of the hashes that is long enough',
  metadata: { controllers: saslControllers, sasl: { mechanism: 'SCRAM-SHA-512', username: 'reeve-metadata', password: principals['reeve-metadata'] } },
  logs: authorizerLogs.map(({ name, file }) => ({ id: name, content: 'authorizer', file, host: name })),
  journal: false,
  window: '500ms',
  lateness: '200ms',
  giveUp: '2s'
}
const policy = policySchema.parse(given)

let stop = new AbortController()
let ended: Promise<void>
const run = (asked: typeof policy) =>
  runStream({ clusterId, kafka: own, prefix, holder: 'a test', log, stream: auditMirror, policy: asked, times, notifier, onRole: () => undefined }, stop.signal)
beforeAll(async () => {
  await admin.connect()
  const cluster = { resourceType: 'cluster', resourceName: 'kafka-cluster', pattern: 'literal', host: '*', permission: 'allow' } as const
  const reader = { ...cluster, principal: 'User:reeve-metadata', operation: 'cluster-action' }
  await kafka.admin.createAcls([...aclsFor(rights(policy), 'User:reeve-audit-mirror', prefix), reader])
  ended = run(policy)
})
afterAll(async () => {
  stop.abort()
  await ended
  await Promise.all([own.close(), kafka.close()])
  await Promise.all([revoke('User:reeve-audit-mirror'), revoke('User:reeve-metadata')])
  await admin.deleteTopics({ topics: [auditTopic, laterTopic, `${prefix}.audit-mirror`] })
  await admin.disconnect()
})

async function entries(): Promise<Entry[]> {
  const reader = await kafka.openReader()
  try {
    const all: Entry[] = []
    for (const partition of [0, 1, 2]) {
      const found: { kind: string; value: Buffer }[] = []
      await reader.assign(auditTopic, partition, 'start')
      await reader.readToEnd(record => found.push({ kind: record.key!.toString(), value: record.value! }))
      reader.unassign(auditTopic, partition)
      expect(verifyLog(found, { origin: `reeve.audit/${clusterId}/${auditTopic}/${partition}`, vkey: key.vkey })).toHaveProperty('size')
      all.push(...found.flatMap(({ kind, value }) => (kind === 'event' ? [readEntry(value) as Entry] : [])))
    }
    return all
  } finally {
    await reader.close()
  }
}

/** Events about a name, oldest first: of a resource of that name, or of an ACL on it. */
async function about(name: string): Promise<Entry[]> {
  const says = (part: unknown): boolean => JSON.stringify(part ?? null).includes(name)
  return (await entries()).filter(({ value: { payload } }) => says(payload['resources']) || says(payload.unmapped['after']) || says(payload.unmapped['before']))
}
const typesAbout = async (name: string): Promise<string[]> => (await about(name)).map(({ eventType }) => eventType)
const soon = { timeout: 30_000, interval: 200 }

test("a topic's life is in the log: created, changed, given a right, deleted, each with what follows", async () => {
  const topic = unique('mirrored')
  await createTopicWithLeaders(admin, { topic, numPartitions: 2, replicationFactor: 3 })
  const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name: 'retention.ms', value: '60000' }] }
  await admin.alterConfigs({ validateOnly: false, resources: [resource] })
  await expect.poll(() => typesAbout(topic), soon).toContain('config.changed')
  const acl = {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: 'User:app',
    host: '*',
    operation: AclOperationTypes.READ,
    permissionType: AclPermissionTypes.ALLOW
  }
  await admin.createAcls({ acl: [acl] })
  await admin.deleteAcls({ filters: [acl] })
  await admin.deleteTopics({ topics: [topic] })
  await expect
    .poll(() => typesAbout(topic), soon)
    .toEqual(expect.arrayContaining(['topic.created', 'config.changed', 'acl.added', 'acl.removed', 'topic.deleted']))
  // Brokers log denials alone unless told otherwise, so that nobody is found who did it: the log says so.
  await expect.poll(async () => (await typesAbout(topic)).filter(type => type === 'change.unattributed'), soon).not.toHaveLength(0)
  const changed = (await about(topic)).find(({ eventType }) => eventType === 'config.changed')!.value.payload
  expect(changed.unmapped).toMatchObject({
    before: { 'retention.ms': null },
    after: { 'retention.ms': '60000' },
    consequence: { retention: expect.anything() }
  })
  const coordinates = (await about(topic)).map(({ eventType, coordinate }) => `${eventType} ${coordinate}`)
  expect(new Set(coordinates).size).toBe(coordinates.length)
}, 90_000)

// The logs of brokers in containers are inside them.
test.skipIf(authorizerLogs.length === 0)(
  'who was refused is in the log, with what, where and when',
  async () => {
    const topic = unique('refused')
    const { sasl, brokers: saslBrokers } = as('nobody')
    const login = { mechanism: 'scram-sha-512', username: sasl.username, password: sasl.password } as const
    const nobody = new kafkajs.Kafka({
      brokers: [...saslBrokers],
      clientId: 'refused',
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 0 },
      sasl: login
    }).admin()
    await nobody.connect()
    await expect(nobody.fetchTopicMetadata({ topics: [topic] })).rejects.toThrow(/not authorized/i)
    await nobody.disconnect()
    await expect.poll(() => typesAbout(topic), soon).toContain('access.denied')
    const [denied] = await about(topic)
    expect(denied!.value.payload).toMatchObject({
      actor: { user: { name: 'User:nobody' } },
      api: { operation: expect.stringContaining('DESCRIBE') },
      src_endpoint: { ip: '127.0.0.1' },
      resources: [{ type: 'Topic', name: topic }],
      status_id: 2
    })
  },
  60_000
)

test('a later topic of two chains goes on where this one is ended', async () => {
  const next = policySchema.parse({ ...given, topic: laterTopic, chains: 2, continues: auditTopic, checkpointEvery: '1s' })
  await kafka.admin.createAcls(aclsFor(rights(next), 'User:reeve-audit-mirror', prefix))
  stop.abort()
  await ended
  stop = new AbortController()
  ended = run(next)
  const topic = unique('mirrored')
  await createTopicWithLeaders(admin, { topic, numPartitions: 1, replicationFactor: 3 })
  await admin.deleteTopics({ topics: [topic] })
  const signer = parseSigner(key.skey)
  const [earlier, later] = [auditTopicWorld(kafka, auditTopic, 3, signer, clusterId), auditTopicWorld(kafka, laterTopic, 2, signer, clusterId)]
  const idsOf = async ({ worlds }: typeof later, type?: string): Promise<string[]> =>
    (await Promise.all(worlds.map(world => world.records())))
      .flat()
      .flatMap(({ key: kind, value }) => (kind!.toString() === 'event' ? [readEntry(value!) as Entry] : []))
      .flatMap(({ eventId, eventType }) => (type === undefined || eventType === type ? [eventId] : []))
  await expect.poll(() => idsOf(later, 'topic.deleted'), soon).not.toHaveLength(0)
  await expect.poll(async () => (await later.judge()).map(({ fault }) => fault), soon).toEqual([null, null])
  const ends = await earlier.judge()
  expect(ends.map(({ fault, continuedIn }) => ({ fault, continuedIn }))).toEqual(Array.from({ length: 3 }, () => ({ fault: null, continuedIn: laterTopic })))
  expect((await later.judge())[1]!.continues.map(({ size }) => size)).toEqual(ends.map(({ size }) => size))
  const ids = [...(await idsOf(earlier)), ...(await idsOf(later))]
  expect(new Set(ids).size).toBe(ids.length)
}, 60_000)

test.skipIf(authorizerLogs.length === 0)('it needed no right but those that the document names', async () => {
  const lines = authorizerLogs.flatMap(({ file }) => readFileSync(file, 'utf8').split('\n'))
  expect(lines.filter(line => /User:reeve-(audit-mirror|metadata) is Denied/.test(line))).toEqual([])
  expect(troubles.filter(text => /AUTHORIZATION/.test(text))).toEqual([])
})
