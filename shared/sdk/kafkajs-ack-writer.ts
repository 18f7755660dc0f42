import type { Kafka } from 'kafkajs'
import type { AckWriter } from './acks.ts'

/** Acks through a producer of the owner's own client: the same principal, the same settings. It never creates the topic. */
export function kafkajsAckWriter(kafka: Kafka, topic: string): AckWriter {
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: () => () => 0, retry: { retries: 1 } })
  let connected: Promise<void> | null = null
  return {
    async write(key, ack) {
      try {
        await (connected ??= producer.connect())
        await producer.send({ topic, acks: -1, timeout: 5_000, messages: [{ key, value: JSON.stringify(ack) }] })
      } catch (error) {
        connected = null
        throw error
      }
    },
    close: () => producer.disconnect()
  }
}
