import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs, { type EachMessagePayload } from 'kafkajs'
import { govern } from '#shared/sdk/kafkajs.ts'
import { type ConsumerOptions, kafkajsConfig, readOptions, say } from './options.ts'
import { supervise } from './supervise.ts'

/**
 * A consumer of somebody else's: kafkajs, with or without the SDK, healthy or not.
 *   node deploy/local/consumers/governed.ts '{"connection":{"brokers":["127.0.0.1:9092"],"clientId":"shop"},"groupId":"orders","topics":["orders"],"behaviour":"stuck","sdk":true}'
 * Says what happens as JSON lines; hears the lines "fixed" and "stop" on standard input.
 * Events: started, governed, joined, progress {handled}, waiting, sdk, crashed, stopped; of the supervisor: ended, restarting.
 */
async function consume(options: ConsumerOptions): Promise<void> {
  const { connection, groupId, topics, sdk, prefix } = options
  const kafka = new kafkajs.Kafka(kafkajsConfig(connection))
  // A paused kafkajs consumer looks again only every maxWaitTimeInMs. A dead member is gone after the session.
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 500, sessionTimeout: 6_000, rebalanceTimeout: 6_000, heartbeatInterval: 1_000 })
  const fixed = Promise.withResolvers<void>()
  const stopped = Promise.withResolvers<void>()
  const said = { fixed: options.fixed, stop: false }
  if (options.fixed) fixed.resolve()
  let handled = 0

  const hear = createInterface({ input: process.stdin })
  hear.on('line', line => {
    if (line === 'fixed') {
      said.fixed = true
      fixed.resolve()
    } else if (line === 'stop') stopped.resolve()
  })
  hear.on('close', () => stopped.resolve())
  process.once('SIGTERM', () => stopped.resolve())

  const handle = async ({ topic, partition, message, heartbeat }: EachMessagePayload): Promise<void> => {
    if (options.behaviour === 'poison' && !said.fixed && message.value?.toString('latin1').startsWith(options.poison)) {
      if (options.poisonMs > 0) await sleep(options.poisonMs)
      throw new kafkajs.KafkaJSNonRetriableError(`cannot read the record at ${topic}-${partition} offset ${message.offset}`)
    }
    if (options.behaviour === 'stuck' && !said.fixed) {
      say('waiting', { topic, partition, offset: message.offset })
      while (!said.fixed) {
        if (said.stop) throw new Error('stopping before the record was handled')
        await Promise.race([fixed.promise, stopped.promise, sleep(1_000)])
        await heartbeat()
      }
    }
    if (options.workMs > 0) await sleep(options.workMs)
    handled++
  }

  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => say('joined', { memberId: payload.memberId, assignment: payload.memberAssignment }))
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (payload.restart) return
    say('crashed', { error: payload.error.message, handled })
    process.exit(1)
  })
  say('started', { groupId, behaviour: options.behaviour, sdk, pid: process.pid })
  const log = {
    info: (facts: object, message: string) => say('sdk', { level: 'info', message, ...facts }),
    warn: (facts: object, message: string) => say('sdk', { level: 'warn', message, ...facts })
  }
  const governed = sdk ? await govern(consumer, { kafka, connection, groupId, prefix, log }) : null
  if (governed) say('governed', { control: governed.controlState() })
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
  await consumer.run({ eachMessage: handle })

  let told = -1
  const progress = setInterval(() => {
    if (handled !== told) say('progress', { handled: (told = handled) })
  }, 500)
  await stopped.promise
  said.stop = true
  clearInterval(progress)
  await consumer.disconnect()
  await governed?.stop()
  say('stopped', { handled })
  process.exit(0)
}

const options = readOptions(process.argv[2])
if (options.behaviour === 'poison' && process.env['SUPERVISED'] !== 'yes') await supervise(import.meta.filename, options)
else await consume(options)
