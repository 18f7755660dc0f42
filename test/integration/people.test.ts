import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openIdentityProvider, type IdentityProvider } from '#deploy/local/identity-provider.ts'
import { openSlackSink, type SlackSink } from '#deploy/local/slack-sink.ts'
import { scopeOf } from '#shared/engine/seal.ts'
import { reeveTopics } from '#shared/engine/topics.ts'
import { newNonce, signTicket } from '#shared/http/tokens.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { configuration, names, type Reeve, ReeveBench, speak } from '#test/support/reeve-process.ts'
import { readTruth, until } from '#test/support/replica.ts'
import { superUser, unique } from '#test/support/stack.ts'

const prefix = unique('people')
const topics = reeveTopics(prefix)
const key = 'a key of at least 32 characters .'
const signingSecret = 'a signing secret'
const bench = new ReeveBench()
let kafka: Kafka
let sink: SlackSink
let provider: IdentityProvider
let file: string
let env: Record<string, string>

beforeAll(async () => {
  kafka = await openKafka(superUser())
  sink = await openSlackSink()
  provider = await openIdentityProvider({ ann: 'a', bob: 'b' }, 'reeve')
  env = { TEST_LINK_KEY: key, TEST_SLACK_TOKEN: sink.token, TEST_SIGNING_SECRET: signingSecret }
  file = bench.write(
    configuration(prefix, {
      notify: {
        platformChannel: 'platform',
        slack: { token: '${TEST_SLACK_TOKEN}', signingSecret: '${TEST_SIGNING_SECRET}', api: sink.api },
        channels: { platform: { slackChannel: 'C0PLATFORM' } }
      },
      http: { port: 0, keys: ['${TEST_LINK_KEY}'], oidc: { issuer: provider.issuer, audience: 'reeve', jwksUrl: provider.jwksUrl } }
    })
  )
})
afterAll(async () => {
  await bench.close()
  await Promise.all([sink.close(), provider.close()])
  const { topics: found } = await kafka.admin.scan({ atMs: 0 })
  for (const name of names(topics)) if (found.has(name)) await kafka.admin.deleteTopicById(found.get(name)!.topicId)
  await kafka.close()
})

const addressOf = (reeve: Reeve): string => `http://${String(reeve.lines.find(({ http }) => typeof http === 'string')!['http'])}`

test('a link at one replica counts once at the leader, whoever leads after it; who set the kill switch does not lift it', { timeout: 120_000 }, async () => {
  const { clusterId } = await kafka.admin.features()
  const token = (kind: 'appeal' | 'snooze', subject: string) =>
    signTicket({ cluster: scopeOf(clusterId, topics), kind, subject, expMs: Date.now() + 600_000, nonce: newNonce() }, [key])
  const first = bench.start(file, { env })
  await first.leads()
  const second = bench.start(file, { env })
  await until('the standby listens', async () => (await second.ready())?.role === 'standby', 30_000)

  const appeal = token('appeal', 'settle')
  const press = async (at: Reeve) => {
    const response = await fetch(`${addressOf(at)}/v1/links/${appeal}`, { method: 'POST', body: new URLSearchParams({ why: 'it is ours' }) })
    return [response.status, await response.text()] as const
  }
  expect((await fetch(`${addressOf(second)}/v1/links/${appeal}`)).status).toBe(200)
  expect((await readTruth(kafka, prefix)).state.get('appeal/settle')).toBeUndefined()
  expect(await press(second)).toEqual([200, expect.stringMatching(/link \S+, by link, asked: appeal settle \(it is ours\)/)])
  await until('Slack has it', () => sink.messages.length === 1)
  expect(sink.messages[0]).toMatchObject({ channel: 'C0PLATFORM', text: expect.stringContaining('appeals: leave settle alone') })
  expect(await press(first)).toEqual([409, expect.stringContaining('this link or button was used before')])

  await first.stop()
  await second.leads()
  expect(await press(second)).toEqual([409, expect.stringContaining('this link or button was used before')])

  const bearer = async (who: string, secret: string) => {
    const headers = { authorization: `Basic ${Buffer.from(`${who}:${secret}`).toString('base64')}` }
    const response = await fetch(provider.tokenEndpoint, { method: 'POST', headers, body: new URLSearchParams({ grant_type: 'client_credentials' }) })
    return ((await response.json()) as { access_token: string }).access_token
  }
  const say = async (who: string, secret: string, body: object) => {
    const headers = { authorization: `Bearer ${await bearer(who, secret)}`, 'content-type': 'application/json' }
    const response = await fetch(`${addressOf(second)}/v1/requests`, { method: 'POST', headers, body: JSON.stringify(body) })
    return [response.status, ((await response.json()) as { said: string }).said] as const
  }
  expect(await say('ann', 'a', { kind: 'halt', why: 'a test' })).toEqual([200, 'Taken.'])
  expect(await say('ann', 'a', { kind: 'unhalt', why: 'a test' })).toEqual([
    409,
    'Refused: oidc:ann set the kill switch, so another person must lift it (approvals.otherPerson).'
  ])
  expect(await say('bob', 'b', { kind: 'unhalt', why: 'a test' })).toEqual([200, 'Taken.'])

  const spoken = await speak(['--config', file, 'snooze', 'nothing', '--for', '2h'], env)
  expect([spoken.code, spoken.err]).toEqual([1, 'reeve: refused: no notice of an incident nothing is known\n'])

  const body = new URLSearchParams({
    payload: JSON.stringify({ type: 'block_actions', user: { id: 'U0ANN', username: 'ann' }, actions: [{ value: token('appeal', 'other') }] })
  }).toString()
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const signature = `v0=${createHmac('sha256', signingSecret).update(`v0:${timestamp}:${body}`).digest('hex')}`
  const pressed = await fetch(`${addressOf(second)}/v1/slack`, {
    method: 'POST',
    body,
    headers: { 'x-slack-request-timestamp': timestamp, 'x-slack-signature': signature }
  })
  expect(pressed.status).toBe(200)
  await until('it is taken', async () => (await readTruth(kafka, prefix)).state.get('appeal/other') !== undefined)
  const { journal } = await readTruth(kafka, prefix)
  expect(journal.map(({ what }) => what)).toContain('slack:U0ANN, by slack, asked: appeal other (ann pressed a button in Slack)')
  expect(second.printed() + first.printed()).not.toMatch(new RegExp([key, signingSecret, sink.token, appeal].join('|')))
  await second.stop()
})
