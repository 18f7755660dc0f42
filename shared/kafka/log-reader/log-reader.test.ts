import { expect, test } from 'vitest'
import { brokerBatch, summed } from '#test/support/record-batches.ts'
import { type BrokerLog, scriptedBrokers, someTopicId, topic } from '#test/support/scripted-brokers.ts'
import type { Fetched } from '../ports.ts'
import type { ReaderOptions } from './options.ts'
import { PositionReader } from './log-reader.ts'

/** Batches of five records each, values are offsets. */
const batches = (from: number, to: number, leaderEpoch: number): Buffer[] =>
  Array.from({ length: (to - from) / 5 }, (_batch, index) => {
    const baseOffset = from + index * 5
    return brokerBatch({
      baseOffset,
      leaderEpoch,
      records: Array.from({ length: 5 }, (_record, delta) => ({ key: null, value: Buffer.from(String(baseOffset + delta)) }))
    })
  })
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index)

async function reading(logs: Record<number, BrokerLog>, options: ReaderOptions = {}, startAt: number | 'start' = 'start') {
  const brokers = scriptedBrokers(logs)
  const reader = new PositionReader(brokers, options)
  await reader.assign(topic, 0, startAt)
  const polled: Fetched[] = []
  return {
    brokers,
    reader,
    polled,
    values: () => polled.flatMap(fetched => fetched.records.map(record => Number(record.value))),
    moves: () => polled.flatMap(fetched => fetched.moved ?? []),
    async pollTo(offset: number) {
      while (reader.positions()[0]!.offset !== offset) polled.push(...(await reader.poll({ maxWaitMs: 50 })))
    }
  }
}

test('the new leader that a broker names is asked at once, without asking for metadata', async () => {
  const log = { batches: batches(0, 20, 1) }
  const { brokers, pollTo, values } = await reading({ 1: log, 2: log })
  await pollTo(20)
  const before = brokers.asked.metadata
  log.batches.push(...batches(20, 30, 2))
  brokers.lead(2, 2)
  await pollTo(30)
  expect(brokers.asked.metadata).toBe(before)
  expect(values()).toEqual(range(0, 30))
})

test('a dead leader is left for the next one', async () => {
  const log = { batches: batches(0, 20, 1) }
  const { brokers, pollTo, values, reader } = await reading({ 1: log, 2: log })
  await pollTo(20)
  brokers.down.add(1)
  expect(await reader.poll({ maxWaitMs: 200 })).toEqual([])
  brokers.lead(2, 2)
  log.batches.push(...batches(20, 30, 2))
  await pollTo(30)
  expect(values()).toEqual(range(0, 30))
})

test('what a new leader never had is reported, and reading goes on where the logs part', async () => {
  const { brokers, pollTo, values, moves } = await reading({
    1: { batches: [...batches(0, 10, 1), ...batches(10, 20, 2)] },
    2: { batches: [...batches(0, 10, 1), ...batches(10, 15, 2), ...batches(15, 30, 4)] }
  })
  await pollTo(20)
  brokers.lead(2, 4)
  await pollTo(30)
  expect(moves()).toEqual([{ why: 'truncated', asked: 20, resumedAt: 15 }])
  expect(values()).toEqual([...range(0, 20), ...range(15, 30)])
})

test('a new leader whose older epoch goes on beyond our newer one is read again from where ours began', async () => {
  const { brokers, pollTo, values, moves } = await reading({
    1: { batches: [...batches(0, 10, 1), ...batches(10, 20, 2)] },
    2: { batches: [...batches(0, 15, 1), ...batches(15, 30, 3)] }
  })
  await pollTo(20)
  brokers.lead(2, 3)
  await pollTo(30)
  expect(moves()).toEqual([{ why: 'truncated', asked: 20, resumedAt: 10 }])
  expect(values()).toEqual([...range(0, 20), ...range(10, 30)])
})

test('a leader that knows none of our epochs is read again as far back as ours are known', async () => {
  const { brokers, pollTo, moves, values } = await reading({
    1: { batches: [...batches(0, 10, 1), ...batches(10, 20, 5)] },
    2: { batches: [...batches(0, 10, 1), ...batches(10, 25, 2)] }
  })
  await pollTo(20)
  brokers.lead(2, 6)
  await pollTo(25)
  expect(moves()).toEqual([{ why: 'truncated', asked: 20, resumedAt: 10 }])
  expect(values()).toEqual([...range(0, 20), ...range(10, 25)])
})

test('reading to the end does not end early at a new leader whose last stable offset still lags', async () => {
  const log1 = { batches: batches(0, 20, 1) }
  const log2: BrokerLog = { batches: batches(0, 20, 1), lastStableOffset: 10 }
  const { brokers, reader } = await reading({ 1: log1, 2: log2 }, { maxPartitionBytes: 1 })
  const seen: number[] = []
  await reader.readToEnd(({ value }) => {
    seen.push(Number(value))
    if (seen.length === 5) brokers.lead(2, 2)
    if (seen.length === 10) setTimeout(() => delete log2.lastStableOffset, 100)
  })
  expect(seen).toEqual(range(0, 20))
})

test('a batch whose CRC does not hold stops the partition there, after what was sound', async () => {
  const log = { batches: batches(0, 20, 1) }
  log.batches[2]![80]! ^= 1
  const { reader, pollTo, values } = await reading({ 1: log })
  await pollTo(10)
  expect(values()).toEqual(range(0, 10))
  for (let again = 0; again < 2; again++) await expect(reader.poll({ maxWaitMs: 50 })).rejects.toThrow(/topic topic partition 0 offset 10: .*CRC32C/)
  expect(reader.positions()).toEqual([{ topic, partition: 0, offset: 10 }])
  log.batches[2]![80]! ^= 1
  await pollTo(20)
  expect(values()).toEqual(range(0, 20))
})

test('a batch with a sound CRC that cannot be decoded stops the partition there, after what was sound', async () => {
  const log = { batches: batches(0, 20, 1) }
  log.batches[2]![61] = 99
  summed(log.batches[2]!)
  const { reader, polled, values } = await reading({ 1: log })
  polled.push(...(await reader.poll()))
  expect(values()).toEqual(range(0, 10))
  await expect(reader.poll()).rejects.toThrow(/topic topic partition 0 offset 10: /)
  expect(reader.positions()).toEqual([{ topic, partition: 0, offset: 10 }])
  await expect(reader.readToEnd(() => {})).rejects.toThrow(/offset 10: /)
})

test('bytes that are no batch are an error with their place', async () => {
  const { reader } = await reading({ 1: { batches: batches(0, 10, 1), answers: [{ records: [Buffer.alloc(100, 7)] }] } })
  await expect(reader.poll()).rejects.toThrow(/topic topic partition 0 offset 0: .*message format 7/)
})

test('offsets that compaction has emptied to the very end are passed, but not while tiered data may be on its way', async () => {
  const log: BrokerLog = { batches: batches(0, 10, 1), lastStableOffset: 30, localLogStartOffset: 20 }
  const { brokers, pollTo, reader, values } = await reading({ 1: log })
  await pollTo(10)
  while (brokers.asked.localLogStarts < 2) await reader.poll({ maxWaitMs: 50 })
  expect(reader.positions()[0]!.offset).toBe(10)
  log.localLogStartOffset = 0
  await pollTo(30)
  expect(values()).toEqual(range(0, 10))
})

test('a partition without a leader is reported after the time to give up, and read once it has one', async () => {
  const log = { batches: batches(0, 10, 1) }
  const { brokers, reader, pollTo, values } = await reading({ 1: log }, { giveUpAfterMs: 300 })
  await pollTo(10)
  brokers.lead(null, 1)
  const failing = async (): Promise<void> => {
    for (;;) await reader.poll({ maxWaitMs: 50 })
  }
  await expect(failing()).rejects.toThrow(/topic topic partition 0 could not be read for \d+ ms: LEADER_NOT_AVAILABLE/)
  brokers.lead(1, 2)
  log.batches.push(...batches(10, 20, 2))
  await pollTo(20)
  expect(values()).toEqual(range(0, 20))
})

test('one broker that does not know the topic for a moment is not believed', async () => {
  const log = { batches: batches(0, 10, 1) }
  const { brokers, reader, pollTo, values } = await reading({ 1: log, 2: log })
  await pollTo(10)
  brokers.topicId = null
  expect((await reader.poll({ maxWaitMs: 100 })).flatMap(fetched => fetched.records)).toEqual([])
  brokers.topicId = someTopicId
  log.batches.push(...batches(10, 20, 1))
  await pollTo(20)
  expect(values()).toEqual(range(0, 20))
})

test('at most one fetch a broker is under way, and a poll hands over no more than its bound', async () => {
  const { brokers, pollTo, polled, values } = await reading({ 1: { batches: batches(0, 1_000, 1) } }, { maxPartitionBytes: 500, maxBytes: 100 })
  await pollTo(1_000)
  expect(brokers.asked.mostAtOnce).toBe(1)
  expect(values()).toEqual(range(0, 1_000))
  expect(Math.max(...polled.map(fetched => fetched.records.length))).toBeLessThanOrEqual(15)
})

test('an older broker is asked in the version that it speaks, and one too old is refused', async () => {
  const log = { batches: batches(0, 10, 1) }
  const old = scriptedBrokers({ 1: log })
  old.fetchVersion = 13
  const reader = new PositionReader(old, {})
  await reader.assign(topic, 0, 0)
  await reader.poll()
  expect(old.asked.fetches[0]!.version).toBe(13)
  const older = scriptedBrokers({ 1: log })
  older.fetchVersion = 12
  const refused = new PositionReader(older, {})
  await refused.assign(topic, 0, 0)
  await expect(refused.poll()).rejects.toThrow('broker 1 speaks Fetch up to 12')
})

test('a callback that throws ends the reading at the batch that it was given', async () => {
  const { reader } = await reading({ 1: { batches: batches(0, 20, 1) } })
  await expect(
    reader.readToEnd(({ offset }) => {
      if (offset === 7) throw new Error('mine')
    })
  ).rejects.toThrow('mine')
  expect(reader.positions()[0]!.offset).toBe(5)
  const seen: number[] = []
  await reader.readToEnd(({ offset }) => void seen.push(offset))
  expect(seen).toEqual(range(5, 20))
})

test('a start that is no offset is refused', async () => {
  const reader = new PositionReader(scriptedBrokers({ 1: { batches: [] } }), {})
  await expect(reader.assign(topic, 0, -1)).rejects.toThrow('expected a whole number')
  await expect(reader.assign(topic, 0, 2 ** 60)).rejects.toThrow('expected a whole number')
})
