import { compressionsAlgorithms } from '@platformatic/kafka'
import kafkajs from 'kafkajs'
import { counter, reading } from './reading.ts'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs

// kafkajs has no LZ4 of its own; it gets the one that the log reader uses.
const { lz4 } = compressionsAlgorithms
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async (encoder: { buffer: Buffer }) => lz4.compressSync(encoder.buffer),
  decompress: async (bytes: Buffer) => lz4.decompressSync(bytes)
})

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
