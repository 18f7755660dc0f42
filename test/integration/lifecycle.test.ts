import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reeveTopics } from '#shared/engine/topics.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { configuration, guardianOf, names, type Reeve, ReeveBench, speak } from '#test/support/reeve-process.ts'
import { readTruth, until } from '#test/support/replica.ts'
import { stack, superUser, unique } from '#test/support/stack.ts'
import { commitStart, type Consumer, startStuck, topicWithRecords } from '#test/support/stuck-consumer.ts'

// From the first start to the last trace: install, upgrade, lose the topics, restore, uninstall. Each test goes on where the one before ended.

const bench = new ReeveBench()
const folder = mkdtempSync(join(tmpdir(), 'reeve-lifecycle-'))
const backup = join(folder, 'reeve.backup')
const prefix = unique('lifecycle')
const topic = unique('lifecycle-records')
const group = unique('lifecycle-group')
let kafka: Kafka
let file = ''
let reeve: Reeve
let consumer: Consumer
const own = () => names(reeveTopics(prefix))
const says = (...words: string[]) => speak(['--config', file, ...words])
const standing = async () => (await readTruth(kafka, prefix)).standing

async function deleteTopics(wanted: readonly string[]): Promise<void> {
  const { topics } = await kafka.admin.scan({ atMs: 0 })
  for (const name of wanted) if (topics.has(name)) await kafka.admin.deleteTopicById(topics.get(name)!.topicId)
  await until('the topics are gone', async () => {
    const left = await kafka.admin.scan({ atMs: 0 })
    return wanted.every(name => !left.topics.has(name))
  })
}

beforeAll(async () => {
  kafka = await openKafka(superUser())
  await topicWithRecords(kafka, topic, 1_000)
  await commitStart(superUser(), group, topic)
  file = bench.write(
    configuration(prefix, {
      owners: [{ team: 'lifecycle', channel: 'platform', criticality: 'high', groups: [group] }],
      agents: { 'consumer-guardian': guardianOf([group]) }
    })
  )
}, 60_000)
afterAll(async () => {
  await bench.close()
  await consumer?.kill()
  await deleteTopics([topic, ...own()])
  await kafka.close()
  rmSync(folder, { recursive: true })
})

test('installed: it makes its topics, and pauses what its policy names', { timeout: 180_000 }, async () => {
  reeve = bench.start(file)
  await reeve.leads()
  consumer = startStuck({ connection: superUser('lifecycle-consumer'), groupId: group, topics: [topic], prefix })
  await consumer.heard('waiting')
  await until('the group is paused', async () => (await standing()).length === 1, 120_000)
})

test('upgraded: the new replica stands by, the old one stops, and what stands goes on to stand', { timeout: 60_000 }, async () => {
  const before = await standing()
  const upgraded = bench.start(file)
  await upgraded.said('it stands by', ({ msg }) => msg === 'Reeve starts')
  await reeve.stop()
  await upgraded.leads(30_000)
  expect(await standing()).toEqual(before)
  reeve = upgraded
})

test('backed up: the file appears whole, and a restore into topics that are in use is refused', { timeout: 60_000 }, async () => {
  const written = await says('--json', 'backup', backup)
  expect(written.code, written.err).toBe(0)
  expect(JSON.parse(written.out)).toMatchObject({ backup, records: expect.any(Number) })
  expect(statSync(backup).mode & 0o777).toBe(0o600)
  const refused = await says('restore', backup)
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining(`${prefix}.state holds records`)])
  await until('the leader goes on undisturbed', async () => (await reeve.ready())?.role === 'leader')
  expect(reeve.printed()).not.toContain('not leading any more')
})

test('restored after every topic was lost: the pause is known, and its owner gets the group back', { timeout: 180_000 }, async () => {
  await reeve.stop()
  const truth = await readTruth(kafka, prefix)
  await deleteTopics(own())
  const spoiled = join(folder, 'spoiled.backup')
  writeFileSync(spoiled, readFileSync(backup, 'utf8').replace('"topic":"state"', '"topic":"stale"'))
  const refused = await says('restore', spoiled)
  expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(/line \d+ of the backup: expected a record/)])
  const restored = await says('--json', 'restore', backup)
  expect(restored.code, restored.err).toBe(0)
  const after = await readTruth(kafka, prefix)
  expect(after.standing).toEqual(truth.standing)
  // What came between the backup and the loss is lost; what was before it is there, entry by entry.
  expect(after.journal.length).toBeGreaterThan(1)
  expect(after.journal.slice(0, -1)).toEqual(truth.journal.slice(0, after.journal.length - 1))
  expect(after.journal.at(-1)!.what).toMatch(/^restored from a backup of /)
  expect([...after.control.keys()]).toEqual([...truth.control.keys()])

  reeve = bench.start(file)
  await reeve.leads(30_000)
  consumer.fix()
  const given = await says('resume', group, '--fixed', '--why', 'a test')
  expect(given.code, given.err).toBe(0)
  await until('it is given back', async () => (await standing()).length === 0, 60_000)
  await until('the consumer reads on', () => consumer.handled() > 0, 60_000)
})

test('uninstalled: everything given back, no topic, no group, no key of Redis left, and the consumer runs on', { timeout: 120_000 }, async () => {
  const released = await says('release', '--all', '--why', 'uninstall')
  expect(released.code, released.err).toBe(0)
  await reeve.stop()
  await deleteTopics(own())
  const { groups, topics } = await kafka.admin.scan({ atMs: 0 })
  expect([...topics.keys()].filter(name => name.startsWith(prefix))).toEqual([])
  expect([...groups.keys()].filter(id => id.includes(prefix))).toEqual([])
  expect((await kafka.admin.acls()).filter(({ resourceName }) => resourceName.startsWith(prefix))).toEqual([])
  const redis = new Redis(stack().redisUrl)
  const keys = await redis.keys(`${prefix}:*`)
  expect(keys.length).toBeGreaterThan(0)
  await redis.del(...keys)
  await redis.quit()
  const handled = consumer.handled()
  const more = await kafka.openAppender(`${topic}-more`)
  await more.fence()
  await more.append(Array.from({ length: 20 }, () => ({ topic, partition: 0, key: null, value: Buffer.from('more') })))
  await more.close()
  await until('the consumer reads what came after', () => consumer.handled() > handled, 30_000)
})
