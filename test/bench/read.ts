import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { createTopicWithLeaders } from '#test/support/kafkajs-topics.ts'
import { javaOutput, stack, unique } from '#test/support/stack.ts'
import type { Reading } from './contenders/reading.ts'
import { type Contender, measure, report, type Row, runAlone } from './harness.ts'

// How fast a topic is read from its start to its end: the log reader beside the clients that others use.

const { values } = parseArgs({ options: { scale: { type: 'string', default: '1' }, rounds: { type: 'string', default: '3' } } })
const scale = Number(values.scale)
const rounds = Number(values.rounds)
if (!(scale > 0) || !Number.isInteger(rounds) || rounds < 1) throw new Error('expected --scale FACTOR above 0 and --rounds COUNT from 1')
const partitions = 4
const kinds = [
  { what: '100 B', recordBytes: 100, records: 2_000_000 * scale, compression: 'none' },
  { what: '100 B lz4', recordBytes: 100, records: 2_000_000 * scale, compression: 'lz4' },
  { what: '1 KB', recordBytes: 1_000, records: 400_000 * scale, compression: 'none' },
  { what: '1 KB lz4', recordBytes: 1_000, records: 400_000 * scale, compression: 'lz4' }
]
const { brokers } = stack()
const admin = new Kafka({ brokers: [...brokers], clientId: 'bench', logLevel: logLevel.NOTHING }).admin()
const readings = new Map<string, Reading>()

async function fill({ what, recordBytes, records, compression }: (typeof kinds)[number]): Promise<void> {
  const topic = unique('bench-read')
  await createTopicWithLeaders(admin, { topic, numPartitions: partitions, replicationFactor: 1 })
  readings.set(what, { brokers, topic, partitions, records })
  console.error(`writing ${records} records of ${what}`)
  const load = ['--topic', topic, '--num-records', String(records), '--record-size', String(recordBytes), '--throughput', '-1']
  const producer = [`bootstrap.servers=${brokers.join(',')}`, `compression.type=${compression}`, 'linger.ms=10']
  await javaOutput('org.apache.kafka.tools.ProducerPerformance', [...load, '--producer-props', ...producer])
}

function inNode(who: string, file: string): Contender {
  return {
    who,
    async run(what) {
      const result = await runAlone(new URL(`./contenders/${file}.ts`, import.meta.url).pathname, readings.get(what))
      return (result as { recordsPerSecond: number }).recordsPerSecond
    }
  }
}

/** Its own figure without the time of joining the group (fetch.nMsg.sec, the last column). */
const java: Contender = {
  who: 'Java ConsumerPerformance',
  async run(what) {
    const { topic, records } = readings.get(what)!
    const args = ['--bootstrap-server', brokers.join(','), '--topic', topic, '--messages', String(records), '--hide-header', '--timeout', '30000']
    const output = await javaOutput('org.apache.kafka.tools.ConsumerPerformance', args)
    const figures = output.trim().split('\n').at(-1)!.split(', ').map(Number)
    if (figures.length !== 10 || figures[4]! < records) throw new Error(`ConsumerPerformance printed ${output}`)
    return figures.at(-1)!
  }
}

const confluent = inNode('@confluentinc/kafka-javascript', 'confluent')
const contenders: Contender[] = [
  inNode('log-reader raw', 'log-reader-raw'),
  java,
  inNode('log-reader decoded', 'log-reader-decoded'),
  inNode('kafkajs', 'kafkajs'),
  inNode('@platformatic/kafka', 'platformatic'),
  existsSync(new URL('../../.local/confluent/node_modules', import.meta.url)) ? confluent : { ...confluent, missing: 'not built in .local/confluent' }
]

await admin.connect()
try {
  for (const kind of kinds) await fill(kind)
  const rows = await measure({ contenders, tasks: kinds.map(kind => kind.what), rounds, unit: 'records/s' })
  report('read', rows, [
    ratioGoal(rows, 'log-reader raw', java.who, '100 B', 3),
    ...kinds.map(kind => ratioGoal(rows, 'log-reader decoded', 'kafkajs', kind.what, 1))
  ])
} finally {
  await admin.deleteTopics({ topics: [...readings.values()].map(reading => reading.topic) })
  await admin.disconnect()
}

function ratioGoal(
  rows: readonly Row[],
  who: string,
  other: string,
  what: string,
  atLeast: number
): { what: string; goal: string; measured: number; met: boolean } {
  const value = (name: string): number => rows.find(row => row.who === name && row.what === what)!.value
  const measured = Math.round((value(who) / value(other)) * 100) / 100
  return { what: `${who} / ${other}, ${what}`, goal: `>= ${atLeast}`, measured, met: measured >= atLeast }
}
