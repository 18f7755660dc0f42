import { beforeAll, expect, test } from 'vitest'
import { deniedEvent, newSigner } from '#test/support/audit-events.ts'
import { type LogValue, logOf, pagePlace } from '#test/support/audit-page-log.ts'
import { auditTopicWorld, numbersOf } from '#test/support/audit-topic-world.ts'
import { fakeKafka } from '#test/support/fake-kafka.ts'
import { originOf } from '../../audit-log/place.ts'
import { checkLog, type CheckedLog } from './log-check.ts'
import { type Verdict, verdictOf } from './verdict.ts'

const origin = originOf(pagePlace)
let records: LogValue[]
let vkey: string
let checked: CheckedLog
let notes: string[]
const checkOf = (list: readonly LogValue[]) =>
  checkLog(
    origin,
    list.map(({ kind, value }) => ({ kind, bytes: new Uint8Array(value) }))
  )
beforeAll(async () => {
  const events = Array.from({ length: 9 }, (_, number) => deniedEvent(number))
  ;({ records, vkey } = await logOf(events, 3))
  checked = await checkOf(records)
  notes = records.filter(({ kind }) => kind === 'note').map(({ value }) => value.toString())
})
const judged = (known: string, anchored: string, of = checked): Promise<Verdict> => verdictOf({ origin, size: of.size, behind: 0 }, of, known, anchored)

test('without a checkpoint from outside a log is SELF-ATTESTED, with the key or not', async () => {
  expect(await judged('', '')).toMatchObject({ level: 'doubt', word: 'SELF-ATTESTED' })
  expect(await judged(vkey, '')).toMatchObject({ level: 'doubt', word: 'SELF-ATTESTED' })
})

test('with a checkpoint from outside and no key it is said that nobody knows the key', async () => {
  expect(await judged('', notes.at(-1)!)).toMatchObject({ level: 'doubt', word: 'KEY UNKNOWN' })
})

test('with both it is verified, by any checkpoint of it, as pasted with other ends of lines', async () => {
  for (const note of notes)
    expect(await judged(` ${vkey}\n`, note)).toMatchObject({
      level: 'good',
      word: 'VERIFIED',
      sentence: expect.stringContaining(note === notes.at(-1) ? 'The log is what' : 'no anchor confirms')
    })
  expect(await judged(vkey, `\r\n${notes[0]!.replaceAll('\n', '\r\n')}\r\n`)).toMatchObject({ word: 'VERIFIED' })
})

test('another key than the one that signed, and text that is no key, are told', async () => {
  expect(await judged(newSigner('reeve.audit/5L6g3nShT-eMCtK--X86sw').vkey, notes.at(-1)!)).toMatchObject({ level: 'bad', word: 'NOT VERIFIED' })
  expect(await judged('hello', '')).toMatchObject({ level: 'bad', sentence: expect.stringContaining('expected a verifier key') })
})

test('a log that is shorter than the anchored checkpoint was cut', async () => {
  const cut = await checkOf(records.slice(0, records.findIndex(({ kind }) => kind === 'note') + 1))
  expect(cut.fault).toBeNull()
  expect(await judged(vkey, notes[1]!, cut)).toMatchObject({ level: 'bad', sentence: expect.stringContaining('CUT') })
})

test('a log with another tree than the anchored checkpoint was forked', async () => {
  const other = await logOf(
    Array.from({ length: 9 }, (_, number) => deniedEvent(number + 50)),
    3
  )
  const theirs = await checkOf(other.records)
  const forged = { ...checked, keys: [...checked.keys, ...theirs.keys] }
  const note = other.records.find(({ kind }) => kind === 'note')!.value.toString()
  expect(await judged(vkey, note, forged)).toMatchObject({ level: 'bad', sentence: expect.stringContaining('FORKED') })
})

test('a checkpoint that no key of the log signed is none', async () => {
  expect(await judged(vkey, notes[0]!.replace(/\n\d+\n/, '\n3\n'))).toMatchObject({ level: 'bad', sentence: expect.stringContaining('the signature of') })
  expect(await judged(vkey, 'hello')).toMatchObject({ level: 'bad', sentence: expect.stringContaining('a note is a text') })
})

test('a fault is named by its sequence and reason, whatever else is given', async () => {
  const broken = await checkOf(records.toSpliced(2, 1))
  expect(await judged(vkey, notes.at(-1)!, broken)).toMatchObject({
    level: 'bad',
    word: 'NOT VERIFIED',
    sentence: expect.stringContaining('sequence 2: its sequence is 3')
  })
})

test('a log of several is right on a page with all of them alone, each as long as the others say', async () => {
  const kafka = fakeKafka({ pollEntries: 100 })
  kafka.createTopic('audit', 3)
  const topic = auditTopicWorld(kafka, 'audit', 3)
  const log = await topic.open()
  await log.offer(numbersOf(0, 20))
  await log.checkpoint()
  await log.checkpoint()
  const checkedLogs = await Promise.all(
    topic.worlds.map(async world => {
      const found = (await world.records()).map(({ key, value }) => ({ kind: key!.toString() as LogValue['kind'], bytes: new Uint8Array(value!) }))
      return { origin: world.origin, behind: 0, result: await checkLog(world.origin, found) }
    })
  )
  await topic.close()
  const all = checkedLogs.map(one => ({ origin: one.origin, size: one.result.size }))
  const words = async (beside: typeof all) =>
    Promise.all(
      checkedLogs.map(async one => {
        const { level, sentence } = await verdictOf({ origin: one.origin, size: one.result.size, behind: 0, beside }, one.result, '', '')
        return level === 'bad' ? sentence : level
      })
    )
  expect(checkedLogs.map(({ result }) => result.fault)).toEqual([null, null, null])
  expect(await words(all)).toEqual(['doubt', 'doubt', 'doubt'])
  expect(await words(all.slice(0, 2))).toEqual(Array.from({ length: 3 }, () => `${all[2]!.origin} is missing: the topic has 3 logs`))
  const short = all.map((one, index) => (index === 1 ? { ...one, size: 2 } : one))
  expect(await words(short)).toEqual(Array.from({ length: 3 }, () => expect.stringContaining(`CUT: ${all[1]!.origin} has 2 entries`)))
})
