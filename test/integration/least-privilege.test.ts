import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aclsOf } from '#deploy/local/acls.ts'
import { newRequest, requestRecord } from '#shared/engine/requests.ts'
import { reeveTopics, topicSettings } from '#shared/engine/topics.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { AclEntry, Kafka } from '#shared/kafka/ports.ts'
import { configuration, guardianOf, names, type Reeve, ReeveBench } from '#test/support/reeve-process.ts'
import { readTruth, until } from '#test/support/replica.ts'
import { revoke } from '#test/support/scram-user.ts'
import { as, stack, superUser, unique } from '#test/support/stack.ts'
import { commitStart, type Consumer, startStuck, topicWithRecords } from '#test/support/stuck-consumer.ts'

const prefix = unique('least')
const topic = unique('least-records')
const [obeying, unwritable, hidden] = [unique('least-obeying'), unique('least-unwritable'), unique('least-hidden')]
const groups = [obeying, unwritable, hidden]
const bench = new ReeveBench()
const consumers: Consumer[] = []
let kafka: Kafka
let reeve: Reeve
/** Lines of the authorizers' logs before this file began. */
let before: ReadonlySet<string> = new Set()

beforeAll(async () => {
  kafka = await openKafka(superUser())
  await topicWithRecords(kafka, topic, 1_000)
  // The documents' "not needed where somebody made them" is for the engine's CREATE; a consumer may start before Reeve does.
  await kafka.admin.createTopics(topicSettings(reeveTopics(prefix), 3))
  await kafka.admin.createAcls([
    ...aclsOf('engine', 'User:reeve-engine', prefix),
    ...aclsOf('consumer-guardian', 'User:reeve-consumer-guardian', prefix),
    ...aclsOf('governed-consumer', 'User:app', prefix),
    rule('app', 'topic', topic, 'read'),
    ...groups.map(group => rule('app', 'group', group, 'read'))
  ])
  for (const group of [obeying, unwritable]) await commitStart(superUser(), group, topic)
  before = new Set(authorizerLines())
  const sasl = (username: string) => ({ mechanism: 'SCRAM-SHA-512', username, password: `\${${variable(username)}}` })
  const file = bench.write(
    configuration(prefix, {
      cluster: { brokers: stack().saslBrokers, sasl: sasl('reeve-engine') },
      owners: [{ team: 'ours', channel: 'platform', criticality: 'high', groups }],
      agents: { 'consumer-guardian': { ...guardianOf(groups), sasl: sasl('reeve-consumer-guardian') } }
    })
  )
  reeve = bench.start(file, { env: Object.fromEntries(['reeve-engine', 'reeve-consumer-guardian'].map(name => [variable(name), stack().principals[name]!])) })
  await reeve.leads()
}, 180_000)

afterAll(async () => {
  await bench.close()
  await Promise.all(consumers.map(consumer => consumer.kill()))
  const { topics } = await kafka.admin.scan({ atMs: 0 })
  for (const name of [topic, ...names(reeveTopics(prefix))]) if (topics.has(name)) await kafka.admin.deleteTopicById(topics.get(name)!.topicId)
  await kafka.close()
  await revokeAll()
})

/** A right that is denied to these principals would make holes in the looks of whoever comes next. */
async function revokeAll(): Promise<void> {
  await Promise.all(['reeve-engine', 'reeve-consumer-guardian', 'app'].map(user => revoke(`User:${user}`)))
}

function rule(
  user: string,
  resourceType: AclEntry['resourceType'],
  resourceName: string,
  operation: string,
  permission: AclEntry['permission'] = 'allow'
): AclEntry {
  return { resourceType, resourceName, pattern: 'literal', principal: `User:${user}`, host: '*', operation, permission }
}
function variable(username: string): string {
  return `TEST_PASSWORD_${username.toUpperCase().replaceAll('-', '_')}`
}
function authorizerLines(): string[] {
  const logs = join(process.env['REEVE_TEST_STACK']!, '../logs')
  return readdirSync(logs)
    .filter(name => name.endsWith('-authorizer.log'))
    .flatMap(name => readFileSync(join(logs, name), 'utf8').split('\n'))
}
/** What was refused to Reeve's principals and to the consumers since this file began. */
function refusals(): string[] {
  return authorizerLines().filter(line => !before.has(line) && /User:(reeve-engine|reeve-consumer-guardian|app) is Denied/.test(line))
}
async function start(groupId: string): Promise<Consumer> {
  const consumer = startStuck({ connection: as('app'), groupId, topics: [topic], prefix })
  consumers.push(consumer)
  await consumer.heard('waiting')
  return consumer
}
const guardian = async () => (await reeve.ready())?.agents['consumer-guardian']
const verdict = async (groupId: string) => (await guardian())?.verdicts.find(({ subject }) => subject === groupId)
const commandsFor = async (groupId: string) =>
  [...(await readTruth(kafka, prefix)).control]
    .filter(([key]) => key.endsWith(`/${groupId}`))
    .flatMap(([, values]) => values.map(value => (JSON.parse(value) as { state: string }).state))

test(
  'with the documented rights and no other it leads, sees all, pauses, hears the owner and gives back, and no broker refuses it anything',
  { timeout: 240_000 },
  async () => {
    const consumer = await start(obeying)
    await until('a whole look', async () => ((await guardian())?.observation.sequence ?? 0) > 1 && (await guardian())?.unseen.length === 0, 60_000)
    await until('it is paused, and every member holds', async () => (await verdict(obeying))?.why.endsWith('; verified') === true, 120_000)
    expect(await commandsFor(obeying)).toEqual(['paused'])
    consumer.fix()
    const appender = await kafka.openAppender(unique('say'))
    await appender.fence()
    await appender.append([requestRecord(reeveTopics(prefix).requests, newRequest('fixed', obeying, 'ann', 'a test', Date.now()))])
    await appender.close()
    await until('it reads again', () => consumer.handled() === 1_000, 60_000)
    expect(await commandsFor(obeying)).toEqual(['paused', 'running'])
    expect(refusals()).toEqual([])
    expect(authorizerLines().filter(line => line.includes('User:reeve-') && /CLUSTER_ACTION/.test(line))).toEqual([])
    expect(reeve.printed()).not.toMatch(/"level":"error"/)
  }
)

test('without its right to write commands the guardian says so, and the consumer goes on', { timeout: 180_000 }, async () => {
  await kafka.admin.createAcls([rule('reeve-consumer-guardian', 'topic', `${prefix}.control`, 'write', 'deny')])
  await start(unwritable)
  const outcomes = async () => (await readTruth(kafka, prefix)).journal.filter(({ kind, subject }) => kind === 'outcome' && subject.includes(unwritable))
  await until('a pause was tried', async () => (await outcomes()).length > 0, 120_000)
  const [outcome] = await outcomes()
  expect(outcome!.what).toMatch(/: not-done$/)
  expect(JSON.stringify(outcome!.facts)).toMatch(/TOPIC_AUTHORIZATION_FAILED/)
  expect(await commandsFor(unwritable)).toEqual([])
  expect((await readTruth(kafka, prefix)).standing.filter(key => key.includes(unwritable))).toEqual([])
  expect((await reeve.ready())?.role).toBe('leader')
})

test('a group that the engine may not describe is said to be unseen, and nothing is done to it', { timeout: 180_000 }, async () => {
  await kafka.admin.createAcls([rule('reeve-engine', 'group', hidden, 'describe', 'deny')])
  await commitStart(superUser(), hidden, topic)
  await start(hidden)
  await until(
    'it is said',
    async () => (await guardian())?.unseen.some(({ id, why }) => id === hidden && why.includes('GROUP_AUTHORIZATION_FAILED')) === true,
    60_000
  )
  const { sequence } = (await guardian())!.observation
  // Longer than a group has to stand still before it is paused.
  await until('it has looked often enough', async () => ((await guardian())?.observation.sequence ?? 0) > sequence + 5, 120_000)
  expect((await verdict(hidden))?.state ?? 'unknown').toBe('unknown')
  expect(await commandsFor(hidden)).toEqual([])
})
