import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newRequest, requestRecord } from '#shared/engine/requests.ts'
import { reeveTopics } from '#shared/engine/topics.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import type { Command } from '#shared/sdk/protocol.ts'
import { configuration, guardianOf, names, type Reeve, ReeveBench } from '#test/support/reeve-process.ts'
import type { StandAt, UnderTest } from '#test/support/reeve-under-test.ts'
import { readTruth, until } from '#test/support/replica.ts'
import { superUser, unique } from '#test/support/stack.ts'
import { commitStart, startStuck, topicWithRecords } from '#test/support/stuck-consumer.ts'

const entry = join(import.meta.dirname, '../support/reeve-under-test.ts')
/** The shipped proportions, five times as fast. */
const times = { renewEveryMs: 1_000, takeOverAfterMs: 4_000, effectMustStartWithinMs: 1_000, effectDeadlineMs: 2_000 }
const bench = new ReeveBench()
let kafka: Kafka
beforeAll(async () => {
  kafka = await openKafka(superUser())
  return () => kafka.close()
})
afterAll(() => bench.close())

test(
  'kill -9 at the intent of a pause, right after it and while it is given back: it is paused once, never forgotten, and given back',
  { timeout: 300_000 },
  async () => {
    const prefix = unique('guardian')
    const topics = reeveTopics(prefix)
    const groupId = unique('guardian-group')
    const topic = unique('guardian-records')
    await topicWithRecords(kafka, topic, 1_000)
    await commitStart(superUser(), groupId, topic)
    const owners = [{ team: 'ours', channel: 'platform', criticality: 'high', groups: [groupId] }]
    const file = bench.write(configuration(prefix, { owners, agents: { 'consumer-guardian': guardianOf([groupId]) } }))
    const start = (standAt: StandAt | null) => bench.start(file, { entry, argument: { standAt, clockOffsetMs: 0, times } satisfies UnderTest })
    const commands = async () => {
      const { control, ...rest } = await readTruth(kafka, prefix)
      const [latest] = [...control].filter(([key]) => key.endsWith(`/${groupId}`)).map(([, values]) => values)
      return { ...rest, commands: (latest ?? []).map(value => JSON.parse(value) as Command) }
    }
    const verdictIs = (reeve: Reeve, fits: (verdict: { state: string; why: string }) => boolean) => async () =>
      (await reeve.ready())?.agents['consumer-guardian']?.verdicts.some(verdict => verdict.subject === groupId && fits(verdict)) === true

    const first = start({ step: 'intended', when: 'do' })
    await first.leads()
    const consumer = startStuck({ connection: superUser('guardian-consumer'), groupId, topics: [topic], prefix })
    try {
      await first.said('stands at the intent', ({ stands }) => stands === 'intended', 120_000)
      await first.kill()
      expect((await commands()).commands).toEqual([])
      expect([...(await commands()).state.entries('intent/')]).toHaveLength(1)

      const second = start({ step: 'acted', when: 'do' })
      await second.said('stands after the pause', ({ stands }) => stands === 'acted', 120_000)
      await second.kill()
      const paused = await commands()
      expect(paused.commands.map(({ state }) => state)).toEqual(['paused'])
      // Nothing says yet that it was done: only the intent.
      expect(paused.standing).toEqual([])

      const third = start({ step: 'acted', when: 'undo' })
      await until('the pause is found', async () => (await commands()).standing.length === 1, 60_000)
      await until(
        'every member holds',
        verdictIs(third, ({ state, why }) => state === 'paused' && why.endsWith('; verified')),
        60_000
      )
      consumer.fix()
      const appender = await kafka.openAppender(unique('say'))
      await appender.fence()
      await appender.append([requestRecord(topics.requests, newRequest('fixed', groupId, 'ann', 'a test', Date.now()))])
      await appender.close()
      await third.said('stands at the giving back', ({ stands }) => stands === 'acted', 60_000)
      await third.kill()

      const last = start(null)
      await until('nothing stands', async () => (await commands()).standing.length === 0, 60_000)
      await until('it reads again', () => consumer.handled() === 1_000, 60_000)
      await until(
        'it is watched',
        verdictIs(last, ({ state }) => state === 'fine' || state === 'trial'),
        60_000
      )
      const { commands: all, state, journal } = await commands()
      expect(all.map(({ state: said }) => said)).toEqual(['paused', 'running'])
      expect(all[1]!.commandId).toBe(`${all[0]!.commandId}/undo`)
      expect([...state.entries('intent/')]).toEqual([])
      const outcomes = journal.filter(({ kind }) => kind === 'healed' || kind === 'outcome')
      expect(outcomes.map(({ kind, what }) => `${kind} ${what.slice(what.lastIndexOf(': ') + 2)}`)).toEqual(['healed not-done', 'healed done', 'healed done'])
      expect(state.get('lease')).toMatchObject({ epoch: 4 })
      await last.stop()
    } finally {
      await consumer.kill()
      const { topics: seen } = await kafka.admin.scan({ atMs: 0 })
      for (const name of [topic, ...names(topics)]) if (seen.has(name)) await kafka.admin.deleteTopicById(seen.get(name)!.topicId)
    }
  }
)
