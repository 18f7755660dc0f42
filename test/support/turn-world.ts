import { TrustedClock } from '#shared/engine/clock.ts'
import type { AnyAgent, Ports } from '#shared/engine/agent.ts'
import type { StepName } from '#shared/engine/engine.ts'
import { journalEntry, type JournalEntry } from '#shared/engine/journal.ts'
import { Leader } from '#shared/engine/leader.ts'
import { standingOf } from '#shared/engine/look.ts'
import { openPorts } from '#shared/engine/ports.ts'
import { StateStore } from '#shared/engine/state.ts'
import { reeveTopics, topicSettings } from '#shared/engine/topics.ts'
import { turn } from '#shared/engine/turn.ts'
import type { Moment } from '#test/laws/sample.ts'
import { clusterView } from './cluster-view.ts'
import { fakeKafka } from './fake-kafka.ts'
import { openLimits, quickTimes } from './replica.ts'

const topics = reeveTopics('reeve')

/** Whole turns of the real engine over a cluster in memory, for an agent that sees and decides one given moment, again and again. */
export async function turnWorld(agent: AnyAgent, moment: Moment) {
  const kafka = fakeKafka({ nowMs: () => moment.nowMs })
  await kafka.admin.createTopics(topicSettings(topics, 3))
  const decision = agent.decide({ policy: moment.policy, snapshot: moment.snapshot, memory: moment.memory, now: new Date(moment.nowMs) })
  const fixed: AnyAgent = { ...agent, observe: async () => moment.snapshot, decide: () => decision }
  let epoch = 0
  /** What the journal held when the first effect began. */
  let before: string[] | null = null
  let leader!: Leader
  let ports!: Ports
  const takeOver = async (): Promise<void> => {
    const store = new StateStore(topics.state, await kafka.openReader())
    const appender = await kafka.openAppender(topics.state)
    await appender.fence()
    await store.open()
    const clock = new TrustedClock(
      () => moment.nowMs,
      async () => moment.nowMs
    )
    leader = new Leader({ store, clock, topics, holder: `replica-${++epoch}`, appender, epoch })
    const opened = await openPorts(kafka, 'cluster-under-test', topics, `${topics.control}.${agent.name}`)
    await opened.appender.fence()
    const { appender: own } = opened
    ports = {
      ...opened,
      appender: {
        ...own,
        append(records) {
          before ??= acts()
          return own.append(records)
        }
      }
    }
  }
  await takeOver()
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const committed = (topic: string) => kafka.partition(topic).entries.filter(entry => entry.record !== null && entry.transaction.state === 'committed')
  const journal = (): JournalEntry[] => committed(topics.journal).flatMap(({ record }) => (record && journalEntry(record)) ?? [])
  const acts = (): string[] => journal().flatMap(({ kind }) => (kind === 'intent' || kind === 'outcome' ? [kind] : []))
  return {
    takeOver,
    journal,
    /** Intent, effect and outcome in the order in which they happened. */
    order: () => [...(before ?? []), ...(before ? ['effect'] : []), ...acts().slice(before?.length ?? 0)],
    async turn({ crashAt }: { crashAt?: StepName } = {}) {
      const hooks = {
        step(name: StepName) {
          if (name === crashAt) throw new Error('crash')
        }
      }
      const settings = {
        holder: 'replica',
        observer: { intervalMs: 30_000, keyFrameEvery: 1, maintenance: [] },
        limits: openLimits,
        owners: [],
        times: quickTimes
      }
      const latest = { view: clusterView({ atMs: moment.nowMs }), sequence: 1, intervalMs: 30_000 }
      return turn({ settings, hooks, log }, leader, { agent: fixed, policy: moment.policy, act: true, ports }, latest, async () => true)
    },
    effects: () => committed(topics.control).length,
    standing: () => standingOf(leader.store, agent.name).map(({ key }) => key),
    openIntents: () => [...leader.store.entries('intent/')].map(([key]) => key)
  }
}
