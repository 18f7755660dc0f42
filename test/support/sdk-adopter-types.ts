import type { Flavour } from './sdk-adopters.ts'

const use = (confluent: boolean): string => `
const connection = { brokers: ['127.0.0.1:9092'], clientId: 'adopter' }

export async function withKafkajs(): Promise<readonly string[]> {
  const kafka = new Kafka({ brokers: connection.brokers, clientId: 'adopter' })
  const { consumer, governed } = await kafkajs.governedConsumer(kafka, { groupId: 'g', sessionTimeout: 10_000 }, { connection, log: console })
  await consumer.run({ eachMessage: async ({ message }) => void message.offset })
  const other: kafkajs.Governed = await kafkajs.govern(kafka.consumer({ groupId: 'h' }), { kafka, connection, groupId: 'h' })
  // @ts-expect-error: a group is needed
  await kafkajs.governedConsumer(kafka, {}, { connection })
  return [...governed.held(), ...other.held()]
}

export async function withPlatformatic(): Promise<number> {
  const consumer = new Consumer({ bootstrapBrokers: connection.brokers, clientId: 'adopter', groupId: 'g' })
  const governed = await platformatic.govern(consumer, { connection })
  const stream = await consumer.consume({ topics: ['t'] })
  for await (const message of stream) void (message.value satisfies Buffer)
  await governed.stop()
  return governed.ackFailures()
}
${
  confluent
    ? `
export async function withConfluent(): Promise<void> {
  const kafka = new KafkaJS.Kafka({ kafkaJS: { brokers: connection.brokers } })
  const { consumer, governed } = await confluent.governedConsumer(kafka, { kafkaJS: { groupId: 'g', fromBeginning: true } }, { connection })
  await consumer.run({ eachMessage: async ({ topic, partition }) => consumer.pause([{ topic, partitions: [partition] }]) })
  await consumer.disconnect()
  await governed.stop()
}
`
    : ''
}`

/** A small adopter in TypeScript, as an ES module or as CommonJS. */
export function adopterTypes(flavour: Flavour, confluent: boolean): { readonly file: string; readonly text: string } {
  const esm = flavour === 'ESM'
  const named = (names: string, from: string): string => `import ${names} from '${from}'`
  const all = (name: string, from: string): string => (esm ? `import * as ${name} from '${from}'` : `import ${name} = require('${from}')`)
  const imports = [
    named('{ Kafka }', 'kafkajs'),
    named('{ Consumer }', '@platformatic/kafka'),
    all('kafkajs', '@reeve/sdk/kafkajs'),
    all('platformatic', '@reeve/sdk/platformatic'),
    ...(confluent ? [named('{ KafkaJS }', '@confluentinc/kafka-javascript'), all('confluent', '@reeve/sdk/confluent')] : [])
  ]
  return { file: esm ? 'adopter.mts' : 'adopter.cts', text: imports.join('\n') + use(confluent) }
}
