import type { AnyAgent, Notice } from '#shared/engine/agent.ts'
import type { ApprovalRules } from '#shared/engine/approvals.ts'
import { TrustedClock } from '#shared/engine/clock.ts'
import type { EngineSettings, Hooks } from '#shared/engine/engine.ts'
import { journalEntry, type JournalEntry } from '#shared/engine/journal.ts'
import { standingOf } from '#shared/engine/look.ts'
import { Replica, type Role, type Ticks } from '#shared/engine/replica.ts'
import { StateStore } from '#shared/engine/state.ts'
import { reeveTopics, topicSettings } from '#shared/engine/topics.ts'
import type { Kafka, LogRecord } from '#shared/kafka/ports.ts'
import type { Destination, Notifier } from '#shared/notify/notifier.ts'

/** Short times, so that a take-over takes a second; their proportions are the shipped ones. */
export const quickTimes = { renewEveryMs: 250, takeOverAfterMs: 2_000, effectMustStartWithinMs: 500, effectDeadlineMs: 1_000 }
export const openLimits = { maxActions: 100, maxPercent: 100, percentMinimum: 100, maxPerOwner: 100, freeze: [], holds: [] }

export const openApprovals = { otherPerson: false, proven: false, keys: () => [] }

export interface Bench {
  readonly replica: Replica
  readonly delivered: Notice[]
  readonly errors: unknown[]
  readonly roles: Role[]
  readonly stopped: Promise<void>
  /** One scan or turn, now, however long the one before took. */
  tick(name: string): Promise<void>
  stop(): Promise<void>
}

export interface BenchOptions {
  readonly kafka: Kafka
  readonly prefix: string
  readonly agent: AnyAgent
  readonly holder?: string
  readonly act?: boolean
  readonly policy?: unknown
  readonly hooks?: Hooks
  readonly settings?: Partial<EngineSettings>
  readonly localMs?: () => number
  readonly approvals?: ApprovalRules
}

/** One replica with one agent, whose ticks come when the test says so. */
export async function startReplica({
  kafka,
  prefix,
  agent,
  holder = 'one',
  act = true,
  policy = {},
  hooks = {},
  settings = {},
  localMs = Date.now,
  approvals = openApprovals
}: BenchOptions): Promise<Bench> {
  const topics = reeveTopics(prefix)
  const { clusterId, brokers } = await kafka.admin.features()
  await kafka.admin.createTopics(topicSettings(topics, brokers))
  const stop = new AbortController()
  const delivered: Notice[] = []
  const errors: unknown[] = []
  const roles: Role[] = []
  const ticks: Ticks = { lead() {}, stepDown() {}, ask: async () => undefined }
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const replica: Replica = new Replica({
    clusterId,
    topics,
    kafka,
    agents: [{ agent, policy, act, kafka }],
    ticks,
    notifier: notifierOf(async ({ notices }) => {
      delivered.push(...notices)
      return { ok: true }
    }),
    clock: new TrustedClock(localMs, async () => Date.now()),
    settings: { holder, observer: { intervalMs: 60_000, keyFrameEvery: 3, maintenance: [] }, limits: openLimits, owners: [], times: quickTimes, ...settings },
    approvals,
    hooks,
    log,
    onTick: (_name, result) => void ('error' in result && errors.push(result.error)),
    onRole: role => void roles.push(role)
  })
  const stopped = replica.run(stop.signal)
  stopped.catch(() => {})
  return {
    replica,
    delivered,
    errors,
    roles,
    stopped,
    tick: name => replica.turnNow(name),
    async stop() {
      stop.abort()
      await stopped
    }
  }
}

/** One destination that reaches people. */
export function notifierOf(deliver: Destination['deliver']): Notifier {
  return { destinations: () => [{ id: 'test', reachesPeople: true, digestAbove: null, deliver }] }
}

/** What the topics say, read by nobody's replica. */
export async function readTruth(
  kafka: Kafka,
  prefix: string
): Promise<{ state: StateStore; standing: string[]; journal: JournalEntry[]; control: Map<string, string[]> }> {
  const topics = reeveTopics(prefix)
  const reader = await kafka.openReader()
  const journal: JournalEntry[] = []
  const control = new Map<string, string[]>()
  await reader.assign(topics.journal, 0, 'start')
  await reader.assign(topics.control, 0, 'start')
  await reader.assign(topics.state, 0, 'start')
  const take = (record: LogRecord): void => {
    const entry = record.topic === topics.journal ? journalEntry(record) : null
    if (entry) journal.push(entry)
    const key = record.key?.toString() ?? ''
    if (record.topic === topics.control) control.set(key, [...(control.get(key) ?? []), record.value?.toString() ?? ''])
  }
  await reader.readToEnd(take)
  // A commit is answered before its markers are written: what is not stable yet may be committed already.
  for (let stable = false; !stable;) {
    const polled = await reader.poll({ maxWaitMs: 50 })
    for (const { records } of polled) records.forEach(take)
    stable = polled.every(({ nextOffset, lastStableOffset, highWatermark }) => nextOffset >= lastStableOffset && lastStableOffset === highWatermark)
  }
  await reader.close()
  const state = new StateStore(topics.state, await kafka.openReader())
  await state.open()
  await state.close()
  return { state, standing: standingOf(state, null).map(({ key }) => key), journal, control }
}

/** Awaits a condition; throws with what it saw last when the bound is over. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, boundMs = 15_000): Promise<void> {
  const deadline = performance.now() + boundMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${boundMs} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
