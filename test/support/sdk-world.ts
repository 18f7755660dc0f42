import kafkajs, { type Admin, type Producer } from 'kafkajs'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import { openLogReader } from '#shared/kafka/log-reader/index.ts'
import { type Ack, ackSchema, decode } from '#shared/sdk/protocol.ts'
import { superUser, unique } from './stack.ts'

/** What the tests of the SDK's adapters stand on: topics of their own, and somebody who writes commands and records. */
export interface SdkWorld {
  readonly connection: KafkaConnection
  readonly kafka: kafkajs.Kafka
  readonly admin: Admin
  /** Writes a record to the partition that its header names. */
  readonly producer: Producer
  readonly prefix: string
  /** Deleted at the end; a test that deletes one itself takes it out. */
  readonly topics: string[]
  /** Set once the tests begin. */
  clusterId: string
  /** Resolves once each partition has a leader, as kafkajs sees it. */
  createTopic(topic: string, partitions: number): Promise<string>
  /** The latest ack of each member of a group, by member id. */
  acksOf(groupId: string): Promise<Map<string, Ack>>
}

/** Opened before and closed after the tests of a file, with a control topic and one for acknowledgements. */
export function sdkWorld(name: string): SdkWorld {
  const connection = superUser(name)
  const kafka = new kafkajs.Kafka({ brokers: [...connection.brokers], clientId: name, logLevel: kafkajs.logLevel.NOTHING })
  const admin = kafka.admin()
  const producer = kafka.producer({
    createPartitioner:
      () =>
      ({ message }) =>
        Number(message.headers?.['partition'] ?? 0)
  })
  const topics: string[] = []
  const world: SdkWorld = {
    connection,
    kafka,
    admin,
    producer,
    topics,
    prefix: unique(name),
    clusterId: '',
    async createTopic(topic, partitions) {
      topics.push(topic)
      await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: partitions, replicationFactor: 3 }] })
      // Brokers learn of it one after another, and kafkajs takes the first one that does not know it for the last word.
      const led = async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions.every(each => each.leader >= 0)
      await vi.waitFor(async () => expect(await led()).toBe(true), { timeout: 10_000 })
      return topic
    },
    async acksOf(groupId) {
      const reader = await openLogReader(connection)
      const latest = new Map<string, Ack>()
      try {
        await reader.assign(`${world.prefix}.acks`, 0, 'start')
        await reader.readToEnd(record => {
          const ack = decode(ackSchema, record.value)
          if (ack?.groupId === groupId) latest.set(ack.memberId, ack)
        })
      } finally {
        await reader.close()
      }
      return latest
    }
  }
  beforeAll(async () => {
    await Promise.all([admin.connect(), producer.connect()])
    world.clusterId = (await admin.describeCluster()).clusterId
    for (const part of ['control', 'acks']) await world.createTopic(`${world.prefix}.${part}`, 1)
  })
  afterAll(async () => {
    await admin.deleteTopics({ topics })
    await Promise.all([admin.disconnect(), producer.disconnect()])
  })
  return world
}
