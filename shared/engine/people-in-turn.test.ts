import { expect, test } from 'vitest'
import { fakeKafka } from '#test/support/fake-kafka.ts'
import { openLimits, readTruth, startReplica, until } from '#test/support/replica.ts'
import { toyAgent, type Wishes } from '#test/support/toy-agent.ts'
import type { PersonRequest } from './agent.ts'
import { newRequest, requestRecord } from './requests.ts'
import { reeveTopics } from './topics.ts'

/** Whole turns of a replica over a cluster in memory, and a person who speaks to it. */
async function world(limits = openLimits) {
  const kafka = fakeKafka()
  const wishes: Wishes = { mark: new Set(), undo: new Set(), tell: new Set() }
  const bench = await startReplica({
    kafka,
    prefix: 'reeve',
    agent: toyAgent(wishes),
    settings: { limits },
    approvals: { otherPerson: true, proven: false, keys: () => [] }
  })
  await until('it leads', () => bench.replica.leadership?.ready === true)
  const { requests } = reeveTopics('reeve')
  const writer = await kafka.openAppender('a person')
  await writer.fence()
  const truth = () => readTruth(kafka, 'reeve')
  return {
    wishes,
    bench,
    truth,
    async turn() {
      await bench.tick('observer')
      await bench.tick('toy')
    },
    async say(kind: PersonRequest['kind'], subject: string, who: string) {
      const request = newRequest(kind, subject, who, 'because', Date.now())
      await writer.append([requestRecord(requests, request)])
      await until('it is heard', async () => (await truth()).journal.some(entry => entry.subject === request.id))
    },
    refusals: async () => (await truth()).journal.flatMap(({ kind, what }) => (kind === 'refused' ? [what] : []))
  }
}

test.concurrent('what is appealed against is not done until somebody answers, whatever the agent decides', async () => {
  const { wishes, bench, turn, say, truth, refusals } = await world()
  await say('appeal', 'settle', 'ann')
  wishes.mark.add('settle').add('other')
  await turn()
  expect((await truth()).standing).toEqual(['toy/mark/other/0'])
  expect(await refusals()).toEqual(['mark settle: refused, settle is held (settle): ann appealed: because'])
  await say('dismiss', 'settle', 'bob')
  await turn()
  expect((await truth()).standing.toSorted()).toEqual(['toy/mark/other/0', 'toy/mark/settle/0'])
  await until('the platform was told', () => bench.delivered.length === 2)
  expect(bench.delivered.map(({ severity, resolved, channel }) => [severity, resolved, channel])).toEqual([
    ['page', false, null],
    ['info', true, null]
  ])
  await bench.stop()
})

test.concurrent('a plan that waits for two turns is told once with what to approve, and whoever asked for it does not approve it', async () => {
  const { wishes, bench, turn, say, truth } = await world({ ...openLimits, maxActions: 0 })
  wishes.mark.add('settle')
  await say('fixed', 'settle', 'ann')
  await turn()
  expect([...(await truth()).state.entries('notice/')]).toEqual([])
  await turn()
  await turn()
  await until('it is told', () => bench.delivered.length > 0)
  const [notice, ...more] = bench.delivered
  expect(more).toEqual([])
  expect(notice).toMatchObject({ title: 'toy: 1 action waits for an approval', asks: ['approve'], answer: `reeve approve ${notice!.subject}` })
  await say('approve', notice!.subject!, 'ann')
  await turn()
  expect((await truth()).standing).toEqual([])
  await say('approve', notice!.subject!, 'bob')
  await turn()
  expect((await truth()).standing).toEqual(['toy/mark/settle/0'])
  await bench.stop()
})
