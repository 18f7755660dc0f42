/** Programs as an owner would write them: `{BRING name FROM package}` is an import or a require. Each says what it reads as JSON lines. */
const shared = `
const { brokers, groupId, topic, prefix } = JSON.parse(process.argv[2])
const connection = { brokers, clientId: 'adopter' }
const say = (event, facts = {}) => process.stdout.write(JSON.stringify({ event, atMs: Date.now(), ...facts }) + '\\n')
const log = { info() {}, warn: (facts, message) => say('warn', { message, ...facts }) }
const stopped = new Promise(resolve => process.stdin.on('end', resolve).resume())
`

export const adopters = {
  kafkajs: `
{BRING { Kafka, logLevel } FROM kafkajs}
{BRING { governedConsumer } FROM @reeve/sdk/kafkajs}
${shared}
async function main() {
  const kafka = new Kafka({ brokers, clientId: 'adopter', logLevel: logLevel.NOTHING })
  const { consumer, governed } = await governedConsumer(kafka, { groupId }, { connection, prefix, log })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ eachMessage: async ({ partition }) => say('record', { partition }) })
  await stopped
  await consumer.disconnect()
  await governed.stop()
}
main()
`,
  confluent: `
{BRING { KafkaJS } FROM @confluentinc/kafka-javascript}
{BRING { governedConsumer } FROM @reeve/sdk/confluent}
${shared}
async function main() {
  const kafka = new KafkaJS.Kafka({ kafkaJS: { brokers, clientId: 'adopter', logLevel: KafkaJS.logLevel.NOTHING } })
  const { consumer, governed } = await governedConsumer(kafka, { kafkaJS: { groupId, fromBeginning: true } }, { connection, prefix, log })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({ eachMessage: async ({ partition }) => say('record', { partition }) })
  await stopped
  await consumer.disconnect()
  await governed.stop()
}
main()
`,
  platformatic: `
{BRING { Consumer } FROM @platformatic/kafka}
{BRING { govern } FROM @reeve/sdk/platformatic}
${shared}
async function main() {
  const consumer = new Consumer({ bootstrapBrokers: brokers, clientId: 'adopter', groupId })
  const governed = await govern(consumer, { connection, prefix, log })
  const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', maxWaitTime: 500 })
  stopped.then(() => consumer.close(true))
  for await (const { partition } of stream) say('record', { partition })
  await governed.stop()
}
main()
`
} as const

export type Client = keyof typeof adopters
export type Flavour = 'ESM' | 'CommonJS'

/** The file name and the text of a client's program. */
export function adopterProgram(client: Client, flavour: Flavour): { readonly file: string; readonly text: string } {
  const text = adopters[client].replaceAll(/\{BRING (\{.*?\}) FROM (.*?)\}\n/g, (_all, names: string, from: string) =>
    flavour === 'ESM' ? `import ${names} from '${from}'\n` : `const ${names} = require('${from}')\n`
  )
  return { file: flavour === 'ESM' ? 'adopter.mjs' : 'adopter.cjs', text }
}
