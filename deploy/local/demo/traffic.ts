import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, type Message, Partitioners, type Producer } from 'kafkajs'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import { kafkajsConfig } from '../consumers/options.ts'
import { cast, poison, topics } from './cast.ts'

// A program of its own: gives the groups their past, then produces a little to every topic, all the time. Says "flowing" once it does.
// Takes the connection as JSON from TRAFFIC_CONNECTION, and ends with SIGTERM or with its standard input.

const poisonAfterRecords = 40
const trickleMs = 250

async function main(kafka: Kafka, signal: AbortSignal): Promise<void> {
  await commitPast(kafka)
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await produceFirst(producer)
  process.stdout.write('flowing\n')
  for (let tick = 0; !signal.aborted; tick++) {
    const batches = Object.values(topics).map(({ name, trickle }) => {
      const due = Math.floor(((tick + 1) * trickle * trickleMs) / 1_000) - Math.floor((tick * trickle * trickleMs) / 1_000)
      return { topic: name, messages: records(name, due) }
    })
    await producer.sendBatch({ topicMessages: batches.filter(({ messages }) => messages.length > 0) })
    await sleep(trickleMs, undefined, { signal }).catch(() => undefined)
  }
  await producer.disconnect()
}

/** What the groups that stand still had read before the demo began. */
async function commitPast(kafka: Kafka): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await Promise.all(
    cast.map(async ({ groupId, topic, readBefore }) => {
      if (readBefore === undefined) return
      const partitions = Array.from({ length: topic.partitions }, (_, partition) => ({ partition, offset: String(readBefore) }))
      await admin.setOffsets({ groupId, topic: topic.name, partitions })
    })
  )
  await admin.disconnect()
}

/** Some good parcels and then a bad one in each partition, as after a careless release of their producer; and clicks that nobody reads. */
async function produceFirst(producer: Producer): Promise<void> {
  const { parcels, clicks } = topics
  const partitions = Array.from({ length: parcels.partitions }, (_, partition) => partition)
  const good = partitions.flatMap(partition => records(parcels.name, poisonAfterRecords).map(record => ({ ...record, partition })))
  const bad = partitions.map(partition => ({ partition, value: `${poison} a parcel with a field that nobody agreed on` }))
  await producer.send({ topic: parcels.name, messages: [...good, ...bad] })
  await producer.send({ topic: clicks.name, messages: records(clicks.name, 3_000) })
}

let lastId = 0
function records(topic: string, count: number): Message[] {
  return Array.from({ length: count }, () => ({
    key: `${topic.split('.')[2]}-${++lastId % 997}`,
    value: JSON.stringify({ id: lastId, at: new Date().toISOString() })
  }))
}

const stopping = new AbortController()
process.once('SIGTERM', () => stopping.abort())
process.stdin.on('end', () => stopping.abort()).resume()
const connection = JSON.parse(process.env['TRAFFIC_CONNECTION'] ?? 'null') as KafkaConnection | null
if (!connection) throw new Error('expected a connection as JSON in TRAFFIC_CONNECTION')
await main(new Kafka(kafkajsConfig(connection)), stopping.signal)
process.exit(0)
