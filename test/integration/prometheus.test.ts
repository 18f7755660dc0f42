import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { rows } from '#deploy/grafana/rows.ts'
import { reeveTopics } from '#shared/engine/topics.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { table } from '#shared/render/table.ts'
import { programAt } from '#test/support/programs.ts'
import { type OwnPrometheus, type Sample, startPrometheus } from '#test/support/prometheus.ts'
import { configuration, guardianOf, names, type Reeve, ReeveBench } from '#test/support/reeve-process.ts'
import { until } from '#test/support/replica.ts'
import { superUser, unique } from '#test/support/stack.ts'
import { commitStart, topicWithRecords } from '#test/support/stuck-consumer.ts'

const program = programAt('prometheus', 'prometheus')
const bench = new ReeveBench()
const prefix = unique('watched')
const group = `${prefix}-group`
let kafka: Kafka
let reeve: Reeve
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
/** What this Reeve rightly brings on: its only channel has no address, so the notice about the group that lags cannot be delivered. */
const provoked = ['Watchdog', 'ReeveNoticeUndeliverable']
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
  await topicWithRecords(kafka, group, 1_000)
  await commitStart(superUser(), group, group)
  const file = bench.write(configuration(prefix, { observer: { interval: '2s' }, agents: { 'consumer-guardian': guardianOf([group], { lagFor: '1s' }) } }))
  reeve = bench.start(file)
  await reeve.leads()
  prometheus = await startPrometheus(program, [address()])
})
afterAll(async () => {
  await prometheus?.kill()
  await bench.close()
  if (program === null) return
  const { topics } = await kafka.admin.scan({ atMs: 0 })
  for (const name of [group, ...names(reeveTopics(prefix))]) if (topics.has(name)) await kafka.admin.deleteTopicById(topics.get(name)!.topicId)
  await kafka.close()
})

function address(): string {
  return String(reeve.lines.find(({ http }) => typeof http === 'string')?.['http'])
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

test('Reeve does not notice that its Prometheus is killed', async context => {
  if (prometheus === null) {
    context.skip('prometheus is missing')
    return
  }
  const turns = async () =>
    Number(/^reeve_turns_total\{.*name="observer",result="ok"\} (\d+)$/m.exec(await (await fetch(`http://${address()}/metrics`)).text())?.[1])
  await prometheus.kill()
  const before = await turns()
  const lines = reeve.lines.length
  await until('three more scans', async () => (await turns()) >= before + 3, 20_000)
  const said = reeve.lines.slice(lines).filter(({ level, notice }) => (level === 'warn' || level === 'error') && notice === undefined)
  expect(said).toEqual([])
})

function line({ where, expression, found }: Evaluated): string[] {
  return [where, String(found.length), found[0]?.value[1] ?? '', expression.replaceAll(/\s+/g, ' ').trim()]
}
