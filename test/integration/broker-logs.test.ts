import { Kafka, logLevel } from 'kafkajs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KAFKA_PATTERN } from '#shared/broker-logs/layout.ts'
import {
  eventRules,
  openLogFormat,
  readBrokerLogLine,
  type AuthorizerLine,
  type BrokerLogLine,
  type LogFormat,
  type LoginLine
} from '#shared/broker-logs/line.ts'
import { Tail } from '#shared/broker-logs/tail/tail.ts'
import { as, stack, unique } from '#test/support/stack.ts'

const format = openLogFormat({ layout: KAFKA_PATTERN, timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone })
const tails = [1, 2, 3].map(
  node =>
    new Tail({
      host: `node-${node}`,
      path: join(stack().logs, `node-${node}-authorizer.log`),
      ...eventRules(format)
    })
)

const serverFormat = { ...format, content: 'server' as const }
const serverLog = new Tail({ host: 'node-1', path: join(stack().logs, 'node-1.log'), ...eventRules(serverFormat) })

/** What the brokers have logged since the last call. */
async function logged(from: readonly Tail[] = tails, lineFormat: LogFormat = format): Promise<BrokerLogLine[]> {
  const lines: BrokerLogLine[] = []
  for (const tail of from) {
    for (let more = true; more;) {
      const batch = await tail.poll()
      expect(batch.notices).toEqual([])
      lines.push(...batch.entries.map(entry => readBrokerLogLine(lineFormat, entry)))
      more = batch.more
    }
  }
  return lines
}

/** The first line that fits, of those that come. */
async function heard(fits: (line: BrokerLogLine) => boolean, from: readonly Tail[] = tails, lineFormat: LogFormat = format): Promise<BrokerLogLine> {
  for (;;) {
    const found = (await logged(from, lineFormat)).find(fits)
    if (found !== undefined) return found
    await Promise.race(from.map(tail => tail.waitForChange(100)))
  }
}

// The logs of brokers in containers are inside them.
describe.skipIf(stack().nodes.length === 0)("the authorizer's log of running brokers", () => {
  const { brokers, sasl } = as('nobody')
  const nobody = new Kafka({
    brokers: [...brokers],
    clientId: 'refused',
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    sasl: { mechanism: 'scram-sha-512', username: sasl.username, password: sasl.password }
  })
  const admin = nobody.admin()
  beforeAll(() => admin.connect())
  afterAll(async () => {
    await admin.disconnect()
    await Promise.all([...tails, serverLog].map(tail => tail.close()))
  })

  test('whatever other clients were refused is read', async () => {
    const lines = await logged()
    const unread = lines.filter(line => line.kind === 'unparsed' && line.flaws.length === 0 && line.reason !== 'layout')
    expect(unread).toEqual([])
  })

  test('a refused read is there with who, what, where and when', async () => {
    const topic = unique('refused')
    const startedMs = Date.now()
    await expect(admin.fetchTopicMetadata({ topics: [topic] })).rejects.toThrow(/not authorized/i)
    const line = (await heard(each => each.kind === 'authorizer' && each.resourceName === topic)) as AuthorizerLine
    expect(line).toMatchObject({
      principal: 'User:nobody',
      allowed: false,
      accessAsked: true,
      operation: 'DESCRIBE',
      address: '127.0.0.1',
      resourceType: 'Topic',
      request: 'Metadata',
      rule: 'DefaultDeny',
      forgeable: true,
      time: { timeCertainty: 'zoned' }
    })
    expect(line.time.atMs).toBeGreaterThan(startedMs - 1_000)
    expect(line.time.atMs).toBeLessThan(Date.now() + 1_000)
  })

  test('a name with a line break is one event, and one that looks like a whole line is marked as forgeable', async () => {
    const broken = `${unique('two')}\nlines`
    await expect(admin.fetchTopicMetadata({ topics: [broken] })).rejects.toThrow(/not authorized/i)
    expect(await heard(each => each.kind === 'authorizer' && each.resourceName === broken)).toMatchObject({ principal: 'User:nobody', request: 'Metadata' })
    const claimed = unique('claimed')
    const end = ' for request = Fetch with resourceRefCount = 1 based on rule'
    const forged = `[2026-11-21 20:11:21,123] INFO Principal = User:admin is Allowed operation = READ from host = 10.0.0.1 on resource = Topic:LITERAL:${claimed}${end} SuperUser (kafka.authorizer.logger)`
    await expect(admin.fetchTopicMetadata({ topics: [`x${end} DefaultDeny (kafka.authorizer.logger)\n${forged}\n`] })).rejects.toThrow(/not authorized/i)
    expect(await heard(each => each.kind === 'authorizer' && each.resourceName === claimed)).toMatchObject({
      principal: 'User:admin',
      allowed: true,
      forgeable: true
    })
  })

  test('a login with a wrong password is there with where from and how, and nothing else that a broker writes is', async () => {
    const [broker] = brokers
    const before = await logged([serverLog], serverFormat)
    expect(before.length).toBeGreaterThan(100)
    expect(before.filter(({ kind }) => kind !== 'other' && kind !== 'login')).toEqual([])
    const wrong = { mechanism: 'scram-sha-512', username: sasl.username, password: 'not-its-password' } as const
    const login = new Kafka({ brokers: [broker!], clientId: 'wrong', logLevel: logLevel.NOTHING, retry: { retries: 0 }, sasl: wrong }).admin()
    const startedMs = Date.now()
    await expect(login.connect()).rejects.toThrow(/invalid credentials/)
    const line = (await heard(each => each.kind === 'login' && each.listener === broker, [serverLog], serverFormat)) as LoginLine
    expect(line).toMatchObject({ succeeded: false, address: '127.0.0.1', mechanism: 'SCRAM-SHA-512', reason: 'invalid-credentials', listenerType: 'BROKER' })
    expect(line.time.atMs).toBeGreaterThan(startedMs - 1_000)
  })
})
