import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import { reeveTopics, topicSettings } from '#shared/engine/topics.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { AclEntry, Kafka } from '#shared/kafka/ports.ts'
import { examine } from '#test/support/doctor.ts'
import { freePort } from '#test/support/redis.ts'
import { configuration, type Parts } from '#test/support/reeve-process.ts'

/** One broker where everybody may do what no ACL speaks of, set as nobody should; and one without an authorizer. */
let lax: LocalStack
let open: LocalStack
let kafka: Kafka

beforeAll(async () => {
  const properties = {
    'allow.everyone.if.no.acl.found': 'true',
    'unclean.leader.election.enable': 'true',
    'offsets.retention.minutes': '60',
    'group.consumer.max.session.timeout.ms': '120000',
    'group.consumer.session.timeout.ms': '90000',
    'message.max.bytes': '500000',
    'log.cleaner.enable': 'false',
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'controller.quorum.fetch.timeout.ms': '1000',
    'replica.lag.time.max.ms': '10000'
  }
  const features = { 'transaction.version': 0, 'group.version': 0 }
  const FAR = { protocol: 'SSL' as const, properties: {}, advertisedPort: await freePort() }
  ;[lax, open] = await Promise.all([
    startStack({ nodes: 1, heapMb: 256, properties, features, listeners: { FAR } }),
    startStack({ nodes: 1, heapMb: 256, properties: { 'authorizer.class.name': '' } })
  ])
  kafka = await openKafka({ brokers: lax.description.brokers, clientId: 'doctor' })
})

afterAll(async () => {
  await kafka.close()
  await Promise.all([lax.stop(), open.stop()])
})

const look = ({ description }: LocalStack, parts: Parts = {}) =>
  examine(configuration('reeve', { cluster: { brokers: description.brokers }, ...parts }), { env: { TEST_REDIS_URL: description.redisUrl } })
const asApp = () => ({
  cluster: { brokers: lax.description.saslBrokers, sasl: { mechanism: 'SCRAM-SHA-512', username: 'app', password: lax.description.principals['app'] } }
})

test('settings that endanger what is remembered are each named, and quicker failover is within the limits', async () => {
  const { ids, one } = await look(lax)
  const expected = ['cleaner-off', 'messages-small', 'mission-brokers', 'offsets-expire', 'session-long', 'transactions-old', 'unclean-election']
  expect(ids('warning')).toEqual(expect.arrayContaining(expected))
  expect(ids('note')).toEqual(expect.arrayContaining(['groups-classic', 'topics-missing']))
  expect(one('mission-controller-kill')).toMatchObject({
    severity: 'ok',
    what: 'a killed controller that leads is replaced: about 4 s, within the limit of 10 s'
  })
  expect(one('mission-isr')).toMatchObject({ severity: 'ok', what: expect.stringContaining('about 15 s') })
  expect(one('offsets-expire').what).toContain('after 1.0 h')
  expect(one('transactions-old').remedy[0]).toMatch(/^kafka-features --bootstrap-server \S+ .* upgrade --feature transaction\.version=2$/)
})

test('looking makes no topic, not even one of Kafka itself that a question for a coordinator would make', async () => {
  const topics = async () => (await kafka.admin.scan({ atMs: 0 })).topics
  // The stack itself waits for them at its start.
  for (const { topicId } of (await topics()).values()) await kafka.admin.deleteTopicById(topicId)
  await expect.poll(async () => (await topics()).size, { timeout: 20_000 }).toBe(0)
  await look(lax)
  expect([...(await topics()).keys()]).toEqual([])
})

test('where everybody may do what no ACL allows, the trap of the first ACL is told before anybody adds one', async () => {
  const none = await look(lax, asApp())
  expect(none.one('everyone-allowed').what).toMatch(
    /^the engine and consumer-guardian \(User:app\) may do what no ACL allows: it is a super user, or allow\.everyone/
  )
  const acl: AclEntry = {
    resourceType: 'topic',
    resourceName: 'reeve.acks',
    pattern: 'literal',
    principal: 'User:somebody',
    host: '*',
    operation: 'read',
    permission: 'allow'
  }
  await kafka.admin.createAcls([acl])
  await expect
    .poll(async () => (await look(lax, asApp())).one('everyone-allowed').what, { timeout: 20_000 })
    .toMatch(/: allow\.everyone\.if\.no\.acl\.found is true$/)
  expect((await look(lax, asApp())).one('everyone-allowed').why[1]).toContain('would stop every other client')
})

test('an address that a broker advertises and nobody answers is found although another one answers for it', async () => {
  const [far] = lax.description.extraBrokers!['FAR']!
  const { ids, one } = await look(lax, { cluster: { brokers: [far], tls: { caFile: lax.description.caFile, servername: 'localhost' } } })
  expect(ids('error')).toContain('broker-silent')
  expect(one('broker-silent').what).toMatch(/^broker 1 advertises 127\.0\.0\.1:\d+, which does not answer: .*ECONNREFUSED/)
})

test('a cluster without an authorizer is said to be open to everybody', async () => {
  const own = await openKafka({ brokers: open.description.brokers, clientId: 'doctor' })
  await own.admin.createTopics(topicSettings(reeveTopics('reeve'), 1))
  await own.close()
  const { ids, one } = await look(open)
  expect(ids('warning')).toContain('authorizer-none')
  expect(one('topics-right').severity).toBe('ok')
  expect(ids('error').filter(id => id !== 'channel-mute')).toEqual([])
})
