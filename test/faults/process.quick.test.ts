import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSlackSink } from '#deploy/local/slack-sink.ts'
import { reeveTopics } from '#shared/engine/topics.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { configuration, guardianOf, names, ReeveBench } from '#test/support/reeve-process.ts'
import { ownRedis } from '#test/support/redis.ts'
import { readTruth, until } from '#test/support/replica.ts'
import { superUser, unique } from '#test/support/stack.ts'
import { commitStart, startStuck, topicWithRecords } from '#test/support/stuck-consumer.ts'

const bench = new ReeveBench()
const made: string[] = []
let kafka: Kafka
beforeAll(async () => {
  kafka = await openKafka(superUser())
})
afterAll(async () => {
  await bench.close()
  const { topics } = await kafka.admin.scan({ atMs: 0 })
  for (const name of made) if (topics.has(name)) await kafka.admin.deleteTopicById(topics.get(name)!.topicId)
  await kafka.close()
})

/** A topic with records that a group has a commit on, and the names of Reeve's own topics. */
async function ground(what: string) {
  const prefix = unique(what)
  const topic = unique(`${what}-records`)
  const groupId = unique(`${what}-group`)
  made.push(topic, ...names(reeveTopics(prefix)))
  await topicWithRecords(kafka, topic, 1_000)
  return { prefix, topic, groupId, owners: [{ team: 'ours', channel: 'ours', criticality: 'critical', groups: [groupId] }] }
}

test.concurrent(
  'without Redis, then with one that evicts, it says so and leads on; what Slack refuses is shown as failed and comes in order, once',
  { timeout: 300_000 },
  async () => {
    const { prefix, topic, groupId, owners } = await ground('process')
    const redis = await ownRedis(['--maxmemory-policy', 'allkeys-lru', '--appendonly', 'no'])
    const slack = await openSlackSink()
    await slack.goDown()
    try {
      await commitStart(superUser(), groupId, topic)
      const file = bench.write(
        configuration(prefix, {
          owners,
          notify: { platformChannel: 'ours', channels: { ours: { slackWebhook: '${TEST_WEBHOOK}' } } },
          agents: { 'consumer-guardian': guardianOf([groupId], { pauseOn: [], executiveAfter: '12s' }) }
        })
      )
      const webhook = slack.webhook('ours')
      const reeve = bench.start(file, { env: { TEST_REDIS_URL: redis.url, TEST_WEBHOOK: webhook } })
      await reeve.leads()
      await reeve.said(
        'that Redis is away',
        ({ level, msg, redis: place }) =>
          level === 'warn' && String(msg).startsWith('Redis is away: turns come from the local timer') && place === `127.0.0.1:${redis.port}`
      )
      const sequence = async () => (await reeve.ready())?.agents['consumer-guardian']?.observation.sequence ?? 0
      await until('turns go on without Redis', async () => (await sequence()) >= 3, 60_000)
      expect(await reeve.ready()).toMatchObject({ role: 'leader', queue: { connected: false, degraded: true } })

      const notices = async () => {
        const { state, journal } = await readTruth(kafka, prefix)
        const outbox = [...state.entries('notice/')].map(
          ([, value]) =>
            value as unknown as { state: string; attempts: number; lastError: string | null; createdAtMs: number; notice: { title: string; severity: string } }
        )
        return {
          outbox: outbox.toSorted((one, other) => one.createdAtMs - other.createdAtMs),
          told: journal.filter(({ kind }) => kind === 'notice').map(({ what }) => what)
        }
      }
      await until(
        'the first notice is shown as failed',
        async () => (await notices()).outbox.some(({ state, lastError }) => state === 'failed' && lastError !== null),
        60_000
      )
      await until('a second one waits behind it', async () => (await notices()).outbox.length >= 2, 90_000)
      const { told } = await notices()
      expect(told.filter(what => /: not delivered \(ours\/slack, attempt \d+\): channel ours: /.test(what))).not.toEqual([])
      expect(told.filter(what => what.includes(': delivered'))).toEqual([])
      slack.mood({ status: 429, retryAfter: '2' })
      await slack.comeBack()
      await until('Slack asked to wait', () => slack.requests > 0, 90_000)
      await until('it is shown', async () => (await notices()).told.some(what => what.includes('429')), 30_000)
      expect((await notices()).outbox[1]).toMatchObject({ state: 'pending', attempts: 0 })
      const refused = slack.requests
      expect(slack.messages).toEqual([])
      slack.mood('ok')

      await redis.start()
      await reeve.said('that Redis is not set as it should be', ({ level, msg }) => level === 'warn' && msg === 'Redis is not set as it should be')
      const { queue } = (await reeve.ready())!
      expect(queue.findings.map(({ what, level, found }) => `${what} ${level} ${found}`)).toEqual(
        expect.arrayContaining(['maxmemory-policy refuse allkeys-lru', 'appendonly warn no'])
      )
      expect(queue.degraded).toBe(true)
      const before = await sequence()
      await until('turns go on with it', async () => (await sequence()) > before + 1, 60_000)

      await until('all were delivered', async () => (await notices()).outbox.every(({ state }) => state === 'delivered'), 120_000)
      const { outbox } = await notices()
      expect(outbox.map(({ notice }) => notice.severity).slice(0, 2)).toEqual(['warning', 'executive'])
      expect(outbox[0]!.attempts).toBeGreaterThan(2)
      const said = slack.messages.map(({ lines }) => lines[0])
      expect(said).toHaveLength(outbox.length)
      outbox.forEach(({ notice }, index) => expect(said[index]).toContain(notice.title))
      expect(slack.requests).toBe(refused + outbox.length)
      // The address of a webhook is a secret.
      expect(reeve.printed()).not.toContain(new URL(webhook).pathname)
      await reeve.stop()
      expect(reeve.child.exitCode).toBe(0)
    } finally {
      await slack.close()
      await redis.remove()
    }
  }
)

test.concurrent(
  'a killed leader is followed within 30 s by the other replica, and after a gap nothing is paused before its windows have run again',
  { timeout: 300_000 },
  async () => {
    const windowMs = 20_000
    const { prefix, topic, groupId, owners } = await ground('replicas')
    const channels = { platformChannel: 'ours', channels: { ours: { slackWebhook: '' } } }
    const windows = { lagFor: `${windowMs / 1_000}s`, noProgressFor: `${windowMs / 1_000}s` }
    const file = bench.write(configuration(prefix, { owners, notify: channels, agents: { 'consumer-guardian': guardianOf([groupId], windows) } }))
    const first = bench.start(file)
    await first.leads()
    const second = bench.start(file)
    await until('the other stands by', async () => (await second.ready())?.role === 'standby', 60_000)
    await commitStart(superUser(), groupId, topic)
    const consumer = startStuck({ connection: superUser('replicas-consumer'), groupId, topics: [topic], prefix })
    try {
      await consumer.heard('waiting')
      await first.kill()
      const killedAt = performance.now()
      await second.leads()
      expect(performance.now() - killedAt).toBeLessThan(30_000)
      expect((await readTruth(kafka, prefix)).state.get('lease')).toMatchObject({ epoch: 2, released: false })

      const looked = async () => (await second.ready())?.agents['consumer-guardian']?.verdicts.some(({ subject }) => subject === groupId) === true
      await until('it has seen the group', looked, 60_000)
      await second.stop()
      // More than two intervals in which nobody looked.
      await sleep(6_000)
      const third = bench.start(file)
      await third.leads()
      const paused = async () => (await readTruth(kafka, prefix)).journal.filter(({ kind, what }) => kind === 'intent' && what.includes(groupId))
      await until('it is paused', async () => (await paused()).length > 0, 120_000)
      const { journal } = await readTruth(kafka, prefix)
      const leads = journal.filter(({ kind, what }) => kind === 'leadership' && what.includes(' leads in epoch '))
      expect(leads.map(({ epoch }) => epoch)).toEqual([1, 2, 3])
      const intents = await paused()
      expect(intents.map(({ epoch }) => epoch)).toEqual([3])
      expect(intents[0]!.atMs - leads[2]!.atMs).toBeGreaterThanOrEqual(windowMs)
    } finally {
      await consumer.kill()
    }
  }
)
