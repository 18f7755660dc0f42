import { Kafka, logLevel } from 'kafkajs'
import { openAppender } from '#shared/kafka/appender/index.ts'
import { openLogReader } from '#shared/kafka/log-reader/index.ts'
import type { LogReaderHarness } from '../contract/log-reader.contract.ts'
import { createTopicWithLeaders } from './kafkajs-topics.ts'
import { stack, superUser, unique } from './stack.ts'

/** The contract's cluster on the stack's brokers; kafkajs leaves transactions open and deletes. */
export async function brokerLogHarness(): Promise<LogReaderHarness> {
  const kafka = new Kafka({ brokers: [...stack().brokers], clientId: 'log-harness', logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const topics: string[] = []
  const disconnects: (() => Promise<void>)[] = []
  return {
    name: 'brokers',
    async createTopic(partitions) {
      const topic = unique('log')
      topics.push(topic)
      await createTopicWithLeaders(admin, { topic, numPartitions: partitions, replicationFactor: 3 })
      return topic
    },
    async recreateTopic(topic) {
      await admin.deleteTopics({ topics: [topic] })
      for (;;) {
        // The old one may be there for a moment yet.
        const created = await createTopicWithLeaders(admin, { topic, numPartitions: 1, replicationFactor: 3 }).catch(() => false)
        if (created) return
      }
    },
    openReader: () => openLogReader(superUser('log-reader')),
    openAppender: () => openAppender(superUser('appender'), { transactionalId: unique('writer') }),
    async openTransaction(records) {
      const producer = kafka.producer({ transactionalId: unique('open'), idempotent: true, maxInFlightRequests: 1 })
      await producer.connect()
      disconnects.push(() => producer.disconnect())
      const transaction = await producer.transaction()
      for (const { topic, partition, key, value } of records) await transaction.send({ topic, messages: [{ partition, key, value }] })
      return { commit: () => transaction.commit(), abort: () => transaction.abort() }
    },
    async settled(topic, partitions) {
      const reader = await openLogReader(superUser('settle'))
      for (const partition of partitions) await reader.assign(topic, partition, 'end')
      const unsettled = new Set(partitions)
      while (unsettled.size > 0)
        for (const { partition, lastStableOffset, highWatermark } of await reader.poll({ maxWaitMs: 20 }))
          if (lastStableOffset === highWatermark) unsettled.delete(partition)
      await reader.close()
    },
    async deleteRecords(topic, partition, before) {
      // kafkajs knows the leaders only of topics that it was asked about before.
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] })
    },
    async close() {
      await Promise.all(disconnects.map(disconnect => disconnect()))
      await admin.deleteTopics({ topics })
      await admin.disconnect()
    }
  }
}
