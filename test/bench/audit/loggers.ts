import { parseArgs } from 'node:util'
import { openKafka } from '#shared/kafka/index.ts'
import { javaOutput, stack, unique } from '#test/support/stack.ts'
import { spent } from '../brokers.ts'
import { type Contender, measure, report } from '../harness.ts'

// What the brokers pay for the logs that the mirror reads: CPU of all three under the same small requests, with each logger on and off. At INFO the
// authorizer log holds denials alone and the request log nothing, which is Kafka's default.

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '10000' }, rate: { type: 'string', default: '1000' }, rounds: { type: 'string', default: '3' } }
})
const [requests, rate, rounds] = [values.requests, values.rate, values.rounds].map(Number) as [number, number, number]
if (![requests, rate, rounds].every(each => Number.isInteger(each) && each >= 1)) throw new Error('expected --requests, --rate and --rounds COUNT from 1')

const here = stack()
if (spent(here).cpuMs === null) throw new Error("expected the brokers to be processes of this machine, whose CPU time Linux's /proc says")
const kafka = await openKafka({ brokers: here.brokers, clientId: 'bench-loggers' })
const topic = unique('bench-loggers')
await kafka.admin.createTopics([{ name: topic, partitions: 3 }])
const bootstrap = here.brokers.join(',')
const nodes = here.nodes.flatMap(({ name }) => /^node-(\d+)$/.exec(name)?.[1] ?? [])

type Level = 'INFO' | 'DEBUG'
let now: readonly [Level, Level] = ['INFO', 'INFO']
async function setLevels([authorizer, request]: readonly [Level, Level]): Promise<void> {
  if (now[0] === authorizer && now[1] === request) return
  const added = `kafka.authorizer.logger=${authorizer},kafka.request.logger=${request}`
  const alter = ['--bootstrap-server', bootstrap, '--alter', '--add-config', added, '--entity-type', 'broker-loggers', '--entity-name']
  await Promise.all(nodes.map(node => javaOutput('kafka.admin.ConfigCommand', [...alter, node])))
  now = [authorizer, request]
}

/** Requests of one small record each, from Java's own tool. */
async function load(count: number): Promise<void> {
  const record = ['--topic', topic, '--num-records', String(count), '--record-size', '100', '--throughput', String(rate)]
  await javaOutput('org.apache.kafka.tools.ProducerPerformance', [...record, '--producer-props', `bootstrap.servers=${bootstrap}`, 'batch.size=1', 'acks=all'])
}

const contender = (who: string, levels: readonly [Level, Level]): Contender => ({
  who,
  async run() {
    await setLevels(levels)
    const before = spent(here).cpuMs!
    await load(requests)
    return ((spent(here).cpuMs! - before) * 1_000) / requests
  }
})

try {
  await load(requests)
  const rows = await measure({
    contenders: [
      contender('denials alone', ['INFO', 'INFO']),
      contender('authorizer log, all of it', ['DEBUG', 'INFO']),
      contender('request log', ['INFO', 'DEBUG']),
      contender('both', ['DEBUG', 'DEBUG'])
    ],
    tasks: [`CPU of ${nodes.length} brokers`],
    rounds,
    unit: 'µs a produce request'
  })
  const without = rows[0]!.value
  const remarks = rows.slice(1).map(({ who, value }) => `${who}: ${(value / without).toFixed(2)} times as much as without`)
  report('audit-loggers', rows, [], [...remarks, `${requests} requests of one record at ${rate} a second, acks=all, three replicas`])
} finally {
  await setLevels(['INFO', 'INFO'])
  const { topics } = await kafka.admin.scan({ atMs: Date.now(), groups: false })
  if (topics.has(topic)) await kafka.admin.deleteTopicById(topics.get(topic)!.topicId)
  await kafka.close()
}
