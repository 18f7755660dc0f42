import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { deniedEvent, newSigner } from '#test/support/audit-events.ts'
import { type AuditTopicWorld, auditTopicWorld, numbersOf } from '#test/support/audit-topic-world.ts'
import { type FakeKafka, fakeKafka } from '#test/support/fake-kafka.ts'
import { seal } from '../audit/chain.ts'
import { compareEarlier } from '../audit/compare-earlier.ts'
import type { Entry } from '../audit/entry.ts'
import { readEntry } from '../audit/entry.ts'
import type { AuditLog, AuditLogOptions } from './audit-log.ts'
import { endTopic, requireContinues } from './continue.ts'
import { transactionalIdOf } from './place.ts'

const signer = newSigner('reeve.audit/a-cluster')
let kafka: FakeKafka
let earlier: AuditTopicWorld
let later: AuditTopicWorld
let ended = 0
beforeEach(() => {
  kafka = fakeKafka({ pollEntries: 100 })
  kafka.createTopic('audit-2026', 2)
  kafka.createTopic('audit-2027', 3)
  earlier = auditTopicWorld(kafka, 'audit-2026', 2, signer)
  later = auditTopicWorld(kafka, 'audit-2027', 3, signer)
  ended = 0
})
afterEach(async () => {
  await later.close()
  await earlier.close()
})

async function end(endingFor = 'audit-2027', parts: Partial<AuditLogOptions> = {}) {
  ended++
  const appender = await kafka.openAppender(transactionalIdOf({ topic: 'audit-2026' }))
  const reader = await kafka.openReader()
  const { place } = earlier.worlds[0]!
  const circumstances = () => ({ powers: [], excluded: [], silent: [] })
  return endTopic({ place, endingFor, appender, reader, topicId: 'AAAA', signers: [signer], anchors: [], circumstances, ...parts })
}
const openLater = (): Promise<AuditLog> => later.open({ continues: () => end() })

async function written(numbers: number): Promise<AuditLog> {
  const log = await earlier.open()
  await log.offer(numbersOf(0, numbers))
  await log.flushed()
  return log
}

const firstOf = async (world: AuditTopicWorld, partition: number) =>
  (readEntry((await world.worlds[partition]!.records())[0]!.value!) as Entry).value.payload.unmapped

describe('a topic that continues another', () => {
  test('takes it over, ends it, names the ends of all its logs, and goes on with its positions', async () => {
    const old = await written(10)
    const log = await openLater()
    await log.offer(numbersOf(0, 18, log.head.sources))
    await log.checkpoint()
    await expect(old.offer(numbersOf(10, 20)).then(() => old.flushed())).rejects.toMatchObject({ kind: 'fenced' })
    const [before, after] = [await earlier.requireAll(10), await later.judge()]
    expect(before.map(({ continuedIn }) => continuedIn)).toEqual(['audit-2027', 'audit-2027'])
    expect(after.map(({ fault, continues }) => ({ fault, sizes: continues.map(({ size }) => size) }))).toEqual(
      Array.from({ length: 3 }, () => ({ fault: null, sizes: before.map(({ size }) => size) }))
    )
    expect(await firstOf(later, 2)).toMatchObject({ chains: 3, continues: { origin: before[0]!.origin }, continuesToo: [{ origin: before[1]!.origin }] })
    const numbers = (await Promise.all([...earlier.worlds, ...later.worlds].map(one => one.numbers()))).flat()
    expect(numbers.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 18 }, (_, number) => number))
  })

  test('is begun once, whoever dies in between', async () => {
    const old = await written(4)
    await old.close()
    const ends = await end()
    // Who had ended it died; a commit of the beginning is lost, and its repetition unknown.
    kafka.failNextAppend(transactionalIdOf({ topic: 'audit-2027' }), 'unknown-lost')
    kafka.failNextAppend(transactionalIdOf({ topic: 'audit-2027' }), 'unknown-committed')
    const first = await openLater()
    await first.flushed()
    await first.close()
    const second = await openLater()
    await second.close()
    expect(ended).toBe(2)
    expect(await firstOf(later, 0)).toMatchObject({ continues: ends.ends[0], continuesToo: [ends.ends[1]] })
    expect((await later.judge()).map(({ fault }) => fault)).toEqual([null, null, null])
    expect((await earlier.judge()).map(({ size }) => size)).toEqual(ends.ends.map(({ size }) => size))
  })

  test('leaves nobody who could write on in the one that was ended', async () => {
    await written(3)
    await openLater()
    await expect(earlier.open()).rejects.toMatchObject({ kind: 'ended', message: expect.stringContaining('audit-2027') })
    await expect(end('audit-of-somebody')).rejects.toMatchObject({ kind: 'ended' })
  })

  test('says which anchors did not take the end of the earlier one', async () => {
    await written(3)
    const troubles: string[] = []
    const away = { name: 'bucket', held: null, put: () => Promise.reject(new Error('no route')) }
    await end('audit-2027', { anchors: [away], onTrouble: message => troubles.push(message) })
    expect(troubles.at(-1)).toContain('bucket of reeve.audit/a-cluster/audit-2026/0, bucket of reeve.audit/a-cluster/audit-2026/1')
  })

  test('is not begun where the earlier one is empty', async () => {
    await expect(openLater()).rejects.toMatchObject({ kind: 'continues', message: expect.stringContaining('does not begin as an audit log') })
    expect(await later.worlds[0]!.records()).toEqual([])
  })

  test('says so in its first entry or never', async () => {
    await written(1)
    const reader = await kafka.openReader()
    const about = { reader, place: later.worlds[0]!.place }
    await requireContinues(about, 'audit-2026')
    const log = await openLater()
    await log.flushed()
    await requireContinues(about, 'audit-2026')
    await expect(requireContinues(about, 'audit-2025')).rejects.toMatchObject({ kind: 'continues' })
    await expect(requireContinues({ reader, place: earlier.worlds[0]!.place }, 'audit-2025')).rejects.toThrow('without an earlier topic')
  })
})

test('a log that goes on behind its own end is not right', async () => {
  const old = await written(2)
  await old.close()
  await end()
  const { origin, records } = earlier.worlds[0]!
  const last = readEntry((await records()).findLast(({ key }) => key!.toString() === 'event')!.value!) as Entry
  const { bytes } = seal(deniedEvent(9), { origin, sequence: last.sequence + 1, previous: last })
  kafka.openTransaction('somebody', [{ topic: 'audit-2026', partition: 0, key: Buffer.from('event'), value: bytes }]).commit()
  expect((await earlier.judge()).map(({ fault }) => fault?.reason ?? null)).toContain('the log ended before it, and goes on in the topic audit-2027')
})

test('a link holds only where everything that it says is so', async () => {
  const old = await written(2)
  await old.close()
  const { ends } = await end()
  const origin = 'reeve.audit/a-cluster/audit-2027/0'
  const found = ends.map(one => ({ ...one, chains: 2, continuedIn: 'audit-2027' }))
  expect(compareEarlier({ origin, continues: ends }, found)).toBeNull()
  const wrong = [
    found.slice(1),
    found.map(one => ({ ...one, size: one.size + 1 })),
    found.map(one => ({ ...one, root: '0'.repeat(64) })),
    found.map(one => ({ ...one, fingerprint: '0'.repeat(64) })),
    found.map(one => ({ ...one, checkpoint: '0'.repeat(64) })),
    found.map(one => ({ ...one, continuedIn: null })),
    found.map(one => ({ ...one, chains: 3 }))
  ]
  for (const each of wrong) expect(compareEarlier({ origin, continues: ends }, each)).toMatchObject({ sequence: 0 })
  expect(compareEarlier({ origin, continues: [] }, found)).toMatchObject({ sequence: 0, reason: expect.stringContaining('continues no topic') })
  expect(compareEarlier({ origin, continues: [] }, [])).toBeNull()
})
