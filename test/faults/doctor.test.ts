import { appendFile, chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { policySchema } from '#agents/audit-mirror/policy.ts'
import { rights } from '#agents/audit-mirror/rights.ts'
import { aclsOf } from '#deploy/local/acls.ts'
import { output } from '#deploy/local/commands.ts'
import { renderProperties } from '#deploy/local/node-properties.ts'
import { brokerReady } from '#deploy/local/readiness.ts'
import type { LocalProcess } from '#deploy/local/service.ts'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import { createAuditTopic } from '#shared/audit-log/topic.ts'
import { newKey } from '#shared/credentials/signer.ts'
import { aclsFor } from '#shared/engine/rights.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { AclEntry } from '#shared/kafka/ports.ts'
import { compilePlugins, plugins } from '#test/support/broker-plugins.ts'
import { examine, notYetFound, runRemedy } from '#test/support/doctor.ts'
import { format, startNode } from '#test/support/other-kafka.ts'
import { freePort, ownRedis } from '#test/support/redis.ts'
import { configuration, type Parts } from '#test/support/reeve-process.ts'
import { commitStart } from '#test/support/stuck-consumer.ts'

const readyMs = 60_000
/** The only machines that an old enough redis-server was published for. */
const oldRedis = process.platform === 'linux' && process.arch === 'x64'
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reeve-doctor-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const at = (brokers: readonly string[], parts: Parts = {}) => examine(configuration('reeve', { cluster: { brokers }, ...parts }))
const clientAt = (brokers: readonly string[]) => ({ brokers, clientId: 'doctor' })
const nodeFolder = (stack: LocalStack, id: number) => join(dirname(stack.file), `node-${id}`)

test('a rolling upgrade from Kafka 4.1.1 to 4.4.0 is seen while it lasts, and until its features are raised by the command that is printed', async () => {
  const stack = await startStack({ nodes: 2, heapMb: 256, kafkaVersion: '4.1.1' })
  const upgraded: LocalProcess[] = []
  onTestFinished(async () => {
    await Promise.all(upgraded.map(node => node.stop('SIGKILL')))
    await stack.stop()
  })
  const { brokers } = stack.description
  const upgrade = async (id: number) => {
    await stack.stopNode(`node-${id}`, 'SIGKILL')
    upgraded.push(await startNode({ folder: nodeFolder(stack, id), kafkaVersion: '4.4.0', onStart: pid => stack.adopt(pid) }))
    for (const [index, broker] of brokers.entries()) await brokerReady(clientAt([broker]), index + 1, readyMs)
  }
  expect((await at(brokers)).findings.filter(({ id }) => /^(?:version|upgrade)-/.test(id))).toEqual([])

  await upgrade(1)
  const during = await at(brokers)
  expect(during.one('version-mixed').what).toBe('the brokers are of different releases: 4.4 (1), 4.1 (2)')
  expect(during.ids('note')).not.toContain('upgrade-unfinished')

  await upgrade(2)
  const after = await at(brokers)
  expect(after.ids('warning')).not.toContain('version-mixed')
  expect(after.one('upgrade-unfinished').what).toBe('metadata.version is 27, the brokers support 33')
  const [command] = after.one('upgrade-unfinished').remedy
  await runRemedy(command!, brokers)
  await expect.poll(async () => (await at(brokers)).ids('note'), { timeout: 20_000 }).not.toContain('upgrade-unfinished')
})

test('a Kafka 3.7.2 is told by what it does not understand, and is let in all the same', async () => {
  const [broker, controller] = [await freePort(), await freePort()]
  const old = { folder: join(folder, 'old'), kafkaVersion: '3.7.2' }
  await mkdir(old.folder)
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(old.folder, 'data')
  }
  await writeFile(join(old.folder, 'node.properties'), renderProperties(properties))
  await format(old)
  const node = await startNode(old)
  onTestFinished(() => node.stop('SIGKILL'))
  const address = `127.0.0.1:${broker}`
  await brokerReady(clientAt([address]), 1, readyMs)
  const { one, ids } = await at([address])
  expect(one('request-unknown').what).toMatch(/^broker 1 does not understand 7 requests of Reeve's: Produce v11 \(it has v0 to v10\), FindCoordinator v6/)
  expect(one('version-untested').what).toBe('Kafka 3.7 on broker 1: Reeve is tested with 4.1 to 4.4')
  expect(one('transactions-old').remedy).toEqual(['upgrade every broker to Kafka 4.0 or later'])
  expect(ids('error')).not.toContain('cluster-unreachable')
  expect(one('scan-partial').why.join()).toContain('ListGroups v5 to broker 1')
})

test('brokers with plug-ins, with clocks that run ahead, with settings of their own and at last with one of them gone', async () => {
  const stack = await startStack({ nodes: 3, heapMb: 256, kafkaVersion: '4.1.1' })
  const nodes: LocalProcess[] = []
  onTestFinished(async () => {
    await Promise.all(nodes.map(node => node.stop('SIGKILL')))
    await stack.stop()
  })
  const { brokers } = stack.description
  const classes = join(folder, 'classes')
  await compilePlugins('4.1.1', classes)
  const changed = {
    ...plugins,
    'offsets.topic.replication.factor': '1',
    'default.replication.factor': '1',
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500'
  }
  for (const id of [1, 2, 3]) {
    await stack.stopNode(`node-${id}`, 'SIGKILL')
    const own = id === 2 ? { 'replica.lag.time.max.ms': '20000' } : {}
    await appendFile(join(nodeFolder(stack, id), 'node.properties'), renderProperties({ ...changed, ...own }))
  }
  for (const id of [1, 2, 3])
    nodes.push(
      await startNode({
        folder: nodeFolder(stack, id),
        kafkaVersion: '4.1.1',
        classes,
        jvm: ['-Dclock.ahead.ms=7200000'],
        onStart: pid => stack.adopt(pid)
      })
    )
  for (const [index, broker] of brokers.entries()) await brokerReady(clientAt([broker]), index + 1, readyMs)

  const kafka = await openKafka(clientAt(brokers))
  onTestFinished(() => kafka.close())
  const offsets = (await kafka.admin.scan({ atMs: 0 })).topics.get('__consumer_offsets')!
  await kafka.admin.deleteTopicById(offsets.topicId)
  await kafka.admin.createTopics([{ name: 'reeve.journal', partitions: 6, configs: { 'message.timestamp.type': 'LogAppendTime' } }])
  const appender = await kafka.openAppender('doctor')
  await appender.fence()
  await appender.append([0, 1, 2, 3, 4, 5].map(partition => ({ topic: 'reeve.journal', partition, key: Buffer.from('key'), value: Buffer.from('value') })))
  await appender.close()

  // With eligible leader replicas (KIP-966) what a broker's file says of this does not count.
  const insync = '--alter --entity-type brokers --entity-default --add-config min.insync.replicas=1'
  await runRemedy(`kafka-configs --bootstrap-server . --command-config . ${insync}`, brokers)
  // Kafka makes its topic again for the first group, as it is set now.
  await commitStart(clientAt(brokers), 'shipping', 'reeve.journal')
  await expect.poll(async () => (await at(brokers)).ids('warning'), { timeout: readyMs }).toContain('internal-replication')
  const { one, ids, findings } = await at(brokers)
  expect(one('internal-replication').what).toBe('__consumer_offsets has 1 replica on 3 brokers')
  expect(one('authorizer-foreign').what).toBe("the brokers' authorizer is plugins.SomeAuthorizer")
  const { 'authorizer.class.name': _, ...others } = plugins
  expect(findings.filter(({ id }) => id === 'plugin-found').map(({ what }) => what)).toEqual(
    Object.entries(others).map(([setting, value]) => `${setting} is ${value}`)
  )
  expect(one('settings-differ').what).toBe('the brokers differ: replica.lag.time.max.ms is 30000 on 1, 20000 on 2, 30000 on 3')
  expect(one('replication-default').what).toBe('default.replication.factor is 1 on 3 brokers')
  expect(one('min-isr-default').what).toBe('min.insync.replicas is 1')
  const ahead = findings.filter(({ id, severity }) => id === 'clock-off' && severity === 'error').map(({ what }) => what)
  expect(ahead.toSorted()).toEqual([
    ...[1, 2].map(() => expect.stringMatching(/^broker \d leads a partition whose newest record is stamped (?:1\.9|2\.0) h ahead of this host's clock$/)),
    expect.stringMatching(/^the clock of broker \d \(the controller\) is 2\.0 h ahead of this host's$/)
  ])
  expect(ids('error')).not.toContain('clocks-alone')

  await nodes[2]!.stop('SIGKILL')
  await expect.poll(async () => (await at(brokers)).ids('error'), { timeout: 30_000 }).toContain('broker-down')
  expect((await at(brokers)).one('broker-down').what).toBe('broker 3 is down or fenced')
})

test.skipIf(!oldRedis)('a Redis 2.8 is refused by its version', async () => {
  const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.0:copy'
  await output(['mvn', '-B', '-q', plugin, '-Dartifact=it.ozimov:embedded-redis:0.7.3', `-DoutputDirectory=${folder}`], { cwd: folder })
  const program = 'redis-server-2.8.19'
  await output(['jar', 'xf', join(folder, 'embedded-redis-0.7.3.jar'), program], { cwd: folder })
  await chmod(join(folder, program), 0o755)
  const redis = await ownRedis(['--maxmemory-policy', 'noeviction', '--appendonly', 'yes'], '', join(folder, program))
  await redis.start()
  onTestFinished(() => redis.remove())
  const { one, ids } = await examine(configuration('reeve', { redis: { url: redis.url } }))
  expect(one('redis-version')).toMatchObject({ severity: 'error', what: 'Redis is 2.8.19, expected 6.2 or later' })
  expect(ids('error')).not.toContain('redis-unreachable')
})

test("the commands that are printed for an audit log do what they say: Kafka's own tools run them, and all is well", async () => {
  const stack = await startStack({ nodes: 1, heapMb: 256 })
  onTestFinished(() => stack.stop())
  const { brokers, saslBrokers, saslControllers, principals } = stack.description
  const kafka = await openKafka(clientAt(brokers))
  onTestFinished(() => kafka.close())
  const login = (username: string) => ({ mechanism: 'SCRAM-SHA-512', username, password: principals[username] })
  const topic = 'audit.platform-operations'
  const lines = { id: 'lines', content: 'authorizer', topic: 'lines' } as const
  const policy = {
    principal: 'User:reeve-audit-mirror',
    hashKey: 'x'.repeat(32),
    keys: [newKey(`reeve.audit/${(await kafka.admin.features()).clusterId}`).skey],
    metadata: { controllers: [...saslControllers], sasl: login('reeve-metadata') },
    logs: [lines, { ...lines, id: 'requests', content: 'request' }],
    anchors: [{ directory: { path: folder } }]
  }
  const look = async () => {
    const content = at(saslBrokers, {
      cluster: { brokers: [...saslBrokers], sasl: login('reeve-engine') },
      redis: { url: stack.description.redisUrl },
      agents: { 'audit-mirror': { sasl: login('reeve-audit-mirror'), policy } }
    })
    const { findings, one } = await content
    return { one, wrong: findings.filter(({ area, severity }) => area === 'audit' && severity !== 'ok') }
  }
  const entry = (principal: string, operation: string, more: Partial<AclEntry> = {}): AclEntry => ({
    resourceType: 'topic',
    resourceName: topic,
    pattern: 'literal',
    principal,
    host: '*',
    operation,
    permission: 'allow',
    ...more
  })
  /** `left` are those of them of which a note stays. */
  const mend = async (ids: readonly string[], left: string) => {
    const commands = (await look()).wrong.filter(({ id }) => ids.includes(id)).flatMap(({ remedy }) => remedy.filter(line => line.startsWith('kafka-')))
    expect(commands.length).toBeGreaterThan(0)
    for (const command of commands) await runRemedy(command, brokers)
    const remaining = async () => (await look()).wrong.filter(({ id }) => ids.includes(id)).map(({ severity, id }) => `${severity} ${id}`)
    await expect.poll(remaining, { timeout: 20_000 }).toEqual([left])
  }
  await kafka.admin.createTopics([{ name: 'lines', partitions: 1 }])
  const needed = rights(policySchema.parse({ logs: [lines] })).filter(({ operation }) => operation !== 'create')
  await kafka.admin.createAcls([
    ...aclsOf('engine', 'User:reeve-engine'),
    ...aclsOf('doctor', 'User:reeve-engine'),
    ...aclsFor(needed, 'User:reeve-audit-mirror')
  ])
  await expect.poll(async () => (await look()).wrong.map(({ severity, id }) => `${severity} ${id}`), { timeout: 20_000 }).toContain('error audit-topic-missing')

  await mend(['audit-topic-missing', 'audit-metadata', 'audit-coverage'], 'note audit-metadata')
  await Promise.all([
    kafka.admin.alterConfigs({ kind: 'topic', name: topic }, { 'retention.ms': '1000', 'compression.type': 'lz4', 'cleanup.policy': 'compact' }),
    kafka.admin.createAcls([
      entry('User:reeve-audit-mirror', 'delete'),
      entry('User:exact', 'delete'),
      entry('User:wide', 'alter', { resourceName: '*' }),
      entry('User:all', 'all', { resourceName: 'audit', pattern: 'prefixed' }),
      entry('User:cluster', 'alter', { resourceType: 'cluster', resourceName: 'kafka-cluster' }),
      entry('User:writer', 'write'),
      entry('User:thief', 'write', { resourceType: 'transactional-id', resourceName: '*' }),
      entry('User:reeve-metadata', 'read', { resourceName: 'lines' })
    ])
  ])
  const wrong = ['audit-destroyers', 'audit-metadata-rights', 'audit-strangers', 'audit-topic-settings', 'audit-writer-powers']
  await expect.poll(async () => (await look()).wrong.map(({ id }) => id), { timeout: 20_000 }).toEqual(expect.arrayContaining(wrong))
  expect((await look()).one('audit-destroyers').severity).toBe('warning')
  await mend(wrong, 'note audit-destroyers')
})

test('a topic that no ACL names is told to be open where everybody may do what no ACL allows, and closed by the ACLs that are printed', async () => {
  const stack = await startStack({ nodes: 1, heapMb: 256, properties: { 'allow.everyone.if.no.acl.found': 'true' } })
  onTestFinished(() => stack.stop())
  const { brokers, saslBrokers, principals } = stack.description
  const kafka = await openKafka(clientAt(brokers))
  onTestFinished(() => kafka.close())
  await createAuditTopic(kafka.admin, 'audit.platform-operations', 1)
  const app = { mechanism: 'SCRAM-SHA-512', username: 'app', password: principals['app'] }
  const open = async () =>
    (
      await at(saslBrokers, { cluster: { brokers: [...saslBrokers], sasl: app }, agents: { 'audit-mirror': { policy: { principal: 'User:app' } } } })
    ).findings.filter(({ id }) => id === 'audit-open')
  expect((await open()).map(({ severity }) => severity)).toEqual(['unknown'])
  // An ACL elsewhere tells that it is not a super user who looks.
  const acl = {
    resourceType: 'topic',
    resourceName: 'reeve.acks',
    pattern: 'literal',
    principal: 'User:x',
    host: '*',
    operation: 'read',
    permission: 'allow'
  } as const
  await kafka.admin.createAcls([acl])
  await expect.poll(async () => (await open()).map(({ severity }) => severity), { timeout: 20_000 }).toEqual(['error'])
  for (const command of (await open())[0]!.remedy.filter(line => line.startsWith('kafka-acls')))
    await runRemedy(command.replace("'User:<reader>'", 'User:reader'), brokers)
  await expect.poll(async () => (await open()).length, { timeout: 20_000 }).toBe(0)
})

test('every finding that is to be provoked here was', () => {
  expect(notYetFound(import.meta.filename)).toEqual(oldRedis ? [] : ['redis-version'])
})
