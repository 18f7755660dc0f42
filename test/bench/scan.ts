import { parseArgs } from 'node:util'
import { securedListener } from '#deploy/local/mission-scale.ts'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import { javaOutput, stack } from '#test/support/stack.ts'
import { atLeast, atMost, median, report, type Row, runAlone } from './harness.ts'
import { spent } from './brokers.ts'
import type { ScanInput } from './scan/input.ts'
import { burrow, kafkaConsumerGroups, kminion } from './scan/others.ts'
import { type Population, populate } from './scan/populate.ts'
import { produceBeside } from './scan/produce.ts'

// What one look at a cluster of mission scale takes: of Reeve, of its whole turn, of Kafka's own tool and of others; and what it costs the
// brokers and a producer beside it. `--only p99` fills the cluster and measures that last part alone, in --windows pairs of windows as long
// as Reeve's own pace keeps two scans apart: 2 min each at mission scale.

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    scans: { type: 'string', default: '10' },
    windows: { type: 'string', default: '3' },
    only: { type: 'string' },
    kminion: { type: 'string' },
    burrow: { type: 'string' }
  }
})
const [scale, rounds, scans, pairs] = [values.scale, values.rounds, values.scans, values.windows].map(Number) as [number, number, number, number]
const whole = (count: number, least: number): boolean => Number.isInteger(count) && count >= least
if (!(scale > 0) || !whole(rounds, 1) || !whole(scans, 3) || !whole(pairs, 1) || (values.only !== undefined && values.only !== 'p99'))
  throw new Error('expected --scale FACTOR above 0, --rounds COUNT from 1, --scans COUNT from 3, --windows PAIRS from 1 and --only p99')
const looksToo = values.only === undefined

const population: Population = { topics: Math.round(5_000 * scale), partitionsPerTopic: 10, groups: Math.round(1_000 * scale), topicsPerGroup: 5 }
const expected = {
  partitions: population.topics * population.partitionsPerTopic,
  groups: population.groups,
  commits: population.groups * population.topicsPerGroup * population.partitionsPerTopic
}
const here = stack()
const { brokers } = here
const plain: KafkaConnection = { brokers, clientId: 'bench-reeve' }
const secured: KafkaConnection = {
  brokers: here.extraBrokers?.[securedListener] ?? [],
  clientId: 'bench-reeve',
  tls: { caFile: here.caFile, servername: 'localhost' },
  sasl: { mechanism: 'SCRAM-SHA-512', username: 'admin', password: here.principals['admin'] ?? '' }
}
const input = (connection: KafkaConnection, count = scans): ScanInput => ({ connection, stack: here, scans: count, expected })

interface Scanned {
  readonly coldMs: number
  readonly steadyMs: readonly number[]
  readonly requests: number
  readonly sentBytes: number
  readonly cpuMs: number
  readonly brokerCpuMs: number | null
  readonly authorizerLines: number
  readonly residentBytes: number
}
interface Turns {
  readonly firstMs: number
  readonly resting: readonly { readonly tookMs: number; readonly cpuMs: number }[]
  readonly moving: readonly { readonly tookMs: number; readonly cpuMs: number }[]
  readonly residentBytes: number
}
/** As the command `reeve` starts it: a small young generation, and what Node compiled kept from one process to the next. */
const alone = (file: string, told: ScanInput): Promise<unknown> =>
  runAlone(new URL(`./scan/${file}.ts`, import.meta.url).pathname, told, ['--max-semi-space-size=8'])

const filledAt = performance.now()
await populate(brokers, population)
console.error(
  `${expected.partitions} partitions of ${population.topics} topics and ${expected.groups} groups with ${expected.commits} commits: made in ${Math.round((performance.now() - filledAt) / 1_000)} s`
)

const others = [kafkaConsumerGroups(brokers, expected), kminion(values.kminion, brokers, expected), burrow(values.burrow, brokers, expected)]
/** Who is not measured, and why. */
const missing = new Map(others.flatMap(other => (other.missing === undefined ? [] : [[other.who, other.missing] as const])))
const seen = new Map<string, number[]>()
const rows: Row[] = []
/** Keeps a value of one round; a table's cell is the median of its rounds. */
function keep(who: string, what: string, unit: string, ...found: readonly (number | null)[]): void {
  const key = `${who}\n${what}\n${unit}`
  for (const value of found) if (value !== null) seen.set(key, [...(seen.get(key) ?? []), value])
}

if (looksToo) await lookAll()

const producer = 'a producer'
const { scanMs, everyMs, without, beside, during, requests } = await produceBeside(plain, pairs)
const listed = (found: readonly number[]): string => found.map(value => value.toFixed(1)).join(', ')
/** How far apart windows of one sort lie: a difference that is smaller cannot be told on this machine. */
const apart = Math.round((Math.max(...without) / Math.min(...without) - 1) * 100)
const besideIt = [
  `a producer beside a scan every ${everyMs / 1_000} s, of ${Math.round(scanMs)} ms each: p99 of windows without a scan ${listed(without)} ms, with one ${listed(beside)} ms, of ${requests} requests;`,
  during.length === 0 ? 'none was sent during a scan' : `the median of the ${during.length} sent during a scan is ${median(during).toFixed(1)} ms`,
  ...(without.length > 1 ? [`(windows without a scan differ by ${apart} % among themselves: what is less cannot be told here)`] : [])
].join(' ')
console.error(besideIt)
keep(producer, 'p99 without', 'ms', ...without)
keep(producer, 'p99 beside', 'ms', ...beside)
keep(producer, 'median during a scan', 'ms', ...during)

for (const [key, found] of seen) {
  const [who, what, unit] = key.split('\n') as [string, string, string]
  rows.push({ who, what, value: median(found), unit })
}
const of = (who: string, what: string): number => rows.find(row => row.who === who && row.what === what)?.value ?? Number.NaN
const times = (ms: number): number => Math.round((of('kafka-consumer-groups', 'whole process') / ms) * 10) / 10
const goalsOfLooks = () => [
  atMost('cold scan, ms', 2_000, of('Reeve', 'cold scan')),
  atMost('steady turn at rest, ms', 1_000, of('Reeve, whole turn', 'turn at rest')),
  atMost('steady turn, all moved, ms', 1_000, of('Reeve, whole turn', 'turn, all moved')),
  atMost('resident in whole turns, MB', 250, of('Reeve, whole turn', 'resident')),
  atLeast('times as fast as kafka-consumer-groups, a steady scan', 10, times(of('Reeve', 'steady scan'))),
  atLeast('times as fast as kafka-consumer-groups, both as new processes', 10, times(of('Reeve', 'whole process')))
]
const worse = (of(producer, 'p99 beside') / of(producer, 'p99 without') - 1) * 100
report(
  'scan',
  rows,
  [...(looksToo ? goalsOfLooks() : []), atMost(`produce p99 beside a scan every ${everyMs / 1_000} s, % worse`, 5, worse)],
  [besideIt, ...[...(looksToo ? missing : [])].map(([who, why]) => `${who} is not measured: ${why}`)]
)

/** Rounds of everybody who looks. */
async function lookAll(): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    for (const [who, connection] of [
      ['Reeve', plain],
      ['Reeve over TLS and SCRAM', secured]
    ] as const) {
      const before = performance.now()
      const scanned = (await alone('reeve-scan', input(connection))) as Scanned
      keep(who, 'cold scan', 'ms', scanned.coldMs)
      keep(who, 'steady scan', 'ms', ...scanned.steadyMs)
      keep(who, 'CPU a scan', 'ms', scanned.cpuMs)
      keep(who, 'CPU of brokers', 'ms', scanned.brokerCpuMs)
      keep(who, 'requests', '', scanned.requests)
      if (connection === plain) keep(who, 'sent', 'KB', scanned.sentBytes / 1_000)
      keep(who, 'authorizer lines', '', scanned.authorizerLines)
      keep(who, 'resident', 'MB', scanned.residentBytes / 1_000_000)
      console.error(
        `round ${round}: ${who} cold ${Math.round(scanned.coldMs)} ms, steady ${Math.round(median(scanned.steadyMs))} ms (${Math.round(performance.now() - before)} ms in all)`
      )
    }
    const oneScan = performance.now()
    await alone('reeve-scan', input(plain, 0))
    keep('Reeve', 'whole process', 'ms', performance.now() - oneScan)

    const turns = (await alone('reeve-turn', input(plain))) as Turns
    keep('Reeve, whole turn', 'first turn', 'ms', turns.firstMs)
    keep('Reeve, whole turn', 'turn at rest', 'ms', ...turns.resting.map(({ tookMs }) => tookMs))
    keep('Reeve, whole turn', 'turn, all moved', 'ms', ...turns.moving.map(({ tookMs }) => tookMs))
    keep('Reeve, whole turn', 'CPU a turn, all moved', 'ms', ...turns.moving.map(({ cpuMs }) => cpuMs))
    keep('Reeve, whole turn', 'resident', 'MB', turns.residentBytes / 1_000_000)
    console.error(
      `round ${round}: whole turns, first ${Math.round(turns.firstMs)} ms, then ${Math.round(median(turns.resting.map(({ tookMs }) => tookMs)))} ms`
    )

    for (const { who, what, look } of others) {
      if (missing.has(who)) continue
      const before = spent(here).cpuMs
      try {
        const tookMs = await look()
        const after = spent(here).cpuMs
        keep(who, what, 'ms', tookMs)
        keep(who, 'CPU of brokers', 'ms', before === null || after === null ? null : after - before)
        console.error(`round ${round}: ${who} ${Math.round(tookMs)} ms`)
      } catch (error) {
        missing.set(who, error instanceof Error ? error.message : String(error))
      }
    }
  }
  for (const { close } of others) await close()

  await authorizerLevel('DEBUG')
  keep('Reeve', 'authorizer lines, DEBUG', '', ((await alone('reeve-scan', input(plain, 1))) as Scanned).authorizerLines)
  await authorizerLevel('INFO')
}

/** By Kafka's own tool: the level of the authorizer's logger on every broker. Refusals are at INFO, Kafka's default; what was allowed is at DEBUG. */
async function authorizerLevel(level: 'DEBUG' | 'INFO'): Promise<void> {
  for (const { name } of here.nodes.filter(node => node.name.startsWith('node-'))) {
    const broker = ['--bootstrap-server', brokers.join(','), '--entity-type', 'broker-loggers', '--entity-name', name.slice('node-'.length)]
    await javaOutput('kafka.admin.ConfigCommand', [...broker, '--alter', '--add-config', `kafka.authorizer.logger=${level}`])
  }
}
