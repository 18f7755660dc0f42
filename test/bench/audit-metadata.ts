import { parseArgs } from 'node:util'
import { openKafka } from '#shared/kafka/index.ts'
import { type Controllers, openControllers } from '#shared/kafka/metadata-log/controllers.ts'
import { MetadataLogReader } from '#shared/kafka/metadata-log/metadata-log.ts'
import { randomFrom } from '#test/support/seeded.ts'
import { stack, unique } from '#test/support/stack.ts'
import { atMost, report, type Row } from './harness.ts'

// How long a committed change of the cluster's metadata takes from the active controller's log to the item of a reader, by Fetch version.

const { values } = parseArgs({ options: { changes: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } } })
const [changes, seed] = [values.changes, values.seed].map(Number) as [number, number]
if (!Number.isInteger(changes) || changes < 1 || !Number.isInteger(seed)) throw new Error('expected --changes COUNT from 1 and --seed NUMBER')

const { brokers, controllers } = stack()
const random = randomFrom(seed)
const kafka = await openKafka({ brokers, clientId: 'bench-changes' })
const topic = unique('bench-metadata')
await kafka.admin.createTopics([{ name: topic, partitions: 1 }])

/** Milliseconds of each change: since the controller wrote it, by its clock and ours, which are one; and since it was asked for. */
async function measured(version: 17 | 18): Promise<{ writtenMs: number[]; askedMs: number[] }> {
  const real = openControllers({ brokers: controllers, clientId: `bench-v${version}` })
  const log = new MetadataLogReader(controllers, speaking(real, version), {})
  const writtenMs: number[] = []
  const askedMs: number[] = []
  for (let atEnd = false; !atEnd;) {
    const item = await log.poll()
    atEnd = item?.kind === 'records' && item.position.offset === item.highWatermark
  }
  for (let change = 0; change < changes; change++) {
    // At any moment between two NoOp records.
    await new Promise(resolve => setTimeout(resolve, random() * 100))
    const retentionMs = String(600_000_000 + version * 1_000_000 + change)
    const seen = arrivalOf(log, retentionMs)
    const askedAtMs = performance.now()
    await kafka.admin.alterConfigs({ kind: 'topic', name: topic }, { 'retention.ms': retentionMs })
    const { atMs, atEpochMs, timestampMs } = await seen
    writtenMs.push(atEpochMs - timestampMs)
    askedMs.push(atMs - askedAtMs)
  }
  await log.close()
  return { writtenMs, askedMs }
}

async function arrivalOf(log: MetadataLogReader, text: string): Promise<{ atMs: number; atEpochMs: number; timestampMs: number }> {
  for (;;) {
    const item = await log.poll()
    if (item?.kind !== 'records') continue
    const record = item.records.find(({ value }) => value.includes(text))
    if (record) return { atMs: performance.now(), atEpochMs: Date.now(), timestampMs: record.timestampMs }
  }
}

/** Controllers that say they speak no newer Fetch than this one. */
function speaking(real: Controllers, version: number): Controllers {
  return {
    ...real,
    ask: async (address, api, ...args) => {
      const answer = await real.ask(address, api, ...args)
      if (api.key !== 18) return answer
      const { apiKeys } = answer as { apiKeys: { apiKey: number; maxVersion: number }[] }
      return { ...answer, apiKeys: apiKeys.map(one => (one.apiKey === 1 ? { ...one, maxVersion: Math.min(one.maxVersion, version) } : one)) }
    }
  }
}

const percentile = (all: readonly number[], share: number): number => all.toSorted((a, b) => a - b)[Math.ceil(all.length * share) - 1]!

const rows: Row[] = []
const goals = []
for (const version of [18, 17] as const) {
  const { writtenMs, askedMs } = await measured(version)
  for (const share of [0.5, 0.99, 1]) {
    const name = share === 1 ? 'slowest' : `p${share * 100}`
    rows.push({ who: `Fetch v${version}`, what: `written by the controller to its item, ${name}`, value: percentile(writtenMs, share), unit: 'ms' })
    rows.push({ who: `Fetch v${version}`, what: `asked for to its item, ${name}`, value: percentile(askedMs, share), unit: 'ms' })
  }
  goals.push(atMost(`metadata change to item, p99 of ${changes}, Fetch v${version}, ms`, 500, percentile(writtenMs, 0.99)))
}
await kafka.close()
report('Metadata log: from a committed change to its item', rows, goals)
