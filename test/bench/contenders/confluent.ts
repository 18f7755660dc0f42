import { createRequire } from 'node:module'
import { counter, reading } from './reading.ts'

interface Batch {
  readonly batch: { readonly messages: readonly unknown[] }
}
interface Consumer {
  connect(): Promise<void>
  subscribe(options: { topic: string }): Promise<void>
  run(options: { partitionsConsumedConcurrently: number; eachBatch(batch: Batch): Promise<void> }): Promise<void>
  disconnect(): Promise<void>
}

const require = createRequire(new URL('../../../.local/confluent/', import.meta.url))
const { KafkaJS } = require('@confluentinc/kafka-javascript') as { KafkaJS: { Kafka: new (options: object) => { consumer(options: object): Consumer } } }
const consumer = new KafkaJS.Kafka({ kafkaJS: { brokers: [...reading.brokers], logLevel: 0 } }).consumer({
  kafkaJS: { groupId: `bench-${process.pid}-${Date.now()}`, fromBeginning: true, autoCommit: false }
})
await consumer.connect()
await consumer.subscribe({ topic: reading.topic })
const { begin, count } = counter()
await consumer.run({
  partitionsConsumedConcurrently: reading.partitions,
  // The join is not counted: the clock starts with the first batch, which is counted in full.
  eachBatch: async ({ batch }) => {
    begin()
    if (count(batch.messages.length)) void consumer.disconnect()
  }
})
