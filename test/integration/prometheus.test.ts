import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { rows } from '#deploy/grafana/rows.ts'
import { auditTopicSettings } from '#shared/audit-log/topic.ts'
import { newKey } from '#shared/credentials/signer.ts'
import { reeveTopics } from '#shared/engine/topics.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { table } from '#shared/render/table.ts'
import { programAt } from '#test/support/programs.ts'
import { type OwnPrometheus, type Sample, startPrometheus } from '#test/support/prometheus.ts'
import { freePort } from '#test/support/redis.ts'
import { configuration, guardianOf, names, type Reeve, ReeveBench } from '#test/support/reeve-process.ts'
import { until } from '#test/support/replica.ts'
import { superUser, unique } from '#test/support/stack.ts'
import { commitStart, topicWithRecords } from '#test/support/stuck-consumer.ts'

const program = programAt('prometheus', 'prometheus')
const bench = new ReeveBench()
const prefix = unique('watched')
const group = `${prefix}-group`
const planted = `${prefix}-planted`
let kafka: Kafka
const auditTopic = `${prefix}-audit`
const anchored = mkdtempSync(join(tmpdir(), 'reeve-anchor-'))
let reeve: Reeve
/** Two replicas of the audit mirror: who leads, and who stands by. */
let mirror: Reeve
let standby: Reeve
let prometheus: OwnPrometheus | null = null

interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
}
const rulesOf = (file: string) =>
  (parse(readFileSync(new URL(`../../deploy/prometheus/${file}`, import.meta.url), 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
    ({ rules }) => rules
  )
const records = rulesOf('rules.yaml')
const alerts = rulesOf('alerts.yaml')
const panels = rows.flatMap(({ panels: drawn }) => drawn)
const drawable = (expression: string) => expression.replaceAll('$cluster', '.*').replaceAll('$__rate_interval', '15s')
/**
 * What this Reeve rightly brings on: its only channel has no address, so the notice about the group that lags cannot be delivered; the
 * mirror, which reads no broker's log, finds nobody who made a topic; and the audit topic is kept for a day only.
 */
const provoked = ['Watchdog', 'ReeveNoticeUndeliverable', 'ReeveAuditUnattributed', 'ReeveAuditDrifted']
/** Nothing is paused, and no alert has lasted long enough. */
const emptyHere = ['Oldest act in force', 'Alerts that fire']

interface Evaluated {
  readonly where: string
  readonly expression: string
  readonly mayBeEmpty: boolean
  found: readonly Sample[]
}

beforeAll(async () => {
  if (program === null) return
  kafka = await openKafka(superUser())
  // All that takes a process begins at once, so each must know its port.
  const [own, ...ports] = await Promise.all([freePort(), freePort(), freePort()])
  const mirrors = await mirrorPolicy()
  const replica = (port: number) =>
    bench.start(bench.write(configuration(prefix, { agents: { 'audit-mirror': { policy: mirrors } }, http: { port } })), { words: ['stream', 'audit-mirror'] })
  mirror = replica(ports[0])
  const watching = startPrometheus(program, { reeve: [`127.0.0.1:${own}`], 'reeve-stream': ports.map(port => `127.0.0.1:${port}`) })
  await topicWithRecords(kafka, group, 1_000)
  await commitStart(superUser(), group, group)
  const guardian = { 'consumer-guardian': guardianOf([group], { lagFor: '1s' }) }
  reeve = bench.start(bench.write(configuration(prefix, { observer: { interval: '2s' }, agents: guardian, http: { port: own } })))
  await mirror.leads()
  standby = replica(ports[1])
  prometheus = await watching
  // A change is planted when its counter was seen at 0.
  await until('the mirror is watched', async () => (await prometheus!.ask('reeve_audit_events_total')).length > 0)
  await kafka.admin.createTopics([{ name: planted, partitions: 1 }])
  await Promise.all([reeve.leads(), standby.said('it stands by', ({ msg }) => msg === 'Reeve starts')])
})
afterAll(async () => {
  await prometheus?.kill()
  await bench.close()
  if (program === null) return
  const { topics } = await kafka.admin.scan({ atMs: 0 })
  for (const name of [group, planted, auditTopic, `${prefix}.audit-mirror`, ...names(reeveTopics(prefix))])
    if (topics.has(name)) await kafka.admin.deleteTopicById(topics.get(name)!.topicId)
  await kafka.close()
  rmSync(anchored, { recursive: true })
})

/** Of seconds, by scans alone; on a topic that is kept for too short, with an anchor that takes its checkpoints and one that is away. */
async function mirrorPolicy(): Promise<object> {
  const { clusterId, brokers } = await kafka.admin.features()
  const settings = auditTopicSettings(auditTopic, 1, brokers)
  await kafka.admin.createTopics([{ ...settings, configs: { ...settings.configs, 'retention.ms': '86400000' } }])
  const quick = { scanEvery: '1s', window: '200ms', skew: '0s', lateness: '100ms', checkpointEvery: '1s', journal: false }
  const anchors = [
    { name: 'disk', directory: { path: anchored } },
    { name: 'away', webhook: { url: `http://127.0.0.1:${await freePort()}`, key: 'a key that signs what is sent' } }
  ]
  return { topic: auditTopic, principal: 'User:ANONYMOUS', keys: [newKey(`reeve.audit/${clusterId}`).skey], anchors, ...quick }
}

function address({ lines }: Reeve): string {
  return String(lines.find(({ http }) => typeof http === 'string')?.['http'])
}

test('every expression of the rules and the dashboard brings what it should on a Reeve that runs, every alert evaluates, and only what is provoked fires', async context => {
  if (prometheus === null) {
    context.skip('prometheus is missing')
    return
  }
  const asked = prometheus
  const evaluated: Evaluated[] = [
    ...records.map(({ record, expr }) => ({ where: record!, expression: expr, mayBeEmpty: false })),
    ...panels.flatMap(({ title, queries }) =>
      queries.map(({ expression }) => ({ where: title, expression: drawable(expression), mayBeEmpty: emptyHere.includes(title) }))
    ),
    ...alerts.map(({ alert, expr }) => ({ where: alert!, expression: expr, mayBeEmpty: !provoked.includes(alert!) }))
  ].map(each => ({ ...each, found: [] }))
  const missing = () => evaluated.filter(({ found, mayBeEmpty }) => found.length === 0 && !mayBeEmpty)
  await until(
    'all that should bring something does',
    async () => {
      for (const each of missing()) each.found = await asked.ask(each.expression)
      return missing().length === 0
    },
    20_000
  ).catch((error: Error) => {
    throw new Error(
      `${error.message}; nothing for ${missing()
        .map(({ where, expression }) => `${where}: ${expression}`)
        .join('\n')}`,
      { cause: error }
    )
  })
  for (const each of evaluated) each.found = await asked.ask(each.expression)
  console.log(table(['of', 'series', 'first value', 'expression'], evaluated.map(line), 200))
  expect(evaluated.filter(({ where, found }) => found.length > 0 && alerts.some(({ alert }) => alert === where)).map(({ where }) => where)).toEqual(provoked)
  for (const { name, health, lastError } of await asked.rules()) expect({ name, health, lastError }).toEqual({ name, health: 'ok', lastError: undefined })
})

test('every metric that a rule, an alert or a panel speaks of is scraped, but what is only there while an act stands', async context => {
  if (prometheus === null) {
    context.skip('prometheus is missing')
    return
  }
  const scraped = await prometheus.metricNames()
  const spoken = [...records, ...alerts].map(({ expr }) => expr).concat(panels.flatMap(({ queries }) => queries.map(({ expression }) => expression)))
  const wanted = new Set(spoken.flatMap(expression => expression.match(/\breeve_\w+/g) ?? []))
  wanted.delete('reeve_oldest_standing_action_timestamp_seconds')
  expect([...wanted].filter(name => !scraped.some(each => each === name || each.endsWith(`:${name}`) || each.includes(`:${name}:`)))).toEqual([])
})

test('a replica of a stream is ready as leader and as standby, says which it is, and becomes leader when the other stops', async context => {
  if (prometheus === null) {
    context.skip('prometheus is missing')
    return
  }
  const get = (one: Reeve, path: string) => fetch(`http://${address(one)}${path}`)
  const ready = async (one: Reeve) => {
    const response = await get(one, '/readyz')
    return { status: response.status, ...((await response.json()) as object) }
  }
  const says = (role: string) => ({ status: 200, ready: true, clusters: { main: { role, stream: 'audit-mirror' } } })
  const leads = async (one: Reeve) => /^reeve_stream_leader\{.*\} (\d)$/m.exec(await (await get(one, '/metrics')).text())?.[1]
  expect([await ready(mirror), await leads(mirror)]).toEqual([says('leader'), '1'])
  await expect.poll(async () => [await ready(standby), await leads(standby)]).toEqual([says('standby'), '0'])
  for (const one of [mirror, standby]) expect(await (await get(one, '/healthz')).json()).toEqual({ alive: true })
  await mirror.stop()
  expect(mirror.child.exitCode).toBe(0)
  await standby.leads()
  await expect.poll(() => ready(standby)).toEqual(says('leader'))
  expect(await leads(standby)).toBe('1')
})

test('Reeve does not notice that its Prometheus is killed', async context => {
  if (prometheus === null) {
    context.skip('prometheus is missing')
    return
  }
  const turns = async () =>
    Number(/^reeve_turns_total\{.*name="observer",result="ok"\} (\d+)$/m.exec(await (await fetch(`http://${address(reeve)}/metrics`)).text())?.[1])
  await prometheus.kill()
  const before = await turns()
  const lines = reeve.lines.length
  await until('two more scans', async () => (await turns()) >= before + 2, 20_000)
  const said = reeve.lines.slice(lines).filter(({ level, notice }) => (level === 'warn' || level === 'error') && notice === undefined)
  expect(said).toEqual([])
})

function line({ where, expression, found }: Evaluated): string[] {
  return [where, String(found.length), found[0]?.value[1] ?? '', expression.replaceAll(/\s+/g, ' ').trim()]
}
