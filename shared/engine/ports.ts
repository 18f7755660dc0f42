import type { Kafka, LogReader } from '../kafka/ports.ts'
import { Peeker } from './peeker.ts'
import { Serial } from './serial.ts'
import type { Ports, ReeveTopics } from './agent.ts'

/** A peek wants one record: what else lies in its partition is not asked for. A single larger batch still comes through. */
const peekBytes = 65_536

/** Opens what one agent may touch, as its own principal. The appender is not fenced yet: leading does that. */
export async function openPorts(kafka: Kafka, clusterId: string, topics: ReeveTopics, transactionalId: string): Promise<Ports & { close(): Promise<void> }> {
  const tables = new Map<string, Table>()
  const reader = await kafka.openReader({ maxPartitionBytes: peekBytes })
  const peeker = new Peeker(reader)
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
    peek: (topic, partition, offset) => peeker.peek(topic, partition, offset),
    async close() {
      await Promise.all([reader.close(), ...[...tables.values()].map(table => table.close())])
    }
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
