import { beforeEach, expect, test } from 'vitest'
import { auditLogWorld, batchOf } from '#test/support/audit-log-world.ts'
import { type FakeKafka, fakeKafka } from '#test/support/fake-kafka.ts'
import type { NewRecord } from '../../kafka/ports.ts'
import { signersOf } from './signers.ts'

let kafka: FakeKafka
beforeEach(() => {
  kafka = fakeKafka()
  kafka.createTopic('audit', 2)
})

const write = async (records: readonly Partial<NewRecord>[]) => {
  const appender = await kafka.openAppender('somebody')
  await appender.fence()
  await appender.append(records.map(record => ({ topic: 'audit', partition: 1, key: Buffer.from('event'), value: Buffer.from('{}'), ...record })))
  await appender.close()
}

test("a log's last trailer says who signs; a partition without records has nobody yet", async () => {
  const world = auditLogWorld(kafka, 'audit')
  const log = await world.open()
  await log.offer(batchOf(0, 3))
  await log.flushed()
  await world.close()
  expect(await signersOf(kafka, 'audit', [0, 1])).toEqual(
    new Map([
      [0, [world.signer.vkey]],
      [1, null]
    ])
  )
})

test('it is found behind a transaction that is larger than what is read first', async () => {
  const world = auditLogWorld(kafka, 'audit')
  const log = await world.open()
  await log.flushed()
  await world.close()
  await write(Array.from({ length: 200 }, () => ({ partition: 0 })))
  expect((await signersOf(kafka, 'audit', [0])).get(0)).toEqual([world.signer.vkey])
})

test('a trailer that is none, and an end without one, are errors and no answer', async () => {
  await write([{ key: Buffer.from('trailer'), value: Buffer.from('garbage') }])
  await expect(signersOf(kafka, 'audit', [1])).rejects.toThrow('audit-1: its last trailer cannot be read: not canonical JSON')
  await write(Array.from({ length: 600 }, () => ({})))
  await expect(signersOf(kafka, 'audit', [1], 512)).rejects.toThrow('audit-1: none of its last 512 records is a trailer')
})
