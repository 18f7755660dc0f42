import { setTimeout as sleep } from 'node:timers/promises'
import { openAppender } from '#shared/kafka/appender/index.ts'
import { KafkaFault } from '#shared/kafka/errors.ts'
import { openLogReader } from '#shared/kafka/log-reader/index.ts'
import type { NewRecord } from '#shared/kafka/ports.ts'
import { randomFrom } from './seeded.ts'

/**
 * A process that appends 0, 1, 2 … over the partitions of a topic in transactions of random size, and is killed by a fault test.
 * At its start, and whenever an append ends unknown, it goes on from what it reads back. Says on its standard output, a line
 * of JSON each, what it knows: `fenced`, `acked`, `refused`, `unknown`, `dead`. Ends with 3 when another has taken over.
 */
export interface WriterOptions {
  readonly brokers: readonly string[]
  readonly transactionalId: string
  readonly topic: string
  readonly partitions: number
  readonly transactionTimeoutMs: number
  readonly transactionVersion: number | 'finalized'
  readonly seed: number
}

export type WriterLine =
  | { readonly event: 'fenced'; readonly tookMs: number; readonly next: number }
  | { readonly event: 'acked'; readonly next: number; readonly records: number }
  | { readonly event: 'refused' | 'unknown'; readonly message: string }
  | { readonly event: 'dead'; readonly message: string }

const options = JSON.parse(process.argv[2]!) as WriterOptions
const random = randomFrom(options.seed)
const connection = { brokers: options.brokers, clientId: `writer-${process.pid}`, requestTimeoutMs: 5_000 }
const say = (line: WriterLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

async function committedEnd(): Promise<number> {
  const reader = await openLogReader(connection)
  try {
    for (let partition = 0; partition < options.partitions; partition++) await reader.assign(options.topic, partition, 'start')
    let end = 0
    await reader.readToEnd(record => {
      end = Math.max(end, Number(record.value!.toString()) + 1)
    })
    return end
  } finally {
    await reader.close()
  }
}

function transaction(from: number): NewRecord[] {
  const size = random() < 0.1 ? 200 + Math.floor(random() * 800) : 1 + Math.floor(random() * 20)
  return Array.from({ length: size }, (_, index) => ({
    topic: options.topic,
    partition: Math.floor(random() * options.partitions),
    key: null,
    value: Buffer.from(String(from + index))
  }))
}

const { transactionalId, transactionTimeoutMs, transactionVersion } = options
const appender = await openAppender(connection, { transactionalId, transactionTimeoutMs, transactionVersion, deadlineMs: 15_000 })
const started = performance.now()
await appender.fence()
const tookMs = Math.round(performance.now() - started)
let next = await committedEnd()
say({ event: 'fenced', tookMs, next })

for (;;) {
  const records = transaction(next)
  try {
    await appender.append(records)
    next += records.length
    say({ event: 'acked', next, records: records.length })
  } catch (error) {
    if (!(error instanceof KafkaFault)) throw error
    if (error.kind === 'fenced') {
      say({ event: 'dead', message: error.message })
      process.exit(3)
    }
    say({ event: error.outcome, message: error.message })
    if (error.outcome === 'unknown') next = await committedEnd()
  }
  await sleep(Math.floor(random() * 30))
}
