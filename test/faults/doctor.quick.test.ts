import { afterAll, beforeAll, expect, test } from 'vitest'
import { type IdentityProvider, openIdentityProvider } from '#deploy/local/identity-provider.ts'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import { createAuditTopic } from '#shared/audit-log/topic.ts'
import { reeveTopics, topicSettings } from '#shared/engine/topics.ts'
import type { KafkaFault } from '#shared/kafka/errors.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { AclEntry, Kafka } from '#shared/kafka/ports.ts'
import { examine, notYetFound } from '#test/support/doctor.ts'
import { freePort } from '#test/support/redis.ts'
import { configuration, type Parts } from '#test/support/reeve-process.ts'
import { commitStart } from '#test/support/stuck-consumer.ts'

/** One broker where everybody may do what no ACL speaks of, set as nobody should; and one without an authorizer. */
let lax: LocalStack
let open: LocalStack
let provider: IdentityProvider
let kafka: Kafka

/** A listener for tokens: `handler` and `more` say how it looks at them. */
const security = 'org.apache.kafka.common.security.oauthbearer'
const tokenListener = (handler: string | null, more: Readonly<Record<string, string>> = {}) => ({
  protocol: 'SASL_PLAINTEXT' as const,
  properties: {
    'sasl.enabled.mechanisms': 'OAUTHBEARER',
    'oauthbearer.sasl.jaas.config': `${security}.OAuthBearerLoginModule required;`,
    ...(handler !== null && { 'oauthbearer.sasl.server.callback.handler.class': `${security}.${handler}` }),
    ...more
  }
})

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
  provider = await openIdentityProvider({ somebody: 'secret' })
  const keys = {
    'sasl.oauthbearer.jwks.endpoint.url': provider.jwksUrl,
    'sasl.oauthbearer.expected.audience': 'kafka',
    'sasl.oauthbearer.expected.issuer': provider.issuer
  }
  const tokens = {
    UNSIGNED: tokenListener(null),
    DEFAULT: tokenListener('OAuthBearerValidatorCallbackHandler', keys),
    CHECKED: tokenListener('OAuthBearerValidatorCallbackHandler', { ...keys, 'sasl.oauthbearer.jwt.validator.class': `${security}.BrokerJwtValidator` })
  }
  const jvm = [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${provider.jwksUrl}`]
  const FAR = { protocol: 'SSL' as const, properties: {}, advertisedPort: await freePort() }
  ;[lax, open] = await Promise.all([
    startStack({ nodes: 1, heapMb: 256, properties, features, jvm, listeners: { FAR, ...tokens } }),
    startStack({ nodes: 1, heapMb: 256, properties: { 'authorizer.class.name': '' } })
  ])
  kafka = await openKafka({ brokers: lax.description.brokers, clientId: 'doctor' })
})

afterAll(async () => {
  await kafka.close()
  await Promise.all([lax.stop(), open.stop(), provider.close()])
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
  expect(ids('note')).toEqual(expect.arrayContaining(['groups-classic', 'groups-none', 'topics-missing']))
  expect(ids('ok')).toEqual(expect.arrayContaining(['administrators-none', 'quotas-none']))
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

test('a listener that lets in a token that nobody signed is named with the line that mends it, and one that refuses it is not', async () => {
  const nowSeconds = Math.floor(Date.now() / 1_000)
  const claims = { sub: 'admin', iss: 'me', aud: 'elsewhere', iat: nowSeconds, exp: nowSeconds + 300 }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const unsigned = `${part({ alg: 'none' })}.${part(claims)}.`
  const signedByNobody = `${part({ alg: 'RS256' })}.${part(claims)}.${Buffer.from('no signature').toString('base64url')}`
  const login = async (listener: string, token: string) => {
    const brokers = lax.description.extraBrokers![listener]!
    return openKafka({ brokers, clientId: 'forger', sasl: { mechanism: 'OAUTHBEARER', token: async () => token } }).then(
      client => client.close().then(() => 'let in'),
      (error: KafkaFault) => error.kind
    )
  }
  expect(await Promise.all([login('UNSIGNED', unsigned), login('DEFAULT', signedByNobody), login('CHECKED', signedByNobody)])).toEqual([
    'let in',
    lax.description.kafkaVersion === '4.1.1' ? 'let in' : 'authentication',
    'authentication'
  ])
  const { findings } = await look(lax)
  const found = findings.filter(({ id }) => id === 'tokens-unverified')
  expect(found.map(({ severity, what }) => `${severity}: ${what}`)).toEqual([
    'error: listener UNSIGNED of broker 1 lets in forged tokens: oauthbearer.sasl.server.callback.handler.class is not set',
    ...(lax.description.kafkaVersion === '4.1.1'
      ? [`error: listener DEFAULT of broker 1 lets in forged tokens: sasl.oauthbearer.jwt.validator.class is ${security}.DefaultJwtValidator`]
      : [])
  ])
  expect(found[0]!.remedy[0]).toContain(`listener.name.unsigned.sasl.oauthbearer.jwt.validator.class=${security}.BrokerJwtValidator`)
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
  await createAuditTopic(own.admin, 'audit.platform-operations', 1)
  await own.close()
  await commitStart({ brokers: open.description.brokers, clientId: 'doctor' }, 'shipping', 'reeve.acks')
  const { ids, one } = await look(open, { owners: [{ team: 'shipping', channel: 'platform', groups: ['shipping'] }] })
  expect(one('groups-owned').what).toBe('the one group has an owner')
  expect(ids('warning')).toContain('authorizer-none')
  expect(one('topics-right').severity).toBe('ok')
  expect(ids('error').filter(id => id !== 'channel-mute')).toEqual([])
  const mirroring = await look(open, { agents: { 'audit-mirror': {} } })
  expect(mirroring.one('audit-open')).toMatchObject({ severity: 'error', what: 'audit.platform-operations is open to everybody' })
})

test('every finding that is to be provoked here was', () => {
  expect(notYetFound(import.meta.filename)).toEqual([])
})
