import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reeveTopics } from '#shared/engine/topics.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { configuration, guardianOf, names, ReeveBench, speak } from '#test/support/reeve-process.ts'
import { readTruth, until } from '#test/support/replica.ts'
import { javaOutput, stack, superUser, unique } from '#test/support/stack.ts'
import { commitStart, topicWithRecords } from '#test/support/stuck-consumer.ts'

// The cluster is worked on: declared by the operator, or seen because partitions move.

const bench = new ReeveBench()
const folder = mkdtempSync(join(tmpdir(), 'reeve-maintenance-'))
const prefix = unique('maintenance')
const moving = unique('maintenance-moving')
const topic = unique('maintenance-records')
const group = unique('maintenance-group')
let kafka: Kafka

beforeAll(async () => {
  kafka = await openKafka(superUser())
  await kafka.admin.createTopics([{ name: moving, partitions: 1, replicationFactor: 1, configs: {} }])
  // More than a follower fetches before a throttle counts.
  const load = ['--topic', moving, '--num-records', '8000', '--record-size', '1000', '--throughput', '-1']
  await javaOutput('org.apache.kafka.tools.ProducerPerformance', [...load, '--producer-props', `bootstrap.servers=${stack().brokers.join(',')}`])
  await topicWithRecords(kafka, topic, 1_000)
  await commitStart(superUser(), group, topic)
}, 60_000)
afterAll(async () => {
  await bench.close()
  rmSync(folder, { recursive: true })
  const { topics } = await kafka.admin.scan({ atMs: 0 })
  for (const name of [moving, topic, ...names(reeveTopics(prefix))]) if (topics.has(name)) await kafka.admin.deleteTopicById(topics.get(name)!.topicId)
  await kafka.close()
})

test('in a declared window a group that stands still is told to nobody, visibly, and after it to its owner', { timeout: 120_000 }, async () => {
  const windowMs = 15_000
  const [from, end] = [Date.now() - 60_000, Date.now() + windowMs]
  const file = bench.write(
    configuration(prefix, {
      maintenance: [{ from: new Date(from).toISOString(), until: new Date(end).toISOString(), why: 'new disks' }],
      agents: { 'consumer-guardian': guardianOf([group]) }
    })
  )
  const reeve = bench.start(file)
  await reeve.leads()
  const verdict = async () => (await reeve.ready())?.agents['consumer-guardian']?.verdicts.find(({ subject }) => subject === group)
  await until('judgement is suspended', async () => (await verdict())?.why.includes('judgement is suspended (declared): new disks') === true, windowMs)
  const notices = async () => [...(await readTruth(kafka, prefix)).state.entries('notice/')].map(([key]) => key).filter(key => key.includes(group))
  await until('the window is over', async () => Date.now() > end, windowMs * 2)
  expect(await notices()).toEqual([])
  await until('its owner is told', async () => (await notices()).length > 0, 60_000)
  const { journal } = await readTruth(kafka, prefix)
  expect(journal.filter(({ kind }) => kind === 'maintenance').map(({ what }) => what)).toEqual([
    'judgement is suspended (declared): new disks',
    'judgement goes on: declared maintenance is over'
  ])

  const begun = await speak(['--config', file, 'maintenance', '--for', '10m', '--why', 'a broker is replaced'])
  expect(begun.code, begun.err).toBe(0)
  await until('judgement is suspended by word', async () => (await verdict())?.why.includes('a broker is replaced') === true, 30_000)
  const over = await speak(['--config', file, 'maintenance', '--over', '--why', 'done'])
  expect(over.code, over.err).toBe(0)
  await until('judgement goes on', async () => (await verdict())?.why.includes('a broker is replaced') === false, 30_000)
  await reeve.stop()
})

test('partitions that move to other brokers are counted while they move', { timeout: 60_000 }, async () => {
  const { topics, brokers } = await kafka.admin.scan({ atMs: 0 })
  const { leader } = topics.get(moving)!.partitions[0]!
  const to = brokers.map(({ id }) => id).find(id => id !== leader)!
  const file = join(folder, 'move.json')
  writeFileSync(file, JSON.stringify({ version: 1, partitions: [{ topic: moving, partition: 0, replicas: [to] }] }))
  const reassign = (...words: string[]) =>
    javaOutput('org.apache.kafka.tools.reassign.ReassignPartitionsCommand', [
      '--bootstrap-server',
      stack().brokers.join(','),
      '--reassignment-json-file',
      file,
      ...words
    ])
  expect(await kafka.admin.reassignments()).toBe(0)
  // So slow that it is still under way when it is looked at.
  await reassign('--execute', '--throttle', '100')
  try {
    await until('the move is seen', async () => (await kafka.admin.reassignments()) === 1, 10_000)
  } finally {
    await reassign('--cancel')
  }
  await until('the move is over', async () => (await kafka.admin.reassignments()) === 0, 10_000)
})
