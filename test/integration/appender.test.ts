import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openAdmin } from '#shared/kafka/admin/index.ts'
import { type AppenderOptions, openAppender } from '#shared/kafka/appender/index.ts'
import { KafkaFault } from '#shared/kafka/errors.ts'
import { openLogReader } from '#shared/kafka/log-reader/index.ts'
import type { Admin, Appender, LogRecord, NewRecord } from '#shared/kafka/ports.ts'
import { type Loss, LossyCluster } from '../support/lossy-cluster.ts'
import { consoleConsumer } from '../support/console-consumer.ts'
import { stack, superUser, unique } from '../support/stack.ts'

const apiKeys = { produce: 0, initProducerId: 22, addPartitions: 24, endTxn: 26 }
const topics: string[] = []
const opened: { close(): Promise<void> }[] = []
let admin: Admin

beforeAll(async () => {
  admin = await openAdmin(superUser())
})
afterAll(async () => {
  await Promise.all(opened.map(each => each.close()))
  const { topics: found } = await admin.scan({ atMs: Date.now() })
  for (const name of topics) await admin.deleteTopicById(found.get(name)!.topicId)
  await admin.close()
})

async function newTopic(partitions = 3, configs: Record<string, string> = {}): Promise<string> {
  const name = unique('appender')
  topics.push(name)
  await admin.createTopics([{ name, partitions, configs }])
  return name
}

function lossy(): LossyCluster {
  const cluster = new LossyCluster({ ...superUser(), requestTimeoutMs: 5_000 })
  opened.push(cluster)
  return cluster
}

async function appender(options: AppenderOptions, to: Parameters<typeof openAppender>[0] = superUser()): Promise<Appender> {
  const one = await openAppender(to, options)
  opened.unshift(one)
  return one
}

const record = (topic: string, partition: number, value: string): NewRecord => ({ topic, partition, key: null, value: Buffer.from(value) })

async function committed(topic: string, partitions = 3): Promise<LogRecord[]> {
  const reader = await openLogReader(superUser())
  try {
    for (let partition = 0; partition < partitions; partition++) await reader.assign(topic, partition, 'start')
    const records: LogRecord[] = []
    await reader.readToEnd(one => records.push(one))
    return records.sort((one, other) => one.partition - other.partition || one.offset - other.offset)
  } finally {
    await reader.close()
  }
}
const values = async (topic: string): Promise<string[]> => (await committed(topic)).map(({ value }) => value?.toString() ?? 'null')
/** An append resolves when the commit is decided; the markers that let readers see it come a moment later. */
const becomes = (topic: string): ReturnType<typeof expect.poll<string[]>> => expect.poll(() => values(topic), { timeout: 15_000 })

async function faultOf(work: Promise<unknown>): Promise<KafkaFault> {
  const error = await work.then(
    () => new Error('expected a KafkaFault, but it went well'),
    (reason: unknown) => reason
  )
  if (!(error instanceof KafkaFault)) throw error
  return error
}

describe.each([
  ['transactions with an epoch each (transaction.version 2)', 'finalized' as const],
  ['the protocol before KIP-890', 1]
])('%s', (_name, transactionVersion) => {
  const fenced = async (options: Partial<AppenderOptions> = {}, to?: LossyCluster): Promise<Appender> => {
    const one = await appender({ transactionalId: unique('appender'), transactionVersion, ...options }, to)
    await one.fence()
    return one
  }

  test('one append puts all its records into several topics, at the offsets it says', async () => {
    const [first, second] = [await newTopic(), await newTopic()]
    const writer = await fenced()
    const records: NewRecord[] = [
      {
        topic: first,
        partition: 2,
        key: Buffer.from('k'),
        value: Buffer.from('a'),
        headers: [
          { key: 'h', value: null },
          { key: 'é', value: Buffer.from('x') }
        ],
        timestampMs: 1_700_000_000_123
      },
      record(second, 0, 'b'),
      record(first, 2, 'c'),
      { topic: first, partition: 0, key: Buffer.alloc(0), value: null },
      record(second, 1, 'd')
    ]
    for (let round = 0; round < 3; round++) {
      const { offsets, logAppendTimeMs } = await writer.append(records)
      expect(logAppendTimeMs).toBeNull()
      await expect.poll(async () => (await values(first)).length + (await values(second)).length, { timeout: 15_000 }).toBe(records.length * (round + 1))
      const found = [...(await committed(first)), ...(await committed(second))]
      for (const [index, sent] of records.entries())
        expect(found).toContainEqual({ headers: [], timestampMs: expect.any(Number), ...sent, offset: offsets[index] })
    }
  })

  test('concurrent appends keep the order of the calls', async () => {
    const topic = await newTopic()
    const writer = await fenced()
    const answers = await Promise.all(Array.from({ length: 25 }, (_, index) => writer.append([record(topic, 1, String(index))])))
    await becomes(topic).toEqual(Array.from({ length: 25 }, (_, index) => String(index)))
    const offsets = answers.map(answer => answer.offsets[0]!)
    expect(offsets).toEqual([...offsets].sort((one, other) => one - other))
  })

  test('a second writer fences the first within two seconds, also in the midst of its transaction, which never becomes visible', async () => {
    const topic = await newTopic()
    const transactionalId = unique('appender')
    const network = lossy()
    const first = await fenced({ transactionalId }, network)
    await first.append([record(topic, 0, 'kept')])
    const second = await appender({ transactionalId, transactionVersion })
    let tookMs = Infinity
    network.lose = async (apiKey): Promise<Loss> => {
      if (apiKey === apiKeys.endTxn && tookMs === Infinity) {
        const start = performance.now()
        await second.fence()
        tookMs = performance.now() - start
      }
      return 'none'
    }
    const fault = await faultOf(first.append([record(topic, 0, 'zombie'), record(topic, 1, 'zombie')]))
    expect(fault).toMatchObject({ kind: 'fenced', outcome: 'refused' })
    expect(tookMs).toBeLessThan(2_000)
    const before = network.counts.requestsByApiKey.get(apiKeys.produce)
    expect(await faultOf(first.append([record(topic, 0, 'zombie')]))).toMatchObject({ kind: 'fenced', outcome: 'refused' })
    expect(await faultOf(first.fence())).toMatchObject({ kind: 'fenced' })
    expect(network.counts.requestsByApiKey.get(apiKeys.produce)).toBe(before)
    await second.append([record(topic, 0, 'of the successor')])
    await becomes(topic).toEqual(['kept', 'of the successor'])
  })

  test("a successor's fence ends the open transaction of a writer that is gone", async () => {
    const topic = await newTopic()
    const transactionalId = unique('appender')
    const network = lossy()
    const gone = await fenced({ transactionalId }, network)
    const successor = await appender({ transactionalId, transactionVersion })
    // Lost until the successor has taken over: the records are in the log by then, the transaction is open.
    network.lose = apiKey => (apiKey === apiKeys.endTxn ? 'request' : 'none')
    const left = gone.append([record(topic, 0, 'open')])
    left.catch(() => undefined)
    await expect.poll(() => network.lost.get(apiKeys.endTxn) ?? 0, { timeout: 15_000 }).toBeGreaterThan(0)
    await successor.fence()
    network.lose = () => 'none'
    expect(await values(topic)).toEqual([])
    await successor.append([record(topic, 0, 'committed')])
    await becomes(topic).toEqual(['committed'])
    expect(await faultOf(left)).toMatchObject({ kind: 'fenced', outcome: 'unknown' })
  })

  test("Java's read_committed consumer sees what was committed and nothing else", async () => {
    const topic = await newTopic()
    const narrow = await newTopic(1, { 'max.message.bytes': '100' })
    const writer = await fenced()
    const expected: string[] = []
    for (let index = 0; index < 12; index++) {
      const batch = [0, 1, 2].map(partition => `${index}.${partition}`)
      const records = batch.map((value, partition) => record(topic, partition, value))
      if (index % 3 === 1)
        expect(await faultOf(writer.append([...records, record(narrow, 0, 'x'.repeat(500))]))).toMatchObject({
          outcome: 'refused',
          apiError: 'MESSAGE_TOO_LARGE'
        })
      else expected.push(...(await writer.append(records), batch))
    }
    await becomes(topic).toHaveLength(expected.length)
    const lines = await consoleConsumer(topic, line => /^\d+\.\d$/.test(line))
    expect(lines.sort()).toEqual(expected.sort())
  })

  test('a batch whose answer is lost is written once', async () => {
    const topic = await newTopic()
    const network = lossy()
    const writer = await fenced({}, network)
    for (let index = 0; index < 3; index++) {
      let lost = 0
      network.lose = apiKey => (apiKey === apiKeys.produce && lost++ < 3 ? 'answer' : 'none')
      const { offsets } = await writer.append([record(topic, 0, `a${index}`), record(topic, 0, `b${index}`)])
      await expect.poll(() => values(topic), { timeout: 15_000 }).toHaveLength(2 * (index + 1))
      const found = await committed(topic)
      expect(found.slice(-2).map(({ offset, value }) => [offset, value!.toString()])).toEqual([
        [offsets[0], `a${index}`],
        [offsets[1], `b${index}`]
      ])
    }
  })

  test('a commit whose answer is lost is found to be done', async () => {
    const topic = await newTopic()
    const network = lossy()
    const writer = await fenced({}, network)
    for (let index = 0; index < 3; index++) {
      let lost = 0
      network.lose = apiKey => (apiKey === apiKeys.endTxn && lost++ < 2 ? 'answer' : 'none')
      await writer.append([record(topic, 0, String(index))])
    }
    network.lose = () => 'none'
    await writer.append([record(topic, 0, 'after')])
    await becomes(topic).toEqual(['0', '1', '2', 'after'])
  })

  test.each(['request', 'answer'] as const)(
    'a commit that is never answered (lost %s) ends unknown, settled for the one who reads back, and the next append works',
    async loss => {
      const topic = await newTopic()
      const network = lossy()
      const writer = await fenced({ deadlineMs: 2_000 }, network)
      network.lose = apiKey => (apiKey === apiKeys.endTxn ? loss : 'none')
      expect(await faultOf(writer.append([record(topic, 0, 'in doubt'), record(topic, 1, 'in doubt')]))).toMatchObject({ outcome: 'unknown' })
      expect(await values(topic)).toEqual(loss === 'answer' ? ['in doubt', 'in doubt'] : [])
      network.lose = () => 'none'
      await writer.append([record(topic, 2, 'after')])
      await becomes(topic).toContain('after')
    }
  )

  test('lost answers of InitProducerId make no writer fence itself', async () => {
    const topic = await newTopic()
    const network = lossy()
    let lost = 0
    network.lose = apiKey => (apiKey === apiKeys.initProducerId && lost++ < 2 ? 'answer' : 'none')
    const writer = await fenced({ deadlineMs: 2_000 }, network)
    lost = 0
    network.lose = apiKey => (apiKey === apiKeys.endTxn && lost === 0 ? 'request' : apiKey === apiKeys.initProducerId && lost++ < 2 ? 'answer' : 'none')
    expect(await faultOf(writer.append([record(topic, 0, 'in doubt')]))).toMatchObject({ outcome: 'unknown' })
    network.lose = () => 'none'
    await writer.append([record(topic, 0, 'after')])
    await becomes(topic).toEqual(['after'])
  })

  test('what no broker would take is refused in words, and the next append works', async () => {
    const topic = await newTopic(3, { 'max.message.bytes': '5000' })
    const writer = await fenced()
    expect(await faultOf(writer.append([]))).toMatchObject({ outcome: 'refused', message: expect.stringContaining('at least one record') })
    expect(await faultOf(writer.append([record(topic, -1, 'x')]))).toMatchObject({ outcome: 'refused', message: expect.stringContaining('partition -1') })
    const tooLarge = await faultOf(writer.append([record(topic, 0, 'goes down with it'), { ...record(topic, 1, ''), value: Buffer.alloc(6_000) }]))
    expect(tooLarge).toMatchObject({ outcome: 'refused', apiError: 'MESSAGE_TOO_LARGE' })
    expect(tooLarge.message).toMatch(new RegExp(`60\\d\\d bytes to ${topic}-1: MESSAGE_TOO_LARGE: the topic takes at most 5000 bytes`))
    expect(await faultOf(writer.append([record(topic, 0, 'x'), record(topic, 99, 'x')]))).toMatchObject({
      outcome: 'refused',
      apiError: 'UNKNOWN_TOPIC_OR_PARTITION'
    })
    await writer.append([record(topic, 0, 'good')])
    await becomes(topic).toEqual(['good'])
  })

  test('more than one batch can hold is still one transaction, in order', async () => {
    const topic = await newTopic()
    const writer = await fenced({ maxBatchBytes: 2_000 })
    const sent = Array.from({ length: 60 }, (_, index) => record(topic, 0, `${index} ${'x'.repeat(150)}`))
    const { offsets } = await writer.append(sent)
    expect(offsets).toEqual(Array.from({ length: 60 }, (_, index) => offsets[0]! + index))
    await becomes(topic).toEqual(sent.map(({ value }) => value!.toString()))
    await writer.append([record(topic, 0, 'after')])
  })
})

test('nothing is appended before the fence, nor after close', async () => {
  const topic = await newTopic()
  const writer = await appender({ transactionalId: unique('appender') })
  expect(await faultOf(writer.append([record(topic, 0, 'x')]))).toMatchObject({ outcome: 'refused', message: expect.stringContaining('fence()') })
  await writer.close()
  expect(await faultOf(writer.fence())).toMatchObject({ message: expect.stringContaining('closed') })
})

test("the broker's own time is told where the topic keeps it", async () => {
  const topic = await newTopic(1, { 'message.timestamp.type': 'LogAppendTime' })
  const writer = await appender({ transactionalId: unique('appender') })
  await writer.fence()
  const { logAppendTimeMs } = await writer.append([{ ...record(topic, 0, 'x'), timestampMs: 1_000 }])
  expect(Math.abs(logAppendTimeMs! - Date.now())).toBeLessThan(10_000)
  await expect.poll(async () => (await committed(topic, 1))[0]?.timestampMs, { timeout: 15_000 }).toBe(logAppendTimeMs)
})

test('a wrong password and an address where nobody listens are told at once', async () => {
  const sasl = { mechanism: 'SCRAM-SHA-512' as const, username: 'admin', password: 'wrong' }
  expect(await faultOf(openAppender({ brokers: stack().saslBrokers, clientId: 'test', sasl }, { transactionalId: 'x' }))).toMatchObject({
    kind: 'authentication'
  })
  expect(await faultOf(openAppender({ brokers: ['127.0.0.1:1'], clientId: 'test' }, { transactionalId: 'x' }))).toMatchObject({ kind: 'unreachable' })
})
