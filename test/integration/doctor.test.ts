import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { aclsOf } from '#deploy/local/acls.ts'
import { openSlackSink, type SlackSink } from '#deploy/local/slack-sink.ts'
import { reeveTopics, topicSettings } from '#shared/engine/topics.ts'
import { newKey } from '#shared/credentials/signer.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { AclEntry, Kafka } from '#shared/kafka/ports.ts'
import { type AuditedCluster, auditedCluster } from '#test/support/audited-cluster.ts'
import { examine, notYetFound, runRemedy } from '#test/support/doctor.ts'
import { openKafkaFilter } from '#test/support/kafka-filter.ts'
import { freePort, ownRedis } from '#test/support/redis.ts'
import { configuration, type Parts, ReeveBench, speak } from '#test/support/reeve-process.ts'
import { until } from '#test/support/replica.ts'
import { removeUsers, revoke, type ScramUser, scramUser } from '#test/support/scram-user.ts'
import { stack, superUser, unique } from '#test/support/stack.ts'
import { commitStart } from '#test/support/stuck-consumer.ts'

const prefix = unique('doctor')
const topics = reeveTopics(prefix)
const orders = unique('doctor-orders')
const group = unique('doctor-group')
const made: string[] = [...Object.values(topics), orders]
const bench = new ReeveBench()
let kafka: Kafka
let sink: SlackSink
let engine: ScramUser
let guardian: ScramUser
let audited: AuditedCluster

const sasl = ({ username }: ScramUser, variable: string) => ({ mechanism: 'SCRAM-SHA-512', username, password: `\${${variable}}` })
const passwords = () => ({ ENGINE_PASSWORD: engine.password, GUARDIAN_PASSWORD: guardian.password, WEBHOOK: sink.webhook('platform'), ...audited.env })

/** Everything as it should be: two principals with the documented rights, an owner who can be told. */
const sound = (parts: Parts = {}): Parts =>
  configuration(prefix, {
    cluster: { brokers: stack().saslBrokers, sasl: sasl(engine, 'ENGINE_PASSWORD') },
    owners: [{ team: 'orders', channel: 'platform', groups: [group] }],
    notify: { platformChannel: 'platform', channels: { platform: { slackWebhook: '${WEBHOOK}' } } },
    agents: { 'consumer-guardian': { act: true, sasl: sasl(guardian, 'GUARDIAN_PASSWORD') } },
    ...parts
  })
const look = (parts: Parts = {}, options: { sendTest?: boolean } = {}) => examine(sound(parts), { ...options, env: passwords() })
const entry = ({ principal }: Pick<ScramUser, 'principal'>, operation: string, resourceName: string, more: Partial<AclEntry> = {}): AclEntry => ({
  resourceType: 'topic',
  resourceName,
  pattern: 'literal',
  principal,
  host: '*',
  operation,
  permission: 'allow',
  ...more
})

const grant = () =>
  kafka.admin.createAcls([
    ...aclsOf('engine', engine.principal, prefix),
    ...aclsOf('doctor', engine.principal, prefix),
    ...aclsOf('consumer-guardian', guardian.principal, prefix)
  ])

beforeAll(async () => {
  kafka = await openKafka(superUser())
  ;[engine, guardian, sink] = await Promise.all([scramUser('doctor-engine'), scramUser('doctor-guardian'), openSlackSink()])
  await kafka.admin.createTopics([...topicSettings(topics, 3), { name: orders, partitions: 1 }])
  audited = await auditedCluster(kafka, prefix, orders)
  await Promise.all([grant(), audited.grant(), commitStart(superUser(), group, orders)])
  await until('the users and their rights have reached every broker', async () => (await look()).ids('error', 'unknown').length === 0, 30_000)
})

afterAll(async () => {
  await bench.close()
  await removeUsers([engine, guardian])
  await audited.close()
  const known = (await kafka.admin.scan({ atMs: 0 })).topics
  for (const name of made) if (known.has(name)) await kafka.admin.deleteTopicById(known.get(name)!.topicId)
  await kafka.close()
  await sink.close()
})

test('where all is well there is no error and nothing unknown, and what the defaults of Kafka cannot keep is said with its figures', async () => {
  // Other tests make and delete topics on this cluster: a scan may come upon one of them.
  await until('a look that misses nothing', async () => (await look()).ids('error', 'unknown').length === 0, 20_000)
  const { ids, one, capabilities } = await look()
  expect(ids('error')).toEqual([])
  expect(ids('warning')).toEqual(expect.arrayContaining(['mission-controller-kill', 'mission-isr']))
  expect(one('mission-controller-kill').what).toBe('a killed controller that leads is replaced: about 11 s, beyond the limit of 10 s')
  expect(one('mission-isr').what).toContain('about 45 s, beyond the limit of 30 s')
  expect(one('brokers-answer').what).toMatch(/^3 brokers answer, each by itself, .*; Kafka 4\.\d$/)
  expect(ids('ok')).toEqual(
    expect.arrayContaining(
      ['acts', 'channel-reached', 'clock-right', 'groups-owned', 'redis-right', 'rights-held', 'settings-read', 'topics-right'].filter(
        id => id !== 'groups-owned'
      )
    )
  )
  expect(capabilities.filter(({ can }) => can !== 'yes')).toEqual([])
  expect(sink.messages).toEqual([])
})

describe('rights', () => {
  test('a missing right is named with what it is for, what Reeve cannot do without it, and the command that grants it', async () => {
    await revoke(guardian.principal, { resourceName: topics.control })
    await expect.poll(async () => (await look()).ids('error'), { timeout: 20_000 }).toEqual(['right-missing'])
    const { one, capabilities } = await look()
    const missing = one('right-missing')
    expect(missing.what).toMatch(/^consumer-guardian \(User:doctor-guardian-.*\) lacks 1 of the 5 rights that it needs$/)
    expect(missing.why[0]).toBe(`WRITE on topic ${topics.control}: the commands that the SDK obeys`)
    expect(capabilities.filter(({ can, what }) => can === 'no' && !what.startsWith('pass on'))).toEqual([
      expect.objectContaining({ what: 'pause a group by the SDK, and give it back', as: 'consumer-guardian' })
    ])
    expect(missing.remedy).toEqual([
      expect.stringMatching(new RegExp(`^kafka-acls .* --add --allow-principal ${guardian.principal} --operation Write --topic ${topics.control}$`))
    ])
    await grant()
  })

  test('a denial is found on one topic of many and on a transactional id, and the remedy takes away that entry alone', async () => {
    await kafka.admin.createAcls([
      entry(guardian, 'read', orders, { permission: 'deny' }),
      entry(engine, 'write', topics.state, { permission: 'deny', resourceType: 'transactional-id' })
    ])
    await expect.poll(async () => (await look()).findings.filter(({ id }) => id === 'right-denied').length, { timeout: 20_000 }).toBe(2)
    const { one } = await look()
    expect(one('right-denied', 'READ on topic *').why[0]).toContain(`(not for ${orders})`)
    expect(one('right-denied', 'READ on topic *').remedy).toEqual([
      expect.stringMatching(new RegExp(`--remove --force --deny-principal ${guardian.principal} --operation Read --topic ${orders}$`))
    ])
    expect(one('right-denied', 'transactional-id').remedy[0]).toMatch(new RegExp(`--operation Write --transactional-id ${topics.state}$`))
    await revoke(guardian.principal, { resourceName: orders })
    await revoke(engine.principal, { resourceName: topics.state, permissionType: kafkajs.AclPermissionTypes.DENY })
    await expect.poll(async () => (await look()).ids('error'), { timeout: 20_000 }).toEqual([])
  })

  test('what the brokers do not tell an engine without the rights of the doctor is unknown, not good, and the commands are there', async () => {
    await revoke(engine.principal, { operation: kafkajs.AclOperationTypes.DESCRIBE_CONFIGS })
    await expect.poll(async () => (await look()).ids('unknown'), { timeout: 20_000 }).toEqual(['mission-unknown', 'quotas-unknown', 'settings-unknown'])
    const { one, ids } = await look()
    expect(ids('error')).toEqual([])
    expect(one('settings-unknown').remedy).toEqual([
      expect.stringMatching(/^kafka-acls .* --add --allow-principal User:doctor-engine\S+ --operation DescribeConfigs --cluster$/)
    ])
    expect((await look({ agents: { 'consumer-guardian': { enabled: false } } })).ids('unknown')).toContain('topic-settings-unknown')
    await kafka.admin.createAcls(aclsOf('doctor', engine.principal, prefix))
  })

  test('an engine that may do nothing lacks everything, and whatever rests on it is unknown', async () => {
    const stranger = await scramUser('doctor-stranger')
    const parts = { cluster: { brokers: stack().saslBrokers, sasl: { mechanism: 'SCRAM-SHA-512', username: stranger.username, password: stranger.password } } }
    try {
      await expect.poll(async () => (await look({ ...parts, agents: {} })).ids('error'), { timeout: 20_000 }).toEqual(['agents-none', 'right-missing'])
      const { one, ids } = await look({ ...parts, agents: {} })
      expect(one('right-missing').what).toMatch(/lacks \d+ of the \d+ rights that it needs$/)
      expect(one('right-missing').remedy.length).toBeGreaterThan(5)
      expect(ids('unknown')).toEqual(
        expect.arrayContaining(['administrators-unknown', 'clock-unknown', 'quotas-unknown', 'settings-unknown', 'topics-unknown'])
      )
      const mirroring = await look({ ...parts, agents: { 'audit-mirror': { policy: { topic: audited.topic } } } })
      expect(mirroring.one('audit-topic-unknown').severity).toBe('unknown')
      expect(mirroring.findings.filter(({ area, severity }) => area === 'audit' && severity === 'ok')).toEqual([])
    } finally {
      await removeUsers([stranger])
    }
  })

  test('a wrong password of an agent is an error of that agent, and of the engine of everything', async () => {
    const agent = await look({
      agents: { 'consumer-guardian': { act: true, sasl: { mechanism: 'SCRAM-SHA-512', username: guardian.username, password: 'hunter2-is-wrong' } } }
    })
    expect(agent.ids('error')).toEqual(['principal-refused'])
    expect(agent.one('principal-refused').what).toMatch(/do not let consumer-guardian .* in: .*SASL_AUTHENTICATION_FAILED/)
    const all = await look({
      cluster: { brokers: stack().saslBrokers, sasl: { mechanism: 'SCRAM-SHA-512', username: engine.username, password: 'hunter2-is-wrong' } }
    })
    expect(all.ids('error')).toEqual(['cluster-unreachable'])
    expect(all.one('cluster-unreachable').remedy).toEqual(['check the mechanism, user and password in cluster.sasl'])
    expect(JSON.stringify([agent.findings, all.findings])).not.toContain('hunter2')
  })

  test('a super user, and a principal that two share, are said to be more than Reeve needs', async () => {
    const { ids, one } = await look({ cluster: { brokers: stack().brokers }, agents: { 'consumer-guardian': { act: true } } })
    expect(ids('warning')).toEqual(expect.arrayContaining(['principal-shared', 'super-user']))
    expect(one('super-user').what).toBe('the engine and consumer-guardian (User:ANONYMOUS) is a super user')
    await kafka.admin.createAcls([entry(engine, 'alter-configs', topics.state)])
    await expect.poll(async () => (await look()).ids('warning'), { timeout: 20_000 }).toContain('rights-beyond')
    expect((await look()).one('rights-beyond').what).toContain(`ALTER_CONFIGS on topic ${topics.state}`)
    await revoke(engine.principal, { resourceName: topics.state, operation: kafkajs.AclOperationTypes.ALTER_CONFIGS })
  })

  test('strangers who may write commands, or rule the cluster, are named', async () => {
    const other = { principal: `User:${unique('doctor-other')}` }
    await kafka.admin.createAcls([
      entry(other, 'write', topics.control),
      entry(other, 'write', prefix, { pattern: 'prefixed' }),
      entry(other, 'delete', prefix, { pattern: 'prefixed' }),
      entry(other, 'alter', 'kafka-cluster', { resourceType: 'cluster' })
    ])
    try {
      await expect.poll(async () => (await look()).ids('error'), { timeout: 20_000 }).toEqual(['topics-open'])
      const { one } = await look()
      expect(one('topics-open').why).toContain(`${topics.control}: ${other.principal} may command every consumer that uses the SDK`)
      expect(
        one('topics-open').remedy.some(command => command.includes(`--add --deny-principal ${other.principal} --operation Write --topic ${topics.state}`))
      ).toBe(true)
      expect(one('topics-alterable').what).toContain(other.principal)
      const powers = one('administrators').why.find(line => line.startsWith(other.principal))
      for (const power of [`DELETE on topic ${prefix}*`, 'ALTER on the cluster']) expect(powers).toContain(power)
    } finally {
      await revoke(other.principal)
    }
  })
})

describe('topics', () => {
  test('a topic with wrong settings is named with every difference, and one command mends them', async () => {
    await kafka.admin.alterConfigs({ kind: 'topic', name: topics.control }, { 'cleanup.policy': 'delete', 'message.timestamp.type': 'CreateTime' })
    await kafka.admin.alterConfigs({ kind: 'topic', name: topics.journal }, { 'retention.ms': '3600000' })
    await expect.poll(async () => (await look()).findings.filter(({ id }) => id === 'topic-settings').length, { timeout: 20_000 }).toBe(2)
    const { one } = await look()
    expect(one('topic-settings', topics.control)).toMatchObject({
      severity: 'error',
      what: `${topics.control}: cleanup.policy is delete, expected compact; message.timestamp.type is CreateTime, expected LogAppendTime`
    })
    expect(one('topic-settings', topics.journal)).toMatchObject({ severity: 'warning', what: expect.stringContaining('retention.ms is 3600000') })
    for (const { name, configs } of topicSettings(topics, 3))
      if ([topics.control, topics.journal].includes(name)) await kafka.admin.alterConfigs({ kind: 'topic', name }, configs!)
    await expect.poll(async () => (await look()).ids('ok'), { timeout: 20_000 }).toContain('topics-right')
  })

  test('topics that are missing, too wide or with one replica are found', async () => {
    const other = unique('doctor-shape')
    made.push(...Object.values(reeveTopics(other)))
    await kafka.admin.createTopics([{ name: `${other}.control`, partitions: 2, replicationFactor: 1 }])
    const plain = (parts: Parts = {}) => examine(configuration(other, parts))
    const { one, ids } = await plain()
    expect(one('topic-partitions')).toMatchObject({ severity: 'error', what: `${other}.control has 2 partitions, expected 1` })
    expect(one('topic-replication').what).toBe(`${other}.control has 1 replica, expected 3`)
    expect(one('topics-missing').severity).toBe('note')
    expect(ids('warning')).toContain('auto-create')
    const unable = await look({ topics: { prefix: other } })
    expect(unable.one('topics-missing')).toMatchObject({ severity: 'error', what: expect.stringContaining('the engine may not create them') })
  })
})

test('an address of cluster.brokers where nobody listens is a warning while others answer, and an error where none does', async () => {
  const dead = `127.0.0.1:${await freePort()}`
  const cluster = (brokers: readonly string[]) => ({ cluster: { brokers, sasl: sasl(engine, 'ENGINE_PASSWORD') } })
  const some = await look(cluster([stack().saslBrokers[0]!, dead]))
  expect(some.ids('error')).toEqual([])
  expect(some.one('bootstrap-silent').what).toMatch(new RegExp(`^${dead} of cluster\\.brokers does not answer: .*ECONNREFUSED`))
  const none = await look(cluster([dead]))
  expect(none.ids('error')).toEqual(['cluster-unreachable'])
  expect(none.ids('ok')).toContain('redis-right')
})

describe('beyond this machine', () => {
  /** Loopback in a spelling that doctor does not take for this machine, so nothing leaves it. */
  const away = (address: string) => address.replace('127.0.0.1', '127.1')

  test('Kafka and Redis without TLS and without a login are warnings, and an HTTP port for everybody is a note', async () => {
    const [broker] = stack().brokers
    const { one } = await look({
      cluster: { brokers: [away(broker!)] },
      redis: { url: away(stack().redisUrl), queuePrefix: prefix },
      http: { host: '0.0.0.0', port: 0 }
    })
    expect(one('transport-plain')).toMatchObject({
      severity: 'warning',
      what: 'Kafka is reached without TLS (1 address beyond this machine)',
      why: ['Names, offsets and commands cross the network in clear, and can be changed on the way.']
    })
    expect(one('anonymous')).toMatchObject({ severity: 'warning', what: 'Reeve is anonymous to Kafka' })
    expect(one('redis-plain')).toMatchObject({ severity: 'warning', what: expect.stringMatching(/^Redis at 127\.1:\d+ is reached without TLS$/) })
    expect(one('http-open')).toMatchObject({ severity: 'note', what: 'the HTTP port listens on 0.0.0.0' })
    expect(one('bootstrap-one').severity).toBe('note')
  })

  test('a password that crosses in the clear is said, and with TLS nothing is', async () => {
    const plain = { ...sasl(engine, 'ENGINE_PASSWORD'), mechanism: 'PLAIN', username: 'admin', password: stack().principals['admin']! }
    const { one, ids } = await look({ cluster: { brokers: stack().saslBrokers.map(away), sasl: plain } })
    expect(one('transport-plain').why).toEqual(['The password or token crosses the network in clear.'])
    expect(ids('warning')).not.toContain('anonymous')
    const tls = { caFile: stack().caFile, servername: 'localhost' }
    const secured = await look({ cluster: { brokers: stack().tlsBrokers.map(away), tls }, agents: {} })
    expect(secured.ids('warning')).toContain('anonymous')
    expect(secured.ids('warning')).not.toContain('transport-plain')
  })
})

test('a lease that an election outlasts, and scans too rare for an alert in time, are warnings with their figures; agents that do not act are a note', async () => {
  const { one } = await look({
    lease: { renewEvery: '3s', takeOverAfter: '10s' },
    // Of an hour, no scan of a busy machine is too much.
    observer: { interval: '1h' },
    agents: { 'consumer-guardian': { act: false } }
  })
  expect(one('acts-not')).toMatchObject({ severity: 'note', what: 'consumer-guardian: act is false, so nothing is paused' })
  expect(one('lease-short')).toMatchObject({ severity: 'warning', what: 'lease.takeOverAfter is 10 s, and electing a leader may take 11 s' })
  expect(one('lease-short').remedy).toEqual(['lease: { takeOverAfter: 22s }'])
  expect(one('mission-lag-alert')).toMatchObject({ severity: 'warning', what: expect.stringContaining('within 7200 s') })
})

test('behind something that lets no question for metadata through, what the scan would have told is unknown and not good', async () => {
  const metadata = 3
  const filter = await openKafkaFilter(stack().brokers[0]!, metadata)
  try {
    const { one, ids } = await look({ cluster: { brokers: [filter.address] }, agents: { 'consumer-guardian': { act: true } } })
    expect(ids('error')).toEqual([])
    expect(one('scan-partial').what).toContain('Metadata v12 to any broker')
    expect(ids('unknown')).toEqual(expect.arrayContaining(['owners-unknown', 'rights-unknown', 'tools-unknown', 'topics-unknown']))
    expect(ids('ok')).not.toEqual(expect.arrayContaining(['groups-owned']))
  } finally {
    await filter.close()
  }
})

test('a Redis that evicts, forgets, refuses the password or is away is told apart', async () => {
  const redis = await ownRedis(['--appendonly', 'no', '--maxmemory-policy', 'allkeys-lru'], 'hunter2-redis')
  await redis.start()
  try {
    const of = (url: string) => look({ redis: { url, queuePrefix: prefix } })
    const [bad, wrong, away] = await Promise.all([of(redis.url), of(redis.url.replace('hunter2', 'wrong')), of(`redis://127.0.0.1:${await freePort()}`)])
    expect(bad.ids('error')).toEqual(['redis-eviction'])
    expect(bad.one('redis-eviction').what).toBe('maxmemory-policy is allkeys-lru, expected noeviction')
    expect(bad.ids('warning')).toContain('redis-persistence')
    for (const command of (['redis-eviction', 'redis-persistence'] as const).map(id => bad.one(id).remedy[0]!))
      await redis.command('CONFIG', ...command.split(' ').slice(2))
    expect((await of(redis.url)).ids('ok')).toContain('redis-right')
    expect(wrong.one('redis-unreachable').what).toMatch(/WRONGPASS|NOAUTH|invalid/)
    expect(away.one('redis-unreachable').what).toContain('ECONNREFUSED')
    for (const { findings } of [bad, wrong, away]) expect(JSON.stringify(findings)).not.toContain('redis:hunter2')
    expect(away.ids('unknown')).toContain('clock-unknown')
  } finally {
    await redis.remove()
  }
})

test('quotas that somebody else set are listed, and one that slows Reeve itself is a warning', async () => {
  const foreign = { user: unique('doctor-quota') }
  await kafka.admin.alterQuotas(foreign, { producer_byte_rate: 1_000_000 })
  await kafka.admin.alterQuotas({ user: engine.username }, { consumer_byte_rate: 1_000_000_000 })
  try {
    await expect.poll(async () => (await look()).ids('warning'), { timeout: 20_000 }).toContain('quota-on-reeve')
    const { one } = await look()
    expect(one('quotas-foreign').what).toContain(`user ${foreign.user}: producer_byte_rate 1000000`)
    expect(one('quota-on-reeve').what).toContain(engine.username)
  } finally {
    await kafka.admin.alterQuotas(foreign, { producer_byte_rate: null })
    await kafka.admin.alterQuotas({ user: engine.username }, { consumer_byte_rate: null })
  }
})

test('traces of other tools are found by the names of their topics', async () => {
  const trace = `ns4kafka.${unique('doctor')}`
  made.push(trace)
  await kafka.admin.createTopics([{ name: trace, partitions: 1 }])
  await expect.poll(async () => (await look()).ids('warning'), { timeout: 20_000 }).toContain('tool-found')
  const { one } = await look()
  expect(one('tool-found', trace).what).toBe(`ns4kafka was here: ${trace}`)
  expect(one('not-visible').why[0]).toContain('Terraform')
})

test('rules of owners and holds that name nothing, a rule that an earlier one hides, and groups of nobody are counted', async () => {
  const { one } = await look({
    owners: [
      { team: 'all', channel: 'platform', groups: ['doctor-group-*'] },
      { team: 'hidden', channel: 'platform', groups: [group] },
      { team: 'typo', channel: 'platform', groups: ['paymnets-*'], topics: ['paymnets.*'] }
    ],
    limits: { holds: [{ subject: 'paymnets-*', why: 'a test' }], maxActions: 10_000, maxPercent: 100 }
  })
  expect(one('owner-idle').what).toBe('1 rule of owners matches no group and no topic: typo (paymnets-*, paymnets.*)')
  expect(one('owner-hidden').what).toContain(`hidden (${group})`)
  expect(one('hold-idle').what).toContain('paymnets-*')
  expect(one('caps-open').what).toBe('consumer-guardian may act, and the limits hold next to nothing: maxActions 10000, maxPercent 100')
  const unowned = await look({ owners: [{ team: 'typo', channel: 'platform', groups: ['paymnets-*'] }] })
  expect(unowned.one('groups-unowned').what).toMatch(/^\d+ of \d+ groups? ha(s|ve) no owner/)
  expect((await look({ owners: [] })).ids('warning')).toContain('acts-unowned')
})

describe('channels', () => {
  const notify = (channels: Parts, more: Parts = {}) => ({ notify: { platformChannel: 'platform', channels, ...more } })

  test('a channel without a way, with one that nobody answers, and two that are the same are told; nothing is posted', async () => {
    const dead = `http://127.0.0.1:${await freePort()}/services/secret-path`
    const requests = sink.requests
    const { one, ids, findings } = await look(
      notify({ platform: { slackWebhook: '' }, down: { slackWebhook: dead }, a: { slackWebhook: '${WEBHOOK}' }, b: { slackWebhook: '${WEBHOOK}' } })
    )
    expect(ids('error')).toEqual(['channel-mute', 'channel-unreachable'])
    expect(one('channel-mute').what).toBe('nothing that is said in platform can be delivered')
    expect(one('channel-unreachable').what).toMatch(
      /^channel down: Slack webhook at 127\.0\.0\.1:\d+ cannot be reached: no connection to 127\.0\.0\.1 \(ECONNREFUSED\)$/
    )
    expect(one('channels-same').what).toBe('a, b end in the same place')
    expect(JSON.stringify(findings)).not.toMatch(/secret-path|sink-platform/)
    expect(sink.requests).toBe(requests)
  })

  test('a channel that only pages is a warning: notices of less reach nobody', async () => {
    const { one } = await look(
      notify({ platform: { slackWebhook: '${WEBHOOK}' }, pager: { pagerDuty: { routingKey: 'r'.repeat(32), api: new URL(sink.webhook('x')).origin } } })
    )
    expect(one('channel-partly')).toMatchObject({ severity: 'warning', what: 'channel pager tells people only of what is at least page' })
  })

  test("the bot's token is tried by auth.test, which posts nothing; --send-test sends one message to each channel", async () => {
    const bot = (token: string) => notify({ platform: { slackChannel: 'C0PLATFORM' } }, { slack: { token, api: sink.api } })
    const before = sink.messages.length
    expect((await look(bot(sink.token))).one('channel-reached').what).toMatch(/^channel platform: Slack channel C0PLATFORM: bot .+ of .+$/)
    expect((await look(bot('not-the-token'))).one('channel-unreachable').what).toContain('invalid_auth')
    expect(sink.messages).toHaveLength(before)
    const sent = await look({}, { sendTest: true })
    expect(sent.findings.filter(({ what }) => what.includes('test message by platform/slack: delivered'))).toHaveLength(1)
    expect(sink.messages.slice(before).map(({ text }) => text)).toEqual(['Info: A test by `reeve doctor`: this channel works'])
  })
})

test('a host whose clock is forty days ahead is alone with it, and says so; an audit log that is right is as old to it', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 40 * 86_400_000 })
  try {
    const { findings, ids, one } = await look({ agents: { 'consumer-guardian': { act: true, sasl: sasl(guardian, 'GUARDIAN_PASSWORD') }, ...audited.agent() } })
    expect(ids('error')).toEqual(['clock-off', 'clocks-alone'])
    for (const id of ['audit-topic-right', 'audit-key'] as const) expect(one(id).severity).toBe('ok')
    expect(one('audit-capacity')).toMatchObject({
      severity: 'ok',
      figures: { replicas: 3, measuredOverMs: expect.any(Number), bytesPerDay: expect.any(Number), freeBytes: expect.any(Number), fullAfterMs: null },
      what: expect.stringMatching(
        / grows by \S+ k?B a day \(measured over 40 days\); ten years with 3 replicas are \S+ [kM]B; its fullest disk \(broker \d: \/\S+\) needs /
      )
    })
    expect(one('audit-anchor')).toMatchObject({ severity: 'warning', what: expect.stringContaining('lies on the volume that Reeve runs from') })
    expect(one('audit-metadata')).toMatchObject({ severity: 'note', what: `${audited.metadata.principal} may read the metadata log at 3 controllers` })
    expect(one('audit-coverage').what).toMatch(/^the authorizer log tells denials alone: kafka\.authorizer\.logger is INFO on broker 1/)
    expect(one('audit-super-users').severity).toBe('unknown')
    expect(findings.filter(({ id }) => id === 'clock-off').map(({ what }) => what)).toEqual([
      expect.stringMatching(/^the clock of broker \d \(the controller\) is 960\.0 h behind this host's$/),
      "the clock of Redis is 960.0 h behind this host's"
    ])
  } finally {
    vi.useRealTimers()
  }
})

describe('the audit log', () => {
  test('everything that is wrong with it and with what it stands on is named with the command that mends it', async () => {
    const { topic, mirror, metadata } = audited
    const other = { principal: `User:${unique('doctor-auditor')}` }
    const everything = audited.agent({
      principal: 'User:somebody-else',
      keys: [newKey(`reeve.audit/${(await kafka.admin.features()).clusterId}`).skey],
      anchors: [{ name: 'volume', outside: false, directory: { path: `/nowhere/${topic}` } }],
      metadata: { controllers: [...stack().saslControllers], sasl: audited.login(mirror) },
      logs: [
        { id: 'forwarded', content: 'request', topic: `${topic}-lines` },
        { id: 'tailed', content: 'authorizer', file: `/nowhere/${topic}.log`, host: 'broker-1' }
      ]
    })
    await Promise.all([
      kafka.admin.alterConfigs({ kind: 'topic', name: topic }, { 'retention.ms': '86400000', 'min.insync.replicas': '1' }),
      kafka.admin.createAcls([
        entry(mirror, 'delete', topic),
        entry(other, 'write', topic),
        entry(other, 'alter', 'kafka-cluster', { resourceType: 'cluster' }),
        entry(metadata, 'read', orders)
      ])
    ])
    try {
      const wrong = ['audit-anchor', 'audit-key', 'audit-metadata', 'audit-source', 'audit-strangers', 'audit-topic-settings']
      await expect.poll(async () => (await look({ agents: everything })).ids('error'), { timeout: 20_000 }).toEqual(expect.arrayContaining(wrong))
      const { one, ids } = await look({ agents: everything })
      expect(one('audit-topic-settings').what).toBe(`${topic}: retention.ms is 86400000, expected 315576000000; min.insync.replicas is 1, expected 2`)
      expect(one('audit-key').what).toContain(`is signed by ${audited.vkey}, which is none of agents.audit-mirror.policy.keys`)
      expect(one('audit-metadata').why).toEqual(expect.arrayContaining([expect.stringContaining('CLUSTER_AUTHORIZATION_FAILED')]))
      expect(one('audit-metadata-rights').what).toBe(`the metadata log is read as ${mirror.principal}, as which audit-mirror logs in too`)
      expect(one('audit-anchor').what).toContain(`the directory /nowhere/${topic} cannot be used: ENOENT`)
      expect(one('audit-source', 'forwarded').what).toBe(`source forwarded: there is no topic ${topic}-lines`)
      expect(one('audit-source', 'tailed').what).toContain('ENOENT')
      expect(one('audit-coverage', 'request').severity).toBe('warning')
      expect(one('audit-destroyers').why).toEqual(expect.arrayContaining([`${other.principal}: ALTER on the cluster`]))
      expect(one('audit-destroyers').why.join()).not.toContain(`${mirror.principal}: DELETE`)
      expect(one('audit-strangers').what).toContain(other.principal)
      expect(one('audit-writer-powers').what).toBe(`audit-mirror (${mirror.principal}) may DELETE ${topic}`)
      expect(one('audit-principal').what).toContain(mirror.principal)
      expect(ids('warning')).toEqual(expect.arrayContaining(['audit-unanchored', 'audit-writer-powers', 'audit-principal', 'audit-destroyers']))
      expect(one('audit-capacity')).toMatchObject({ severity: 'unknown', what: expect.stringContaining('it is younger than a day') })
    } finally {
      await Promise.all([revoke(other.principal), revoke(mirror.principal, { resourceName: topic, operation: kafkajs.AclOperationTypes.DELETE })])
    }
  })

  test('a topic that is missing is an error where the mirror may not make it, and where nobody answers for the metadata log that is told', async () => {
    const missing = unique('doctor-audit-missing')
    const { one } = await look({ agents: audited.agent({ topic: missing, metadata: { controllers: [`127.0.0.1:${await freePort()}`] } }) })
    expect(one('audit-topic-missing')).toMatchObject({ severity: 'error', what: `${missing}: missing, and audit-mirror may not create them` })
    expect(one('audit-metadata')).toMatchObject({ severity: 'error', what: 'the controller of policy.metadata does not answer as it should' })
  })
})

test("the commands that are printed do what they say: Kafka's own tools run them, and all is well", async () => {
  const other = unique('doctor-remedies')
  made.push(...Object.values(reeveTopics(other)))
  await Promise.all([
    revoke(guardian.principal, { resourceName: topics.control }),
    kafka.admin.createAcls([entry(engine, 'write', topics.state, { permission: 'deny', resourceType: 'transactional-id' })]),
    kafka.admin.alterConfigs({ kind: 'topic', name: topics.acks }, { 'cleanup.policy': 'delete', 'message.timestamp.type': 'CreateTime' })
  ])
  await expect.poll(async () => (await look()).ids('error'), { timeout: 20_000 }).toEqual(['right-denied', 'right-missing', 'topic-settings'])
  const { findings } = await look()
  const elsewhere = await look({ topics: { prefix: other } })
  const commands = [
    ...findings.filter(({ severity }) => severity === 'error').flatMap(({ remedy }) => remedy),
    elsewhere.one('topics-missing').remedy.find(command => command.includes(`${other}.acks`))!
  ]
  expect(commands.map(command => command.split(' ')[0])).toEqual(['kafka-acls', 'kafka-acls', 'kafka-configs', 'kafka-topics'])
  await Promise.all(commands.map(command => runRemedy(command)))
  await expect.poll(async () => (await look()).ids('error'), { timeout: 20_000 }).toEqual([])
  const plain = await examine(configuration(other))
  expect(plain.one('topics-missing').what).not.toContain(`${other}.acks`)
  expect(plain.findings.filter(({ id, what }) => id === 'topic-settings' && what.includes('.acks'))).toEqual([])
})

test('the command line: five faults at once are all named with their remedies and end with 6; without them it ends with 0', async () => {
  const file = bench.write(sound())
  const env = passwords()
  const healthy = await speak(['--config', file, 'doctor'], env)
  expect(healthy.code, healthy.out + healthy.err).toBe(0)
  expect(healthy.out).toMatch(/^main: no errors, /)

  const redis = await ownRedis(['--appendonly', 'yes', '--maxmemory-policy', 'allkeys-lru'])
  const other = { principal: `User:${unique('doctor-intruder')}` }
  await redis.start()
  try {
    await revoke(guardian.principal, { resourceName: topics.control })
    await kafka.admin.createAcls([entry(other, 'write', topics.control)])
    await kafka.admin.alterConfigs({ kind: 'topic', name: topics.state }, { 'cleanup.policy': 'delete' })
    await expect.poll(async () => (await look()).ids('error'), { timeout: 20_000 }).toEqual(['right-missing', 'topic-settings', 'topics-open'])
    const faulty = bench.write(
      sound({
        redis: { url: redis.url, queuePrefix: prefix },
        notify: { platformChannel: 'platform', channels: { platform: { slackWebhook: `http://127.0.0.1:${await freePort()}/services/x` } } }
      })
    )
    const [people, machines] = await Promise.all([speak(['--config', faulty, 'doctor'], env), speak(['--json', '--config', faulty, 'doctor'], env)])
    if (process.env['REEVE_SHOW']) console.log(`${healthy.out}\n\n=====\n\n${people.out}\n${people.err}`)
    expect([people.code, machines.code]).toEqual([6, 6])
    expect(people.err.trim()).toBe('reeve: 5 errors found')
    const { sound: isSound, clusters } = JSON.parse(machines.out) as {
      sound: boolean
      clusters: { findings: { id: string; severity: string; remedy: string[] }[] }[]
    }
    expect(isSound).toBe(false)
    const errors = clusters[0]!.findings.filter(({ severity }) => severity === 'error')
    expect(errors.map(({ id }) => id).sort()).toEqual(['channel-unreachable', 'redis-eviction', 'right-missing', 'topic-settings', 'topics-open'])
    for (const { id, remedy } of errors) {
      expect(people.out).toContain(`[error: ${id}]`)
      for (const line of remedy) expect(people.out).toContain(`→ ${line}`)
    }
    for (const secret of [engine.password, guardian.password]) expect(people.out + machines.out + people.err).not.toContain(secret)
  } finally {
    await redis.remove()
    await revoke(other.principal)
    await kafka.admin.alterConfigs({ kind: 'topic', name: topics.state }, { 'cleanup.policy': 'compact' })
    await grant()
  }
})

test('every finding that is to be provoked here was', () => {
  expect(notYetFound(import.meta.filename)).toEqual([])
})
