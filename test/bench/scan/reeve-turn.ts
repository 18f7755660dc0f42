import { consumerGuardian } from '#agents/consumer-guardian/index.ts'
import type { ClusterView } from '#shared/domain/cluster-view.ts'
import { TrustedClock } from '#shared/engine/clock.ts'
import { Leader } from '#shared/engine/leader.ts'
import { Observations } from '#shared/engine/observations.ts'
import { Observer, observerState } from '#shared/engine/observer.ts'
import { openPorts } from '#shared/engine/ports.ts'
import { StateStore } from '#shared/engine/state.ts'
import { reeveTopics, topicSettings } from '#shared/engine/topics.ts'
import { turn } from '#shared/engine/turn.ts'
import { keepHeapSmall } from '#shared/cli/heap.ts'
import { openKafka } from '#shared/kafka/index.ts'
import { openLimits, quickTimes } from '#test/support/replica.ts'
import { checkComplete, type ScanInput } from './input.ts'

// One process: whole turns of the guardian, as the leading replica does them. First of a cluster at rest, then of one where every end
// and every commit has moved since the turn before.
keepHeapSmall()
const input = JSON.parse(process.argv[2]!) as ScanInput
const intervalMs = 30_000
const log = { debug() {}, info() {}, warn() {}, error() {} }
const kafka = await openKafka(input.connection)
const { clusterId, brokers } = await kafka.admin.features()
const topics = reeveTopics(`scan-reeve-${process.pid}`)
await kafka.admin.createTopics(topicSettings(topics, brokers))

/** By how much every offset has moved on. */
let moved = 0
const admin = { ...kafka.admin, scan: async (options: Parameters<typeof kafka.admin.scan>[0]) => moveOn(await kafka.admin.scan(options)) }
const store = new StateStore(topics.state, await kafka.openReader())
const appender = await kafka.openAppender(topics.state)
await appender.fence()
await store.open()
const leader = new Leader({ store, clock: new TrustedClock(Date.now, async () => Date.now()), topics, holder: 'bench', appender, epoch: 1 })
const observing = { intervalMs, keyFrameEvery: 20, maintenance: [] }
const observer = new Observer({ ...kafka, admin }, observing, log)
const observations = new Observations(topics.observations, await kafka.openReader())
await observations.open(null)
const opened = await openPorts(kafka, clusterId, topics, `${topics.control}.${consumerGuardian.name}`)
await opened.appender.fence()
const ports = { ...opened, peek: (topic: string, partition: number, offset: number) => opened.peek(topic, partition, offset - moved) }
const settings = { holder: 'bench', observer: observing, limits: openLimits, owners: [], times: quickTimes }
const governed = { agent: consumerGuardian, policy: consumerGuardian.policy.parse({}), act: false, ports }

const first = await wholeTurn()
const resting = []
for (let index = 0; index < input.scans; index++) resting.push(await wholeTurn())
const moving = []
for (moved = 1; moved <= input.scans; moved++) moving.push(await wholeTurn())
const residentBytes = process.resourceUsage().maxRSS * 1_024
await observations.close()
await opened.close()
await opened.appender.close()
await appender.close()
await store.close()
await kafka.close()
console.log(JSON.stringify({ firstMs: first.tookMs, resting, moving, residentBytes }))

async function wholeTurn(): Promise<{ tookMs: number; scanMs: number; cpuMs: number }> {
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  checkComplete(await observer.observe(leader), input)
  const scanMs = performance.now() - startedAt
  const latest = await observations.latest(observerState(store)?.sequence)
  if (latest === null) throw new Error('the observation that was just appended did not come back')
  const { decision, look } = await turn({ settings, hooks: {}, log }, leader, governed, latest, async () => true)
  const tookMs = performance.now() - startedAt
  const cpu = process.cpuUsage(cpuBefore)
  if (decision.verdicts.length < input.expected.groups || look.observed.view.unseen.length > 0)
    throw new Error(`the guardian judged ${decision.verdicts.length} groups of ${input.expected.groups}`)
  return { tookMs, scanMs, cpuMs: (cpu.user + cpu.system) / 1_000 }
}

function moveOn(view: ClusterView): ClusterView {
  if (moved === 0) return view
  for (const { partitions } of view.topics.values())
    for (const partition of partitions as { -readonly [Field in keyof (typeof partitions)[number]]: (typeof partitions)[number][Field] }[]) {
      if (partition.highWatermark !== null) partition.highWatermark += moved
      if (partition.lastStableOffset !== null) partition.lastStableOffset += moved
    }
  for (const { committed } of view.groups.values())
    for (const offsets of (committed ?? new Map<string, Map<number, number>>()).values() as Iterable<Map<number, number>>)
      for (const [partition, offset] of offsets) offsets.set(partition, offset + moved)
  return view
}
