import { spawnSync } from 'node:child_process'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLogReader } from '#shared/kafka/log-reader/index.ts'
import type { ReaderOptions } from '#shared/kafka/log-reader/index.ts'
import { consoleConsumer } from '#test/support/console-consumer.ts'
import { createTopicWithLeaders } from '#test/support/kafkajs-topics.ts'
import { javaOutput, stack, superUser, unique } from '#test/support/stack.ts'

const nothing = '<null>'
let kafka: Kafka
let admin: Admin
const topics: string[] = []

beforeAll(async () => {
  kafka = new Kafka({ brokers: [...stack().brokers], clientId: 'java-compare', logLevel: logLevel.NOTHING })
  admin = kafka.admin()
  await admin.connect()
})
afterAll(async () => {
  await admin.deleteTopics({ topics })
  await admin.disconnect()
})

async function createTopic(prefix: string, partitions: number, configs: Record<string, string> = {}): Promise<string> {
  const topic = unique(prefix)
  topics.push(topic)
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  await createTopicWithLeaders(admin, { topic, numPartitions: partitions, replicationFactor: 1, configEntries })
  return topic
}

async function writeCompressed(topic: string, codec: string): Promise<void> {
  const load = ['--topic', topic, '--num-records', '2000', '--payload-monotonic', '--throughput', '-1', '--transactional-id', unique(codec)]
  const producer = [`bootstrap.servers=${stack().brokers[0]}`, `compression.type=${codec}`, 'linger.ms=20']
  await javaOutput('org.apache.kafka.tools.ProducerPerformance', [...load, '--producer-props', ...producer])
}

/** The lines that Java's console consumer prints of a topic, by partition and offset. */
async function javaLines(topic: string): Promise<string[]> {
  const properties = [
    'print.timestamp=true',
    'print.partition=true',
    'print.offset=true',
    'print.headers=true',
    'print.key=true',
    'print.value=true',
    `null.literal=${nothing}`
  ]
  const isRecord = (line: string): boolean => line.includes('\tPartition:')
  return byPlace(
    await consoleConsumer(
      topic,
      isRecord,
      properties.flatMap(property => ['--property', property])
    )
  )
}

/** The same lines from the log reader. */
async function ourLines(topic: string, partitions: number, options: ReaderOptions = {}): Promise<string[]> {
  const reader = await openLogReader(superUser(), options)
  for (let partition = 0; partition < partitions; partition++) await reader.assign(topic, partition, 'start')
  const lines: string[] = []
  await reader.readToEnd(({ partition, offset, timestampMs, key, value, headers }) => {
    const printed = headers.map(header => `${header.key}:${header.value?.toString() ?? nothing}`).join(',') || 'NO_HEADERS'
    lines.push([`CreateTime:${timestampMs}`, `Partition:${partition}`, `Offset:${offset}`, printed, key ?? nothing, value ?? nothing].join('\t'))
  })
  await reader.close()
  return byPlace(lines)
}

const byPlace = (lines: string[]): string[] => {
  const place = (line: string): number => Number(/Partition:(\d+)/.exec(line)![1]) * 1e9 + Number(/Offset:(\d+)/.exec(line)![1])
  return lines.toSorted((a, b) => place(a) - place(b))
}

/** Every end of a log is stable: markers follow a moment after a commit was answered. */
async function settled(topic: string, partitions: number): Promise<void> {
  const reader = await openLogReader(superUser())
  for (let partition = 0; partition < partitions; partition++) await reader.assign(topic, partition, 'end')
  const stable = new Set<number>()
  while (stable.size < partitions)
    for (const { partition, lastStableOffset, highWatermark } of await reader.poll({ maxWaitMs: 50 }))
      if (lastStableOffset === highWatermark) stable.add(partition)
  await reader.close()
}

/** Interleaved transactions of two producers, each partly committed and partly aborted, over several fetches of a small reader. */
async function writeTransactions(topic: string): Promise<void> {
  const producers = ['one', 'two'].map(name => kafka.producer({ transactionalId: unique(name), idempotent: true, maxInFlightRequests: 1 }))
  const plain = kafka.producer()
  await Promise.all([...producers, plain].map(producer => producer.connect()))
  const messages = (name: string, count: number) =>
    Array.from({ length: count }, (_, index) => ({
      partition: index % 2,
      key: index % 5 === 0 ? null : `${name}-${index}`,
      value: index % 7 === 0 ? null : `${name} ${'v'.repeat(index % 50)}`,
      headers: index % 3 === 0 ? { trace: `${name}${index}`, more: 'yes' } : {}
    }))
  for (const fate of ['abort', 'commit', 'abort', 'abort', 'commit'] as const) {
    const [first, second] = [await producers[0]!.transaction(), await producers[1]!.transaction()]
    for (let round = 0; round < 4; round++) {
      await first.send({ topic, messages: messages(`first-${fate}`, 20) })
      await plain.send({ topic, messages: messages('plain', 5) })
      await second.send({ topic, messages: messages('second', 10) })
    }
    await second.commit()
    await first[fate]()
  }
  await Promise.all([...producers, plain].map(producer => producer.disconnect()))
  await settled(topic, 2)
}

describe("the log reader reads what Java's read_committed console consumer reads", () => {
  let transactions: string
  beforeAll(async () => {
    transactions = await createTopic('transactions', 2)
    await writeTransactions(transactions)
  })

  test('with aborted transactions over several fetches, headers, null keys and tombstones', async () => {
    const java = await javaLines(transactions)
    expect(java.length).toBe(4 * (5 * 5 + 10 * 5 + 20 * 2))
    for (const maxPartitionBytes of [200, 3_000, 1_000_000]) expect(await ourLines(transactions, 2, { maxPartitionBytes })).toEqual(java)
  })

  test('as kcat reads it', async ctx => {
    if (spawnSync('kcat', ['-V']).error) ctx.skip('kcat is not installed')
    const args = [
      '-b',
      stack().brokers[0]!,
      '-C',
      '-t',
      transactions,
      '-o',
      'beginning',
      '-e',
      '-q',
      '-X',
      'isolation.level=read_committed',
      '-f',
      '%p %o %T\n'
    ]
    const lines = spawnSync('kcat', args, { encoding: 'utf8' }).stdout.trim().split('\n')
    const ours = (await ourLines(transactions, 2)).map(line => line.replace(/^CreateTime:(\d+)\tPartition:(\d+)\tOffset:(\d+)\t.*$/, '$2 $3 $1'))
    expect(ours.toSorted()).toEqual(lines.toSorted())
  })

  test('with every codec of the Java producer', async () => {
    const topic = await createTopic('codecs', 1)
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) await writeCompressed(topic, codec)
    await settled(topic, 1)
    const reader = await openLogReader(superUser())
    await reader.assign(topic, 0, 'start')
    const codecs = new Set<number>()
    for (let read = 0; read < 10_000;) {
      for (const { batches } of await reader.pollRaw())
        for (const { header, kind } of batches)
          if (kind === 'data') {
            codecs.add(header.attributes & 7)
            read += header.recordCount
          }
    }
    await reader.close()
    expect([...codecs].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
    expect(await ourLines(topic, 1)).toEqual(await javaLines(topic))
  }, 240_000)

  test('after the cleaner has compacted the log', async () => {
    const configs = {
      'cleanup.policy': 'compact',
      'segment.ms': '200',
      'min.cleanable.dirty.ratio': '0.001',
      'delete.retention.ms': '0',
      'max.compaction.lag.ms': '500'
    }
    const topic = await createTopic('compacted', 1, { ...configs })
    const producer = kafka.producer({ transactionalId: unique('compacted'), idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    for (let round = 0; round < 12; round++) {
      const transaction = await producer.transaction()
      const messages = Array.from({ length: 20 }, (_, index) => ({ key: `key-${index % (round + 3)}`, value: index === 19 ? null : `${round} ${index}` }))
      await transaction.send({ topic, messages })
      await (round % 3 === 2 ? transaction.abort() : transaction.commit())
    }
    await settled(topic, 1)
    const keyed = async (): Promise<number> => (await ourLines(topic, 1)).filter(line => line.includes('key-')).length
    const before = await keyed()
    const plain = kafka.producer()
    await plain.connect()
    // The cleaner leaves the active segment alone, so a record now and then rolls it.
    for (let after = before; after >= before / 2; after = await keyed()) await plain.send({ topic, messages: [{ key: 'roll', value: 'roll' }] })
    await Promise.all([producer.disconnect(), plain.disconnect()])
    // The cleaner may go on while Java reads: only a log that was the same before and after is compared.
    for (let earlier = await ourLines(topic, 1, { maxPartitionBytes: 300 }); ;) {
      const theirs = await javaLines(topic)
      const ours = await ourLines(topic, 1, { maxPartitionBytes: 300 })
      if (ours.join('\n') === earlier.join('\n')) return expect(ours).toEqual(theirs)
      earlier = ours
    }
  }, 120_000)

  test('after records were deleted from the front', async () => {
    await admin.fetchTopicOffsets(transactions)
    await admin.deleteTopicRecords({ topic: transactions, partitions: [{ partition: 0, offset: '133' }] })
    const ours = await ourLines(transactions, 2)
    expect(ours).toEqual(await javaLines(transactions))
    expect(ours[0]).toMatch(/Offset:1[3-9]\d/)
  })
})

test('a leader that moves to another broker costs nothing and brings nothing twice', async () => {
  const topic = await createTopic('moving', 1)
  const producer = kafka.producer()
  await producer.connect()
  const write = (from: number, count: number) =>
    producer.send({ topic, messages: Array.from({ length: count }, (_, index) => ({ partition: 0, value: String(from + index) })) })
  for (let from = 0; from < 1_000; from += 50) await write(from, 50)
  const reader = await openLogReader(superUser(), { maxPartitionBytes: 2_000, maxBytes: 2_000 })
  await reader.assign(topic, 0, 'start')
  const values: number[] = []
  const pollTo = async (count: number): Promise<void> => {
    while (values.length < count)
      for (const { records, moved } of await reader.poll({ maxWaitMs: 100 })) {
        expect(moved).toBeUndefined()
        values.push(...records.map(record => Number(record.value)))
      }
  }
  const brokers = (await admin.describeCluster()).brokers.map(broker => broker.nodeId)
  for (let move = 1; move <= 3; move++) {
    await pollTo(move * 300)
    const leader = (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions[0]!.leader
    const next = brokers[(brokers.indexOf(leader) + 1) % brokers.length]!
    await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment: [{ partition: 0, replicas: [next] }] }] })
    await expect.poll(async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions[0]!.leader, { timeout: 20_000 }).toBe(next)
    await write(900 + move * 100, 100)
  }
  await pollTo(1_300)
  expect(values).toEqual(Array.from({ length: 1_300 }, (_, index) => index))
  await Promise.all([reader.close(), producer.disconnect()])
})

test('a batch larger than the limit still comes through, and does not starve the other partitions', async () => {
  const topic = await createTopic('large', 3)
  const producer = kafka.producer()
  await producer.connect()
  for (let round = 0; round < 5; round++)
    for (const partition of [0, 1, 2]) await producer.send({ topic, messages: [{ partition, value: Buffer.alloc(200_000, round) }] })
  const lines = await ourLines(topic, 3, { maxBytes: 1_000, maxPartitionBytes: 1_000 })
  expect(lines).toHaveLength(15)
  await producer.disconnect()
})
