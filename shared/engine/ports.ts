import type { Kafka, LogReader } from '../kafka/ports.ts'
import { Serial } from './serial.ts'
import type { Ports, ReeveTopics } from './agent.ts'

/** Bound of one look for a data record behind markers and compacted tails. */
const peekDeadlineMs = 5_000

/** Opens what one agent may touch, as its own principal. The appender is not fenced yet: leading does that. */
export async function openPorts(kafka: Kafka, clusterId: string, topics: ReeveTopics, transactionalId: string): Promise<Ports & { close(): Promise<void> }> {
  const tables = new Map<string, Table>()
  const peeker = await kafka.openReader()
  const peeks = new Serial()
  return {
    clusterId,
    topics,
    admin: kafka.admin,
    appender: await kafka.openAppender(transactionalId),
    async table(topic) {
      const table = tables.get(topic) ?? new Table(topic, await kafka.openReader())
      tables.set(topic, table)
      return table.read()
    },
    peek: (topic, partition, offset) => peeks.run(() => peek(peeker, topic, partition, offset)),
    async close() {
      await Promise.all([peeker.close(), ...[...tables.values()].map(table => table.close())])
    }
  }
}

async function peek(reader: LogReader, topic: string, partition: number, offset: number): Promise<{ offset: number; timestampMs: number } | null> {
  const deadline = performance.now() + peekDeadlineMs
  await reader.assign(topic, partition, offset)
  try {
    for (;;) {
      for (const fetched of await reader.poll({ maxWaitMs: 100 })) {
        const first = fetched.records[0]
        if (first) return { offset: first.offset, timestampMs: first.timestampMs }
        if (fetched.nextOffset >= fetched.lastStableOffset) return null
      }
      if (performance.now() > deadline) throw new Error(`no answer whether ${topic}-${partition} has a record at ${offset} within ${peekDeadlineMs} ms`)
    }
  } finally {
    reader.unassign(topic, partition)
  }
}

/** The latest value by key of a compacted topic of one partition. */
class Table {
  readonly #topic: string
  readonly #reader: LogReader
  readonly #values = new Map<string, { value: Buffer; timestampMs: number }>()
  #opened = false
  readonly #reads = new Serial()

  constructor(topic: string, reader: LogReader) {
    this.#topic = topic
    this.#reader = reader
  }

  read(): Promise<ReadonlyMap<string, { value: Buffer; timestampMs: number }>> {
    return this.#reads.run(() => this.#read())
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }

  async #read(): Promise<ReadonlyMap<string, { value: Buffer; timestampMs: number }>> {
    if (!this.#opened) await this.#reader.assign(this.#topic, 0, 'start')
    this.#opened = true
    await this.#reader.readToEnd(({ key, value, timestampMs }) => {
      if (key === null) return
      if (value === null) this.#values.delete(key.toString('utf8'))
      else this.#values.set(key.toString('utf8'), { value, timestampMs })
    })
    return this.#values
  }
}
