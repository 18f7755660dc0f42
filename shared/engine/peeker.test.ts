import { expect, test } from 'vitest'
import { fakeKafka } from '#test/support/fake-kafka.ts'
import type { LogReader } from '../kafka/ports.ts'
import { Peeker } from './peeker.ts'

/** A reader on `topics` logs of two records each, whose polls are counted. */
async function peeked(topics: number) {
  const kafka = fakeKafka({ nowMs: () => 7 })
  const appender = await kafka.openAppender('writer')
  await appender.fence()
  for (let index = 0; index < topics; index++) {
    kafka.createTopic(`t${index}`)
    await appender.append([1, 2].map(() => ({ topic: `t${index}`, partition: 0, key: null, value: Buffer.from('v') })))
  }
  const reader = await kafka.openReader()
  let polls = 0
  const counted: LogReader = {
    assign: (...args) => reader.assign(...args),
    unassign: (...args) => reader.unassign(...args),
    positions: () => reader.positions(),
    poll(options) {
      polls++
      return reader.poll(options)
    },
    readToEnd: visit => reader.readToEnd(visit),
    close: () => reader.close()
  }
  return { kafka, reader, peeker: new Peeker(counted), polls: () => polls }
}

test('what is asked at the same time shares the fetches, and each gets its own answer', async () => {
  const { peeker, polls, reader } = await peeked(40)
  const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => peeker.peek(`t${index}`, 0, index % 3)))
  // Two records and the marker of their transaction lie in each log.
  expect(answers.map(answer => answer?.offset ?? null)).toEqual(Array.from({ length: 40 }, (_, index) => [0, 1, null][index % 3]))
  expect(polls()).toBeLessThan(5)
  expect(reader.positions()).toEqual([])
})

test('two who ask for different places of one partition are both answered', async () => {
  const { peeker } = await peeked(1)
  expect(await Promise.all([peeker.peek('t0', 0, 1), peeker.peek('t0', 0, 0)])).toMatchObject([{ offset: 1 }, { offset: 0 }])
})

test('a partition that cannot be read fails for those who asked for it, and for nobody else', async () => {
  const { peeker } = await peeked(2)
  const results = await Promise.allSettled([peeker.peek('t0', 0, 0), peeker.peek('gone', 0, 0), peeker.peek('t1', 0, 0)])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(await peeker.peek('t1', 0, 1)).toMatchObject({ offset: 1 })
})

test('an error of the reader spoils no answer of a partition that can be read alone', async () => {
  const { kafka, peeker } = await peeked(3)
  kafka.failNextPoll(new Error('one of them is gone'))
  expect(await Promise.all([0, 1, 2].map(index => peeker.peek(`t${index}`, 0, 0)))).toHaveLength(3)
})
