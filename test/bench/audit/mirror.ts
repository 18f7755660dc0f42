import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { newKey } from '#shared/credentials/signer.ts'
import { openKafka } from '#shared/kafka/index.ts'
import { javaOutput, stack, unique } from '#test/support/stack.ts'
import { atMost, report, type Row } from '../harness.ts'
import type { MirrorTask } from './mirror-process.ts'

// How long a line of a broker's log takes from its append to the source topic to its event in the audit topic, at several loads offered, and what
// the mirror's process needs for it. Every line is a denial, so that each is an event of its own. Brokers that have just begun are slower by far than they are from
// their second minute on, and so is whoever offers the load in its first seconds, on the same cores: the one is waited for, the other told apart.

const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '1000,5000,10000' },
    seconds: { type: 'string', default: '30' },
    warmup: { type: 'string', default: '60' },
    events: { type: 'string', default: '0' }
  }
})
const rates = values.rates.split(',').map(Number)
const [seconds, warmupSeconds, longEvents] = [values.seconds, values.warmup, values.events].map(Number) as [number, number, number]
/** Of each load, and not part of `seconds`. */
const beginningMs = 10_000
if (![...rates, seconds].every(each => each > 0) || !(longEvents >= 0) || !(warmupSeconds >= 0))
  throw new Error('expected --rates A,B,C --seconds COUNT, --warmup SECONDS and --events COUNT (a last run, at the highest rate)')

const { brokers, controllers } = stack()
const kafka = await openKafka({ brokers, clientId: 'bench-audit' })
const { clusterId } = await kafka.admin.features()
const [source, auditTopic, prefix] = [unique('bench-lines'), unique('bench-audit'), unique('bench-reeve')]
await kafka.admin.createTopics([{ name: source, partitions: 1 }])
const folder = mkdtempSync(join(tmpdir(), 'bench-mirror-'))
const payloads = join(folder, 'lines')
const started = new Date().toISOString().replace('T', ' ').replace('.', ',').slice(0, -1)
const lineOf = (number: number): string =>
  `[${started}] INFO Principal = User:app-${number % 50} is Denied operation = READ from host = 10.0.${number % 7}.${number % 250} on resource = Topic:LITERAL:payments.events.transaction-${number}.v1 for request = Fetch with resourceRefCount = 1 based on rule DefaultDeny (kafka.authorizer.logger)`
writeFileSync(payloads, Array.from({ length: 2_000 }, (_, number) => lineOf(number)).join('\n'))

const policy = {
  topic: auditTopic,
  keys: [newKey(`reeve.audit/${clusterId}`).skey],
  hashKey: 'a key of the hashes that is long enough',
  metadata: { controllers },
  guardEvery: '1d',
  journal: false,
  logs: [{ id: 'lines', content: 'authorizer', topic: source }]
}
const task: MirrorTask = { brokers, prefix, policy }
// As the command `reeve stream` starts it.
const words = ['--max-semi-space-size=64', new URL('mirror-process.ts', import.meta.url).pathname, JSON.stringify(task)]
const mirror = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
const told: { residentMegabytes: number; cpuMs: number }[] = []
createInterface({ input: mirror.stdout }).on('line', line => told.push(JSON.parse(line) as (typeof told)[number]))

/** Arrival of each event at a reader of committed records, by the offset of its line, epoch milliseconds. */
const arrivedMs = new Map<number, number>()
/** Of each change of a setting, from when the controller wrote it: by what it was set to. */
const changeTookMs = new Map<string, number>()
const reading = new AbortController()
async function follow(): Promise<void> {
  const reader = await kafka.openReader()
  while (!(await kafka.admin.scan({ atMs: 0 })).topics.has(auditTopic)) await new Promise(resolve => setTimeout(resolve, 500))
  await reader.assign(auditTopic, 0, 'start')
  while (!reading.signal.aborted)
    for (const { records } of await reader.poll({ maxWaitMs: 200 })) {
      const nowMs = Date.now()
      for (const { value } of records) {
        if (value!.includes('"config.changed"')) noteChange(value!, nowMs)
        const offset = /"coordinate":"[^"]*@(\d+)"/.exec(value!.toString('latin1'))?.[1]
        if (offset !== undefined && value!.includes('access.denied')) arrivedMs.set(Number(offset), nowMs)
      }
    }
  await reader.close()
}
function noteChange(value: Buffer, nowMs: number): void {
  const { payload } = JSON.parse(value.toString()) as { payload: { time: number; unmapped: { after: Record<string, string> } } }
  changeTookMs.set(payload.unmapped.after['retention.ms'] ?? '', nowMs - payload.time)
}
const following = follow()

let sent = 0
/** Offers lines at a rate, waits until all are mirrored, and gives each one's milliseconds, in order: those of the beginning, and all others. */
async function offer(count: number, rate: number): Promise<{ readonly beginning: number[]; readonly steady: number[] }> {
  const load = ['--topic', source, '--num-records', String(count), '--throughput', String(rate), '--payload-file', payloads, '--payload-delimiter', '\\n']
  await javaOutput('org.apache.kafka.tools.ProducerPerformance', [...load, '--producer-props', `bootstrap.servers=${brokers.join(',')}`, 'acks=all'])
  const [from, to] = [sent, sent + count]
  sent = to
  for (const late = performance.now() + 120_000; arrivedMs.size < to; await new Promise(resolve => setTimeout(resolve, 50)))
    if (performance.now() > late) throw new Error(`${to - arrivedMs.size} of ${count} lines were not mirrored within two minutes`)
  const reader = await kafka.openReader()
  await reader.assign(source, 0, from)
  const [beginning, steady]: [number[], number[]] = [[], []]
  let beganMs: number | null = null
  await reader.readToEnd(({ offset, timestampMs }) => {
    beganMs ??= timestampMs
    const part = timestampMs < beganMs + beginningMs ? beginning : steady
    part.push(arrivedMs.get(offset)! - timestampMs)
  })
  await reader.close()
  for (const part of [beginning, steady]) part.sort((one, other) => one - other)
  return { beginning, steady }
}

/** Changes a setting so many times, a few a second, waits until all have their events, and gives each one's milliseconds, in order. */
async function change(count: number): Promise<number[]> {
  const name = unique('bench-changed')
  await kafka.admin.createTopics([{ name, partitions: 1 }])
  const settings = Array.from({ length: count }, (_, number) => String(60_000 + number))
  for (const value of settings) {
    await kafka.admin.alterConfigs({ kind: 'topic', name }, { 'retention.ms': value })
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  for (const late = performance.now() + 60_000; !settings.every(value => changeTookMs.has(value)); await new Promise(resolve => setTimeout(resolve, 50)))
    if (performance.now() > late) throw new Error(`of ${count} changes ${changeTookMs.size} have their events within a minute`)
  await kafka.admin.deleteTopicById((await kafka.admin.scan({ atMs: Date.now(), topics: [name] })).topics.get(name)!.topicId)
  return settings.map(value => changeTookMs.get(value)!).toSorted((one, other) => one - other)
}

const quantile = (sorted: readonly number[], of: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * of))]!
try {
  await offer(2_000, 1_000)
  if (warmupSeconds > 0) await offer(Math.max(...rates) * warmupSeconds, Math.max(...rates))
  const rows: Row[] = []
  for (const rate of rates) {
    const [cpuBefore, atMs] = [told.at(-1)?.cpuMs ?? 0, performance.now()]
    const { beginning, steady } = await offer(rate * (seconds + beginningMs / 1_000), rate)
    const who = `${rate.toLocaleString('en-GB')}/s`
    rows.push(
      { who, what: 'append to event, p50', value: quantile(steady, 0.5), unit: 'ms' },
      { who, what: 'append to event, p99', value: quantile(steady, 0.99), unit: 'ms' },
      { who, what: 'p99 in the first 10 s', value: quantile(beginning, 0.99), unit: 'ms' }
    )
    rows.push({ who, what: "the mirror's CPU", value: (((told.at(-1)?.cpuMs ?? 0) - cpuBefore) / (performance.now() - atMs)) * 100, unit: '% of a core' })
    rows.push({ who, what: 'resident', value: told.at(-1)?.residentMegabytes ?? Number.NaN, unit: 'MB' })
    console.error(`${who}: p50 ${quantile(steady, 0.5)} ms, p99 ${quantile(steady, 0.99)} ms, ${told.at(-1)?.residentMegabytes} MB`)
  }
  const changes = await change(200)
  const changed = '200 changes of metadata'
  rows.push(
    { who: changed, what: 'append to event, p50', value: quantile(changes, 0.5), unit: 'ms' },
    { who: changed, what: 'append to event, p99', value: quantile(changes, 0.99), unit: 'ms' }
  )
  const remarks: string[] = []
  if (longEvents > 0) {
    const from = told.length
    await offer(longEvents, Math.max(...rates))
    const resident = told.slice(from).map(({ residentMegabytes }) => residentMegabytes)
    const at = (part: number): number => resident[Math.min(resident.length - 1, Math.floor(resident.length * part))]!
    remarks.push(
      `${longEvents.toLocaleString('en-GB')} events more: ${at(0)} MB resident at the start, ${at(0.25)} a quarter on, ${at(0.5)}, ${at(0.75)}, ${at(1)} at the end`
    )
  }
  const highest = `${Math.max(...rates).toLocaleString('en-GB')}/s`
  const p99 = rows.find(({ who, what }) => who === highest && what.endsWith(', p99'))!.value
  const goals = [
    atMost(`append to event at ${highest}, p99 in ms`, 1_000, p99),
    atMost('metadata change to its event, p99 in ms', 500, quantile(changes, 0.99))
  ]
  report('audit-mirror', rows, goals, remarks)
} finally {
  reading.abort()
  mirror.kill('SIGTERM')
  await Promise.all([following, once(mirror, 'exit')])
  const { topics } = await kafka.admin.scan({ atMs: Date.now() })
  for (const name of [source, auditTopic, `${prefix}.audit-mirror`]) if (topics.has(name)) await kafka.admin.deleteTopicById(topics.get(name)!.topicId)
  await kafka.close()
  rmSync(folder, { recursive: true, force: true })
}
