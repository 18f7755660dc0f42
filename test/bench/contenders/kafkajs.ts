import { Kafka, logLevel } from 'kafkajs'
import { counter, reading } from './reading.ts'

const consumer = new Kafka({ brokers: [...reading.brokers], clientId: 'bench', logLevel: logLevel.NOTHING }).consumer({
  groupId: `bench-${process.pid}-${Date.now()}`
})
await consumer.connect()
await consumer.subscribe({ topic: reading.topic, fromBeginning: true })
const { begin, count } = counter()
await consumer.run({
  autoCommit: false,
  partitionsConsumedConcurrently: reading.partitions,
  // The join is not counted: the clock starts with the first batch, which is counted in full.
  eachBatch: async ({ batch }) => {
    begin()
    if (count(batch.messages.length)) void consumer.disconnect()
  }
})
