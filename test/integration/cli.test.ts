import { rootCertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newRequest } from '#shared/engine/requests.ts'
import { reeveTopics, topicSettings } from '#shared/engine/topics.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { controlKey } from '#shared/sdk/protocol.ts'
import { pauseKey } from '#agents/consumer-guardian/actions.ts'
import { configuration, guardianOf, names, type Parts, type Reeve, ReeveBench, speak, type Spoken } from '#test/support/reeve-process.ts'
import { freePort } from '#test/support/redis.ts'
import { readTruth, until } from '#test/support/replica.ts'
import { stack, superUser, unique } from '#test/support/stack.ts'
import { commitStart, type Consumer, startStuck, topicWithRecords } from '#test/support/stuck-consumer.ts'

const bench = new ReeveBench()
const secret = 'hunter2-is-no-password'
let kafka: Kafka
beforeAll(async () => {
  kafka = await openKafka(superUser())
  return () => kafka.close()
})
afterAll(() => bench.close())

const stackTraceLine = /^\s+at .*[(:]\d+/m

/** What every refusal has in common: one JSON object for machines, the same for people, and nothing that helps nobody. */
function refusal(spoken: Spoken, code: number, secrets: readonly string[] = [secret]): { error: string; details: string[] } {
  const { out, err } = spoken
  expect(spoken.code, `${out}${err}`).toBe(code)
  expect(out.trimEnd().split('\n')).toHaveLength(1)
  const { error, details, exitCode } = JSON.parse(out) as { error: string; details: string[]; exitCode: number }
  expect(exitCode).toBe(code)
  expect(err).toContain(error)
  for (const detail of details) expect(err).toContain(detail)
  expect(err).not.toMatch(stackTraceLine)
  for (const each of secrets) expect(out + err).not.toContain(each)
  return { error, details }
}

describe('a cluster that does not let Reeve in', () => {
  const scram = (username: string) => ({ mechanism: 'SCRAM-SHA-512', username, password: '${TEST_PASSWORD}' })
  const connect = async (cluster: Parts, password = secret) => {
    const file = bench.write(configuration(unique('cli'), { cluster }))
    return refusal(await speak(['--json', '--config', file, 'config', 'check', '--connect'], { TEST_PASSWORD: password }), 4, [password])
  }

  test('nobody listens at the address', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const { error, details } = await connect({ brokers: [address] })
    expect(error).toMatch(new RegExp(`^Kafka at ${address}: .*ECONNREFUSED.*; check cluster\\.brokers and the network`))
    expect(details).toEqual([])
  })
  test('the name of the broker is unknown', async () => {
    expect((await connect({ brokers: ['no-such-host.invalid:9092'] })).error).toMatch(
      /^Kafka at no-such-host\.invalid:9092: .*(ENOTFOUND|EAI_AGAIN).*; check cluster\.brokers/
    )
  })
  test('the password is wrong', async () => {
    const { error } = await connect({ brokers: stack().saslBrokers, sasl: scram('admin') })
    expect(error).toMatch(/SASL_AUTHENTICATION_FAILED; check the mechanism, user and password in cluster\.sasl$/)
    expect(error).toContain(stack().saslBrokers.join(', '))
  })
  test('the listener asks for a user, and none is given', async () => {
    expect((await connect({ brokers: stack().saslBrokers })).error).toMatch(/cluster\.sasl/)
  })
  test('the authority of the broker is not among those of Node', async () => {
    const { error } = await connect({ brokers: stack().tlsBrokers, tls: { servername: 'localhost' } })
    expect(error).toMatch(/certificate.*; check cluster\.tls: the authority in caFile/)
  })
  test('the authority of the broker is not the one in caFile', async () => {
    const caFile = bench.write(rootCertificates[0]!)
    expect((await connect({ brokers: stack().tlsBrokers, tls: { caFile, servername: 'localhost' } })).error).toMatch(/certificate.*; check cluster\.tls/)
  })
  test("the broker's certificate is for another name", async () => {
    expect((await connect({ brokers: stack().tlsBrokers, tls: { caFile: stack().caFile, servername: 'elsewhere.example' } })).error).toMatch(
      /certificate.*; check cluster\.tls: .*the name in servername/
    )
  })
  test('a TLS listener is spoken to in plain, and a plain one in TLS', async () => {
    const [plain, encrypted] = await Promise.all([
      connect({ brokers: stack().tlsBrokers }),
      connect({ brokers: stack().brokers, tls: { caFile: stack().caFile, servername: 'localhost' } })
    ])
    for (const { error } of [plain, encrypted]) expect(error).toMatch(/; check cluster\.tls: .*this listener speaks TLS$/)
  })
  test('a principal without rights hears which topic it lacks, and which list of rights to grant', async () => {
    const password = stack().principals['nobody']!
    const prefix = unique('cli-nobody')
    const file = bench.write(configuration(prefix, { cluster: { brokers: stack().saslBrokers, sasl: scram('nobody') } }))
    for (const words of [['run'], ['plan'], ['journal'], ['halt']]) {
      const { error } = refusal(await speak(['--json', '--config', file, ...words], { TEST_PASSWORD: password }), 4, [password])
      expect(error).toMatch(new RegExp(`${prefix}\\.\\w+.*TOPIC_AUTHORIZATION_FAILED.*; grant the right: deploy/acls\\.md`))
    }
  })
})

describe('a configuration with mistakes', () => {
  const check = async (text: string) => refusal(await speak(['--json', '--config', bench.write(text), 'run'], { TEST_PASSWORD: secret }), 3)

  test('all of them come at once, each with its place and line', async () => {
    const { error, details } = await check(`version: 1
cluster: { brokers: ['\${REEVE_TEST_UNSET}'], sasl: { mechanism: SCRAM-SHA-512, username: a, password: '\${TEST_PASSWORD}' } }
redis: { url: 'redis://:${secret}@127.0.0.1:1', turbo: yes }
observer: { interval: soonish }
lease: { renewEvery: '-5s' }
notify: { platformChannel: platform, channels: { platform: { slackWebhook: 'http://${secret}.example/' } } }
agents: { consumer-guardian: { policy: { lagFor: 1 fortnight, lagMesages: 5 } } }
`)
    expect(error).toMatch(/has 7 mistakes$/)
    expect(details.map(detail => detail.slice(0, detail.indexOf(':'))).toSorted()).toEqual(
      [
        'agents.consumer-guardian.policy.lagFor (line 7)',
        'agents.consumer-guardian.policy.lagMesages (line 7)',
        'cluster.brokers[0] (line 2)',
        'lease.renewEvery (line 5)',
        'notify.channels.platform.slackWebhook (line 6)',
        'observer.interval (line 4)',
        'redis.turbo (line 3)'
      ].toSorted()
    )
    expect(details.find(detail => detail.includes('REEVE_TEST_UNSET'))).toContain('the environment has no variable REEVE_TEST_UNSET')
    expect(details.find(detail => detail.includes('lagMesages'))).toContain('did you mean lagMessages?')
    expect(details.find(detail => detail.includes('soonish'))).toContain('expected a duration such as 30s')
  })
  test('text that is no YAML, and a file that is not there', async () => {
    const { details } = await check('version: 1\ncluster: { brokers: [a\n  b: - c\n')
    for (const detail of details) expect(detail).toMatch(/\(line \d\): not YAML/)
    const missing = refusal(await speak(['--json', '--config', '/nowhere/reeve.yaml', 'run']), 3)
    expect(missing.details).toEqual([expect.stringContaining('/nowhere/reeve.yaml cannot be read: ENOENT')])
  })
})

test.each([
  { words: ['fly'], says: /unknown command 'fly'/ },
  { words: ['explain', 'broker', 'x'], says: /Allowed choices are group, topic/ },
  { words: ['journal', '--since', 'never'], says: /--since never: expected a duration/ },
  { words: ['halt', '--wait', 'soonish'], says: /--wait soonish: expected a duration/ },
  { words: ['release'], says: /--all/ }
])('wrong words are refused before anything is connected: reeve $words', async ({ words, says }) => {
  const file = bench.write(configuration('nobody-asks', { cluster: { brokers: ['127.0.0.1:1'] } }))
  expect(refusal(await speak(['--json', '--config', file, ...words]), 2).error).toMatch(says)
})

describe('a running Reeve', () => {
  const prefix = unique('cli')
  const topic = unique('cli-records')
  const tag = unique('odd')
  const oddName = `płatności/50% "off" ${tag} \\ ☕ \u001b[31mred`
  const dashed = `-rf ${tag}`
  const idle = `--all/../${tag}`
  let file = ''
  let withoutRedis = ''
  let reeve: Reeve
  const consumers: Consumer[] = []
  const reeveSays = (...words: string[]) => speak(['--config', file, ...words])
  const states = async () => new Map((await reeve.ready())?.agents['consumer-guardian']?.verdicts.map(({ subject, state }) => [subject, state]))
  const standing = async () => (await readTruth(kafka, prefix)).standing

  beforeAll(async () => {
    await topicWithRecords(kafka, topic, 1_000)
    for (const groupId of [oddName, dashed, idle]) await commitStart(superUser(), groupId, topic)
    const parts = {
      // This test is one person.
      approvals: { otherPerson: false },
      owners: [{ team: 'cli', channel: 'platform', criticality: 'high', groups: [`*${tag}*`] }],
      agents: { 'consumer-guardian': guardianOf([`*${tag}*`]) }
    }
    file = bench.write(configuration(prefix, parts))
    withoutRedis = bench.write(configuration(prefix, { ...parts, redis: { url: 'redis://127.0.0.1:1' } }))
    reeve = bench.start(file)
    await reeve.leads()
    for (const groupId of [oddName, dashed]) consumers.push(startStuck({ connection: superUser('cli-consumer'), groupId, topics: [topic], prefix }))
    for (const consumer of consumers) await consumer.heard('waiting')
  }, 180_000)
  afterAll(async () => {
    await reeve?.kill()
    await Promise.all(consumers.map(consumer => consumer.kill()))
    const { topics } = await kafka.admin.scan({ atMs: 0 })
    for (const name of [topic, ...names(reeveTopics(prefix))]) if (topics.has(name)) await kafka.admin.deleteTopicById(topics.get(name)!.topicId)
  })

  test('is explained, halted without Redis, and gives back what is asked for, whatever a group is called', { timeout: 300_000 }, async () => {
    await until('both stuck groups are paused', async () => (await standing()).length === 2, 120_000)
    expect((await standing()).every(key => /^consumer-guardian\/pause\/[A-Za-z0-9%._~!*'()-]+\/\d+$/.test(key))).toBe(true)

    for (const name of [oddName, dashed, idle]) {
      const explained = await reeveSays('--json', 'explain', 'group', '--', name)
      expect(explained.code, explained.err).toBe(0)
      const found = JSON.parse(explained.out.split('\n')[0]!) as { verdict: { subject: string; state: string } }[]
      expect(found.map(({ verdict }) => verdict.subject)).toEqual([name])
      expect(found[0]!.verdict.state).toBe(name === idle ? 'told' : 'paused')
    }
    const forPeople = await reeveSays('plan')
    expect(forPeople.code, forPeople.err).toBe(0)
    expect(forPeople.out).toContain('☕')
    // A name must not paint the terminal of whoever reads it.
    expect(forPeople.out).not.toContain('\u001b[31m')
    const unknown = refusal(await reeveSays('--json', 'explain', 'group', 'no such group'), 5)
    expect(unknown.error).toBe('no agent knows a group "no such group" in the last observation')

    const halted = await speak(['--config', withoutRedis, 'halt', '--why', 'a test'])
    expect(halted.code, halted.err).toBe(0)
    expect(halted.out).toContain('asked: halt')
    expect((await readTruth(kafka, prefix)).state.get('halt')).toMatchObject({ why: 'a test' })
    expect(await standing()).toHaveLength(2)

    consumers[0]!.fix()
    const resumed = await reeveSays('--json', 'resume', '--fixed', '--why', 'a new release', '--', oddName)
    expect(resumed.code, resumed.err).toBe(0)
    expect(JSON.parse(resumed.out)).toMatchObject({ request: { kind: 'fixed', subject: oddName, why: 'a new release' } })
    await until('it is given back', async () => (await standing()).length === 1, 60_000)
    await until('it reads again', () => consumers[0]!.handled() === 1_000, 60_000)

    const journal = await reeveSays('--json', 'journal', '--subject', oddName)
    const entries = journal.out
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { kind: string; what: string })
    expect(entries.filter(({ kind, what }) => kind === 'outcome' && what.endsWith(': done'))).toHaveLength(2)

    const lifted = await speak(['--json', '--config', withoutRedis, 'halt', '--lift'])
    expect(lifted.code, lifted.err).toBe(0)
    expect((await readTruth(kafka, prefix)).state.get('halt')).toBeUndefined()

    const released = await reeveSays('--json', 'release', '--all')
    expect(released.code, released.err).toBe(0)
    expect(JSON.parse(released.out)).toEqual({ givenBack: [expect.stringContaining(encodeURIComponent(dashed))] })
    expect((await readTruth(kafka, prefix)).state.get('halt')).toMatchObject({ why: expect.stringContaining('release --all') as string })
    await until('nothing is held', async () => (await states()).get(dashed) !== 'paused', 60_000)
    expect(reeve.printed()).not.toMatch(/"level":"error"/)
  })
})

test('what stands is given back by `release --all` itself where no replica runs', { timeout: 180_000 }, async () => {
  const prefix = unique('cli-alone')
  const topics = reeveTopics(prefix)
  const { clusterId } = await kafka.admin.features()
  await kafka.admin.createTopics(topicSettings(topics, 3))
  const groupId = unique('cli-gone')
  const key = pauseKey(groupId, 1)
  const { atMs } = newRequest('halt', '', '', '', Date.now())
  const pause = {
    kind: 'pause',
    clusterId,
    groupId,
    incidentStartMs: 1,
    cause: 'stuckBehind',
    commandId: key,
    issuedAtMs: atMs,
    untilMs: atMs + 600_000,
    ttlMs: 600_000,
    lossAtMs: 'never',
    owner: 'cli',
    why: 'a test'
  }
  const record = (at: string, name: string, value: object) => ({ topic: at, partition: 0, key: Buffer.from(name), value: Buffer.from(JSON.stringify(value)) })
  const appender = await kafka.openAppender(topics.state)
  await appender.fence()
  await appender.append([
    record(topics.state, 'format', { version: 1 }),
    record(topics.state, 'head', { sequence: 1, epoch: 1 }),
    record(topics.state, 'lease', { holder: 'gone', epoch: 1, renewedAtMs: atMs, released: true }),
    record(topics.state, `standing/${key}`, {
      key,
      agent: 'consumer-guardian',
      action: pause,
      describe: `pause group ${groupId}`,
      appliedAtMs: atMs,
      evidence: null
    }),
    record(topics.control, controlKey({ clusterId, groupId }), {
      version: 1,
      commandId: key,
      state: 'paused',
      issuedAtMs: atMs,
      untilMs: pause.untilMs,
      ttlMs: pause.ttlMs,
      reason: 'a test',
      issuer: 'test'
    })
  ])
  await appender.close()

  const file = bench.write(configuration(prefix, { redis: { url: 'redis://127.0.0.1:1' } }))
  const halted = refusal(await speak(['--json', '--config', file, 'halt', '--wait', '1s']), 5)
  expect(halted.error).toMatch(/no replica took it up yet: it counts as soon as one leads/)
  const released = await speak(['--config', file, 'release', '--all'])
  expect(released.code, released.err).toBe(0)
  expect(released.out).toContain(`given back: pause group ${groupId}`)
  expect(released.out).toContain(
    'nothing stands any more (1 given back); Reeve is halted, and another person must lift it (approvals.otherPerson): reeve halt --lift\n'
  )
  const { standing, control, state } = await readTruth(kafka, prefix)
  expect(standing).toEqual([])
  expect(control.get(controlKey({ clusterId, groupId }))!.map(value => (JSON.parse(value) as { state: string }).state)).toEqual(['paused', 'running'])
  expect(state.get('lease')).toMatchObject({ released: true })
  const { topics: seen } = await kafka.admin.scan({ atMs: 0 })
  for (const name of names(topics)) await kafka.admin.deleteTopicById(seen.get(name)!.topicId)
})
