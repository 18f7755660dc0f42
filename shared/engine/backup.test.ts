import { expect, test } from 'vitest'
import { fakeKafka, type FakeKafka } from '#test/support/fake-kafka.ts'
import { readForBackup, Restore, restoredState } from './backup.ts'
import type { BackupHeader, BackupRecord } from './backup-file.ts'
import { reeveTopics } from './topics.ts'

const topics = reeveTopics('reeve')
const header: BackupHeader = {
  format: 'reeve-backup',
  version: 1,
  clusterId: 'c',
  prefix: 'reeve',
  takenAtMs: 1,
  topicIds: { requests: 'r1', observations: 'o1' }
}
const entry = { kind: 'leadership', atMs: 1, epoch: 0, agent: null, subject: 'reeve', what: 'restored', facts: null } as const
const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

async function cluster(): Promise<FakeKafka> {
  const kafka = fakeKafka()
  for (const name of Object.values(topics)) kafka.createTopic(name)
  return kafka
}

/** A journal longer than one transaction of a restore, two commands of which one was taken back, and some state. */
async function filled(): Promise<FakeKafka> {
  const kafka = await cluster()
  const appender = await kafka.openAppender('writer')
  await appender.fence()
  const record = (topic: string, key: string, value: Buffer | null) => ({ topic, partition: 0, key: Buffer.from(key), value })
  await appender.append(Array.from({ length: 1_203 }, (_, index) => record(topics.journal, 'k', bytes(`entry ${index}`))))
  await appender.append([record(topics.control, 'a', bytes('1')), record(topics.control, 'b', bytes('2')), record(topics.control, 'a', null)])
  await appender.append([record(topics.state, 'head', bytes({ sequence: 1 })), record(topics.state, 'head', bytes({ sequence: 2 }))])
  return kafka
}

async function taken(kafka: FakeKafka): Promise<BackupRecord[]> {
  const records: BackupRecord[] = []
  await readForBackup(kafka, topics, record => records.push(record))
  return records
}

async function restore(kafka: FakeKafka, records: readonly BackupRecord[], end = true): Promise<void> {
  const into = await Restore.open(kafka, topics)
  for (const record of records) await into.add(record)
  if (end) await into.end(entry)
  await into.close()
}

test('a backup holds the journal whole, and of state and commands the latest that is in force', async () => {
  const records = await taken(await filled())
  expect(records.map(({ topic }) => topic).filter((topic, index, all) => topic !== all[index - 1])).toEqual(['journal', 'control', 'state'])
  expect(records).toHaveLength(1_205)
  expect(records.slice(-2).map(({ key, value }) => [String(key), String(value)])).toEqual([
    ['b', '2'],
    ['head', '{"sequence":2}']
  ])
})

test('what is restored is what was backed up, and one entry that says so', async () => {
  const records = await taken(await filled())
  const kafka = await cluster()
  await restore(kafka, records)
  const after = await taken(kafka)
  expect(after.filter(({ value }) => !String(value).includes('restored'))).toEqual(records)
  expect(after).toHaveLength(records.length + 1)
})

test('a restore that was interrupted anywhere is run again, and nothing comes twice', async () => {
  const records = await taken(await filled())
  for (const done of [1, 499, 500, 501, 1_200, 1_204]) {
    const kafka = await cluster()
    await restore(kafka, records.slice(0, done), false)
    expect((await taken(kafka)).filter(({ topic }) => topic === 'state')).toEqual([])
    await restore(kafka, records)
    expect((await taken(kafka)).filter(({ value }) => !String(value).includes('restored'))).toEqual(records)
  }
})

test('topics in use, and a journal that is not the one of the backup, are refused before anything is written', async () => {
  const records = await taken(await filled())
  await expect(Restore.open(await filled(), topics)).rejects.toThrow('reeve.state holds records: stop every replica and delete the topic first')
  const other = await cluster()
  await restore(other, [{ ...records[0]!, value: bytes('another entry') }, ...records.slice(1, 600)], false)
  const before = await taken(other)
  await expect(restore(other, records)).rejects.toThrow('reeve.journal holds other entries than the backup from record 1 on')
  expect(await taken(other)).toEqual(before)
})

test('offsets are kept only where the topic is the same incarnation, and nobody leads', () => {
  const state = (key: string, value: unknown): BackupRecord => ({ topic: 'state', key: Buffer.from(key), value: bytes(value) })
  const read = (record: BackupRecord | null) => (record === null ? null : (JSON.parse(String(record.value)) as unknown))
  const same = (topic: string) => ({ requests: 'r1', observations: 'o1' })[topic] ?? null
  const other = () => 'another'
  expect(read(restoredState(state('requests', { offset: 7 }), header, same))).toEqual({ offset: 7 })
  expect(restoredState(state('requests', { offset: 7 }), header, other)).toBeNull()
  expect(read(restoredState(state('observer', { sequence: 3, keyFrameOffset: 9 }), header, same))).toEqual({ sequence: 3, keyFrameOffset: 9 })
  expect(read(restoredState(state('observer', { sequence: 3, keyFrameOffset: 9 }), header, other))).toEqual({ sequence: 3, keyFrameOffset: null })
  expect(read(restoredState(state('lease', { holder: 'a', epoch: 4, released: false }), header, same))).toEqual({ holder: 'a', epoch: 4, released: true })
  expect(read(restoredState(state('standing/x', { key: 'x' }), header, other))).toEqual({ key: 'x' })
})
