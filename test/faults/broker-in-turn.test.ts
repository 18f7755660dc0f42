import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import { reeveTopics } from '#shared/engine/topics.ts'
import { Cluster } from '#shared/kafka/cluster.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { faultStack } from '#test/support/appender-fault-plan.ts'
import { leaderOf, whole } from '#test/support/appender-faults.ts'
import { startChild } from '#test/support/child-replica.ts'
import { configuration, guardianOf, ReeveBench } from '#test/support/reeve-process.ts'
import { readTruth, until } from '#test/support/replica.ts'
import { superUser, unique } from '#test/support/stack.ts'
import { commitStart, startStuck, topicWithRecords } from '#test/support/stuck-consumer.ts'

const bench = new ReeveBench()
let stack: LocalStack
let cluster: Cluster
let kafka: Kafka
beforeAll(async () => {
  stack = await startStack(faultStack)
  process.env['REEVE_TEST_STACK'] = stack.file
  const connection = { brokers: stack.description.brokers, clientId: 'broker-in-turn', requestTimeoutMs: 5_000 }
  cluster = new Cluster(connection)
  kafka = await openKafka(connection)
}, 300_000)
afterAll(async () => {
  await bench.close()
  await kafka?.close()
  await cluster?.close()
  await stack?.stop()
})

const whoLeads = {
  'the leader of the state topic': (prefix: string) => leaderOf(cluster, reeveTopics(prefix).state, 0),
  "the transaction's coordinator": async (prefix: string) => {
    const id = reeveTopics(prefix).state
    let node: number | undefined
    await until('a coordinator', async () => (node = (await cluster.coordinators('transaction', [id])).of.get(id)) !== undefined)
    return node!
  }
}
/** While a broker is down a look at the topics may fail, and is repeated. */
const truth = (prefix: string) => readTruth(kafka, prefix).catch(() => null)

describe.each(Object.keys(whoLeads) as (keyof typeof whoLeads)[])('%s is killed', victim => {
  test.each(['intended', 'acted'])('while a turn stands at %s: one effect, its outcome recorded, nothing open', async standAt => {
    const prefix = unique('broker')
    const child = startChild({ brokers: stack.description.brokers, redisUrl: stack.description.redisUrl, prefix, holder: 'only', standAt })
    try {
      child.say({ mark: 'a' })
      await child.heard(`stands at ${standAt}`, ({ at }) => at === standAt, 90_000)
      const node = `node-${await whoLeads[victim](prefix)}`
      await stack.stopNode(node, 'SIGKILL')
      child.say({ go: true })
      await until('the mark stands, with a broker down', async () => (await truth(prefix))?.standing.includes('toy/mark/a/0') === true, 120_000)
      const turns = child.lines.filter(({ tick, error }) => tick === 'toy' && error === undefined).length
      await until('turns go on', () => child.lines.filter(({ tick, error }) => tick === 'toy' && error === undefined).length > turns + 2, 60_000)
      await stack.startNode(node)
      for (const topic of [reeveTopics(prefix).state, reeveTopics(prefix).control, reeveTopics(prefix).journal]) await whole(cluster, topic)
      const { control, journal, state } = await readTruth(kafka, prefix)
      expect(control.get('a')).toEqual(['marked'])
      expect(journal.filter(({ kind, what }) => (kind === 'outcome' || kind === 'healed') && what.endsWith(': done'))).toHaveLength(1)
      expect([...state.entries('intent/')]).toEqual([])
    } finally {
      await child.kill()
    }
  })
})

test('while a broker is down each look says what it did not see and nothing is paused; once all is well for as long as a group must stand still, it is', async () => {
  const windowMs = 5_000
  const prefix = unique('broker-guardian')
  const topic = unique('broker-records')
  const single = unique('broker-single')
  const groupId = unique('broker-group')
  await topicWithRecords(kafka, topic, 1_000)
  await kafka.admin.createTopics([{ name: single, partitions: 3, replicationFactor: 1 }])
  await commitStart(superUser(), groupId, topic)
  const owners = [{ team: 'ours', channel: 'platform', criticality: 'high', groups: [groupId] }]
  const reeve = bench.start(bench.write(configuration(prefix, { owners, agents: { 'consumer-guardian': guardianOf([groupId]) } })))
  await reeve.leads(90_000)
  const guardian = async () => (await reeve.ready())?.agents['consumer-guardian']
  const lost = await leaderOf(cluster, single, 0)
  await stack.stopNode(`node-${lost}`, 'SIGKILL')
  const consumer = startStuck({ connection: superUser('broker-consumer'), groupId, topics: [topic], prefix })
  try {
    await consumer.heard('waiting', 120_000)
    await until(
      'it says what it does not see',
      async () => (await guardian())?.unseen.some(({ kind, id }) => kind === 'partition' && id === `${single}-0`) === true,
      90_000
    )
    const { sequence } = (await guardian())!.observation
    await until('it has looked for far longer than the window', async () => ((await guardian())?.observation.sequence ?? 0) > sequence + 10, 180_000)
    const during = (await guardian())!
    expect(during.unseen.map(({ kind, id }) => `${kind} ${id}`)).toContain(`partition ${single}-0`)
    expect(during.verdicts.find(({ subject }) => subject === groupId)?.why).toMatch(/broker \d was not seen/)
    expect((await readTruth(kafka, prefix)).journal.filter(({ kind }) => kind === 'intent')).toEqual([])

    const startedAtMs = Date.now()
    await stack.startNode(`node-${lost}`)
    await until('it is paused', async () => ((await truth(prefix))?.standing.length ?? 0) === 1, 120_000)
    const [intent] = (await readTruth(kafka, prefix)).journal.filter(({ kind }) => kind === 'intent')
    expect(intent!.atMs - startedAtMs).toBeGreaterThanOrEqual(windowMs)
  } finally {
    await consumer.kill()
  }
}, 600_000)
