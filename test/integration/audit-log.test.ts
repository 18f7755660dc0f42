import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuditTopic } from '#shared/audit-log/topic.ts'
import { endTopic } from '#shared/audit-log/continue.ts'
import { transactionalIdOf } from '#shared/audit-log/place.ts'
import { guard } from '#shared/audit-log/guard.ts'
import { readGuardFacts } from '#shared/audit-log/guard-facts.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import type { Signer } from '#shared/proof/note-key.ts'
import { type AuditLogWorld, auditLogWorld, batchOf, nextOf } from '../support/audit-log-world.ts'
import { type AuditTopicWorld, auditTopicWorld, numbersOf } from '../support/audit-topic-world.ts'
import { as, superUser, unique } from '../support/stack.ts'

let kafka: Kafka
const topics: string[] = []
const worlds: { close(): Promise<void> }[] = []
beforeAll(async () => {
  kafka = await openKafka(superUser())
})
afterAll(async () => {
  await Promise.all(worlds.map(world => world.close()))
  const { topics: found } = await kafka.admin.scan({ atMs: Date.now() })
  for (const name of topics) if (found.has(name)) await kafka.admin.deleteTopicById(found.get(name)!.topicId)
  await kafka.close()
})

async function made(partitions: number): Promise<string> {
  const topic = unique('audit-log')
  topics.push(topic)
  expect(await createAuditTopic(kafka.admin, topic, partitions)).toEqual({ created: true })
  return topic
}
async function newWorld(): Promise<AuditLogWorld> {
  const world = auditLogWorld(kafka, await made(1))
  worlds.push(world)
  return world
}
async function newTopic(chains: number, signer?: Signer): Promise<AuditTopicWorld> {
  const world = auditTopicWorld(kafka, await made(chains), chains, signer)
  worlds.push(world)
  return world
}
const range = (to: number): number[] => Array.from({ length: to }, (_, number) => number)

describe.concurrent('an audit log on a broker', () => {
  test('is gone on with behind a transaction that was aborted, and a zombie stays out', async () => {
    const world = await newWorld()
    const zombie = await world.open({ limits: { checkpointEntries: 40 } })
    await zombie.offer(batchOf(0, 50))
    await zombie.flushed()
    const { topic, partition } = world.place
    const junk = { topic, partition, key: Buffer.from('event'), value: Buffer.alloc(1_000) }
    // An aborted batch lies in the log's end: the second one of its transaction is too long for any topic.
    const stranger = await kafka.openAppender(unique('audit-log-stranger'))
    await stranger.fence()
    await expect(stranger.append([...Array.from({ length: 100 }, () => junk), { ...junk, value: Buffer.alloc(1_200_000) }])).rejects.toThrow(
      'MESSAGE_TOO_LARGE'
    )
    await stranger.close()
    const successor = await world.open()
    expect(nextOf(successor)).toBe(50)
    await expect(zombie.offer(batchOf(50, 60)).then(() => zombie.flushed())).rejects.toMatchObject({ kind: 'fenced' })
    await successor.offer(batchOf(50, 80))
    await successor.checkpoint()
    expect(await world.numbers()).toEqual(range(80))
    const size = successor.head.size
    expect(await world.verify()).toMatchObject({ size, checkpointed: size })
  })

  test('with records of somebody else is gone on with, names them, and is not verified', async () => {
    const world = await newWorld()
    const first = await world.open()
    await first.flushed()
    await first.close()
    const { topic, partition } = world.place
    const stranger = await kafka.openAppender(unique('audit-log-stranger'))
    await stranger.fence()
    await stranger.append([{ topic, partition, key: Buffer.from('hello'), value: Buffer.from('there') }])
    await stranger.close()
    const second = await world.open()
    expect(second.foreign).toEqual([{ partition: 0, offset: expect.any(Number), key: 'hello' }])
    await second.offer(batchOf(0, 3))
    await second.close()
    expect(await world.verify()).toMatchObject({ sequence: 0, reason: expect.stringContaining('hello') })
  })

  // Tests side by side: a poll belongs to the test whose own `expect` it is.
  test('has three chains of one writer, is ended, and goes on in another topic with two, each number once', async ({ expect: own }) => {
    const earlier = await newTopic(3)
    const later = await newTopic(2, earlier.worlds[0]!.signer)
    const zombie = await earlier.open({ limits: { checkpointEntries: 30, lingerMs: 0 } })
    for (let number = 0; number < 60; number += 6) await zombie.offer(numbersOf(number, number + 6))
    await zombie.flushed()
    const successor = await earlier.open()
    await own(zombie.offer(numbersOf(60, 66)).then(() => zombie.flushed())).rejects.toMatchObject({ kind: 'fenced' })
    await successor.offer(numbersOf(0, 90, successor.head.sources))
    await successor.flushed()
    const { place } = earlier.worlds[0]!
    const [appender, reader] = [await kafka.openAppender(transactionalIdOf(place)), await kafka.openReader()]
    const parts = { appender, reader, circumstances: () => ({ powers: [], excluded: [], silent: [] }), topicId: 'AAAA', anchors: [] }
    const signers = [earlier.worlds[0]!.signer]
    const next = await later.open({ continues: () => endTopic({ ...parts, place, signers, endingFor: later.worlds[0]!.place.topic }) })
    await next.offer(numbersOf(0, 120, next.head.sources))
    await next.checkpoint()
    await Promise.all([appender.close(), reader.close()])
    await own(successor.offer(numbersOf(90, 91)).then(() => successor.flushed())).rejects.toMatchObject({ kind: 'fenced' })
    await own(earlier.open()).rejects.toMatchObject({ kind: 'ended' })
    // Readers see a transaction when its markers are written, as a rule within milliseconds.
    await own
      .poll(() => earlier.requireAll(90).then(logs => logs.map(({ continuedIn }) => continuedIn), String))
      .toEqual(Array.from({ length: 3 }, () => later.worlds[0]!.place.topic))
    const ends = (await earlier.judge()).map(({ origin, size, fingerprint }) => ({ origin, size, fingerprint }))
    await own
      .poll(async () =>
        (await later.judge()).map(({ fault, continues }) => ({
          fault,
          ends: continues.map(({ origin, size, fingerprint }) => ({ origin, size, fingerprint }))
        }))
      )
      .toEqual(Array.from({ length: 2 }, () => ({ fault: null, ends })))
    const numbers = (await Promise.all([...earlier.worlds, ...later.worlds].map(world => world.numbers()))).flat()
    own(numbers.toSorted((one, other) => one - other)).toEqual(range(120))
  })

  test('that takes more than one produce batch a transaction keeps its order', async ({ expect: own }) => {
    const world = await newWorld()
    const log = await world.open()
    await log.flushed()
    await log.offer(batchOf(0, 1_500))
    await log.checkpoint()
    await own.poll(() => world.verify()).toMatchObject({ size: 1_502, checkpointed: 1_502 })
    own(await world.numbers()).toEqual(range(1_500))
  })
})

describe('the guard of the audit topic', () => {
  test('finds nothing that drifted in a topic just made, drift in one that was changed, and who could destroy it', async () => {
    const world = await newWorld()
    const { topic } = world.place
    const about = { topic, partitions: 1, writer: 'User:reeve-audit', atMs: Date.now() }
    const first = guard(await readGuardFacts(kafka.admin, about), [world.transactionalId])
    expect(first).toMatchObject({ drift: [], superUsers: 'hidden', unknown: [] })
    await kafka.admin.alterConfigs({ kind: 'topic', name: topic }, { 'retention.ms': '1000', 'min.insync.replicas': '1' })
    await kafka.admin.createAcls([
      { resourceType: 'topic', resourceName: topic, pattern: 'prefixed', principal: 'User:app', host: '*', operation: 'alter-configs', permission: 'allow' }
    ])
    await expect
      .poll(async () => guard(await readGuardFacts(kafka.admin, about), [world.transactionalId]), { timeout: 10_000 })
      .toMatchObject({
        drift: [
          { setting: 'config:retention.ms', actual: '1000' },
          { setting: 'config:min.insync.replicas', actual: '1' }
        ],
        destroyers: expect.arrayContaining([{ principal: 'User:app', may: [`ALTER_CONFIGS on topic ${topic}*`] }])
      })
  })

  test('says what it may not see, and why', async () => {
    const world = await newWorld()
    const nobody = await openKafka(as('nobody'))
    try {
      const about = { topic: world.place.topic, partitions: 1, writer: 'User:nobody', atMs: Date.now() }
      const report = guard(await readGuardFacts(nobody.admin, about), [world.transactionalId])
      expect(report).toMatchObject({ superUsers: 'unknown', open: 'unknown' })
      expect(report.unknown.map(({ what }) => what)).toEqual(expect.arrayContaining(['settings of the topic', 'settings of the brokers', 'ACLs']))
    } finally {
      await nobody.close()
    }
  })
})
