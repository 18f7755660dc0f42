import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import kafkajs from 'kafkajs'
import { type ConsumerOptions, kafkajsConfig } from '#deploy/local/consumers/options.ts'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { until } from './replica.ts'

const program = join(import.meta.dirname, '../../deploy/local/consumers/governed.ts')

export interface Consumer {
  readonly child: ChildProcess
  readonly lines: { readonly event: string; readonly handled?: number }[]
  /** How many records it has handled, as far as it said. */
  handled(): number
  heard(event: string, boundMs?: number): Promise<void>
  /** Its dependency is back. */
  fix(): void
  kill(): Promise<void>
}

/** Makes a topic with so many records, one partition. */
export async function topicWithRecords(kafka: Kafka, topic: string, records: number): Promise<void> {
  await kafka.admin.createTopics([{ name: topic, partitions: 1 }])
  const appender = await kafka.openAppender(`${topic}-producer`)
  await appender.fence()
  await appender.append(Array.from({ length: records }, (_, index) => ({ topic, partition: 0, key: null, value: Buffer.from(`record ${index}`) })))
  await appender.close()
}

/** Commits the beginning of a topic for a group: without a commit its lag would be unknown. */
export async function commitStart(connection: KafkaConnection, groupId: string, topic: string): Promise<void> {
  const admin = new kafkajs.Kafka({ ...kafkajsConfig(connection), logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] })
  await admin.disconnect()
}

/** A consumer by kafkajs with the SDK, in a process of its own, that stands still in front of its first record until it is fixed. */
export function startStuck(options: Pick<ConsumerOptions, 'connection' | 'groupId' | 'topics' | 'prefix'>): Consumer {
  const told = JSON.stringify({ ...options, behaviour: 'stuck', sdk: true } satisfies Partial<ConsumerOptions>)
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, CONSUMER_OPTIONS: told } })
  const lines: Consumer['lines'] = []
  let errors = ''
  child.stdin.on('error', () => {})
  child.stderr.on('data', chunk => (errors += String(chunk)))
  createInterface({ input: child.stdout }).on('line', line => lines.push(JSON.parse(line) as Consumer['lines'][number]))
  const ended = new Promise<void>(resolve => child.on('close', () => resolve()))
  return {
    child,
    lines,
    handled: () => lines.reduce((most, { handled = 0 }) => Math.max(most, handled), 0),
    heard: (event, boundMs = 60_000) =>
      until(`${options.groupId}: ${event}`, () => lines.some(line => line.event === event), boundMs).catch((error: Error) => {
        throw new Error(`${error.message}; it said ${JSON.stringify(lines.slice(-5))} ${errors.slice(-1_000)}`, { cause: error })
      }),
    fix: () => void child.stdin.write('fixed\n'),
    async kill() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
    }
  }
}
