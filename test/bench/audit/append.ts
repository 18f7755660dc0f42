import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Previous, seal } from '#shared/audit/chain.ts'
import { auditTopicSettings } from '#shared/audit-log/topic.ts'
import { openKafka } from '#shared/kafka/index.ts'
import { deniedEvent } from '#test/support/audit-events.ts'
import { javaOutput, stack, unique } from '#test/support/stack.ts'
import { atLeast, type Contender, measure, report, type Row, runAlone } from '../harness.ts'
import type { AppendResult, AppendTask } from './append-audit-log.ts'

// How many events a second go into an audit topic: the audit log's writer, which seals, chains and signs them, beside Java's tools, which write the
// same bytes into topics of the same settings.

const { values } = parseArgs({
  options: { events: { type: 'string', default: '200000' }, rounds: { type: 'string', default: '3' }, batch: { type: 'string', default: '500' } }
})
const [events, rounds, batch] = [values.events, values.rounds, values.batch].map(Number) as [number, number, number]
if (![events, rounds, batch].every(each => Number.isInteger(each) && each >= 1)) throw new Error('expected --events, --rounds and --batch COUNT from 1')

const { brokers } = stack()
const kafka = await openKafka({ brokers, clientId: 'bench-audit' })
const topics: string[] = []
const folder = mkdtempSync(join(tmpdir(), 'bench-audit-'))
const payloads = join(folder, 'entries')
const { brokers: brokerCount } = await kafka.admin.features()
const settings = auditTopicSettings('', 1, brokerCount)

async function newTopic(): Promise<string> {
  const name = unique('bench-audit')
  topics.push(name)
  await kafka.admin.createTopics([{ ...settings, name }])
  return name
}

/** As many different entries as the tool chooses from; a line each. */
function writePayloads(): number {
  let previous: Previous | null = null
  const lines: Buffer[] = []
  for (let sequence = 0; sequence < 2_000; sequence++) {
    const sealed = seal(deniedEvent(1_000_000 + sequence), { origin: 'reeve.audit/a-cluster/a-topic/0', sequence, previous })
    previous = sealed
    lines.push(sealed.bytes)
  }
  writeFileSync(payloads, lines.map(line => line.toString()).join('\n'))
  return Math.round(lines.reduce((sum, { length }) => sum + length, 0) / lines.length)
}

const cpuRows: number[] = []
const resident: number[] = []
const ours: Contender = {
  who: 'audit log',
  async run() {
    const task: AppendTask = { brokers, topic: await newTopic(), events, batch }
    const result = (await runAlone(new URL('append-audit-log.ts', import.meta.url).pathname, task)) as AppendResult
    cpuRows.push(result.eventsPerCpuSecond)
    resident.push(result.residentMegabytes)
    return result.eventsPerSecond
  }
}

let copied = ''
/** The copier is slow by nature: it waits for each transaction. */
const toCopy = Math.min(events, 20_000)
function producer(who: string, more: readonly string[]): Contender {
  return {
    who,
    async run() {
      const topic = await newTopic()
      copied = topic
      const load = ['--topic', topic, '--num-records', String(events), '--throughput', '-1', '--payload-file', payloads, '--payload-delimiter', '\\n']
      const props = [`bootstrap.servers=${brokers.join(',')}`, 'acks=all', 'compression.type=none', 'linger.ms=5']
      const output = await javaOutput('org.apache.kafka.tools.ProducerPerformance', [...load, ...more, '--producer-props', ...props])
      const found = /([\d.]+) records\/sec/.exec(output.trim().split('\n').at(-1)!)
      if (!found) throw new Error(`ProducerPerformance printed ${output}`)
      return Number(found[1])
    }
  }
}

/** From its first line to its last, which come from the partition's assignment on. It copies what a producer has just written. */
const copier: Contender = {
  who: 'TransactionalMessageCopier',
  async run() {
    const name = unique('bench-audit')
    const args = ['--input-topic', copied, '--input-partition', '0', '--output-topic', await newTopic(), '--broker-list', brokers.join(',')]
    const sizes = ['--transaction-size', '2000', '--max-messages', String(toCopy), '--transactional-id', name, '--consumer-group', name]
    const output = await javaOutput('org.apache.kafka.tools.TransactionalMessageCopier', [...args, ...sizes])
    const lines = output
      .split('\n')
      .flatMap(line => (line.startsWith('{') ? [JSON.parse(line) as { time: string; totalProcessed?: number; consumed?: number }] : []))
    const [first, last] = [lines[0], lines.at(-1)]
    const copiedCount = Math.max(...lines.map(({ totalProcessed }) => totalProcessed ?? 0))
    if (!first || !last || copiedCount < toCopy) throw new Error(`TransactionalMessageCopier printed ${output.slice(-2_000)}`)
    return copiedCount / ((timeOf(last.time) - timeOf(first.time)) / 1_000)
  }
}

/** `2026/11/21 20:25:00:123`, as the tool prints it. */
function timeOf(text: string): number {
  return Date.parse(
    `${text
      .replaceAll('/', '-')
      .replace(' ', 'T')
      .replace(/:(\d{3})$/, '.$1')}Z`
  )
}

try {
  const entryBytes = writePayloads()
  const java = producer('Java ProducerPerformance', [])
  const transactional = producer('the same, transactions of 50 ms', ['--transaction-duration-ms', '50'])
  const what = `${events} events of ${entryBytes} B`
  const rows: Row[] = await measure({ contenders: [ours, java, transactional, copier], tasks: [what], rounds, unit: 'events/s' })
  const of = (who: string): number => rows.find(row => row.who === who)!.value
  const { replicationFactor, configs } = settings
  report(
    'audit-append',
    rows,
    [atLeast('audit log / ProducerPerformance', 0.5, of(ours.who) / of(java.who))],
    [
      `replication factor ${replicationFactor}, min.insync.replicas ${configs['min.insync.replicas']}, one partition, acks=all, no compression; batches of ${batch}`,
      `the audit log: ${Math.round(Math.max(...cpuRows)).toLocaleString('en-GB')} events a CPU second of its process, ${Math.round(Math.max(...resident))} MB resident`
    ]
  )
} finally {
  const { topics: found } = await kafka.admin.scan({ atMs: Date.now() })
  for (const name of topics) if (found.has(name)) await kafka.admin.deleteTopicById(found.get(name)!.topicId)
  await kafka.close()
  rmSync(folder, { recursive: true, force: true })
}
