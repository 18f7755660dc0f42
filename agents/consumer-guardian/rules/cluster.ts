import { toleratedAgeMs } from '#shared/domain/observation-age.ts'
import type { Notice } from '#shared/engine/agent.ts'
import type { GroupFacts, GuardianSnapshot } from '../observe.ts'
import type { ClusterMemory, Fault } from './memory.ts'
import type { LookContext } from './clocks.ts'

export interface ClusterLook {
  readonly memory: ClusterMemory
  readonly context: LookContext
  /** What is wrong with the cluster, a sentence each: while there is one, nothing is paused. */
  readonly wrong: readonly string[]
  /** The cluster is being worked on: what is wrong with it is expected, and told nobody. */
  readonly suspended: boolean
  /** Why this group's pages are held back, and the fault that its trouble belongs to. */
  mutes(facts: GroupFacts): { readonly fault: keyof ClusterMemory['faults']; readonly because: string } | null
}

/** Judges the cluster before its groups: a group that suffers from a broker is not to blame. */
export function judgeCluster(snapshot: GuardianSnapshot, before: ClusterMemory | undefined): ClusterLook {
  const { atMs, intervalMs, brokers, leaderless, underReplicated, unseen } = snapshot
  const toleranceMs = toleratedAgeMs(intervalMs)
  const restart = snapshot.gap || before === undefined || atMs < before.lookAtMs || atMs - before.lookAtMs > toleranceMs
  const silent = unseen.filter(({ kind }) => kind === 'broker')
  const absent = (before?.brokers ?? []).filter(id => !brokers.includes(id))
  const settled = underReplicated === 0 && leaderless.length === 0 && brokers.length > 0 && !unseen.some(({ kind }) => kind === 'broker' || kind === 'topics')
  const members = settled ? [...brokers] : [...brokers, ...absent]
  const missing = settled ? [] : absent

  const brokerWrong = [
    ...missing.map(id => `broker ${id} has left the cluster's metadata`),
    ...silent.map(({ id, why }) => `broker ${id} did not answer: ${why}`),
    ...(brokers.length === 0 ? ['no broker was seen'] : [])
  ]
  const wrong = [
    ...brokerWrong,
    ...(leaderless.length > 0 ? [`${leaderless.length} partitions have no leader, ${leaderless[0]!.topic}-${leaderless[0]!.partition} first`] : []),
    ...(underReplicated > 0 ? [`${underReplicated} partitions lack an in-sync replica`] : [])
  ]
  const begun = (fault: Fault | null | undefined, is: boolean): Fault | null => (is ? (fault ?? { startMs: atMs, told: false }) : null)
  const unwell = new Set(leaderless.map(({ topic }) => topic))
  return {
    memory: {
      kind: 'cluster',
      lookAtMs: atMs,
      brokers: members.toSorted((a, b) => a - b),
      wellSinceMs: wrong.length > 0 ? null : restart ? atMs : (before.wellSinceMs ?? atMs),
      faults: { brokers: begun(before?.faults.brokers, brokerWrong.length > 0), leaderless: begun(before?.faults.leaderless, leaderless.length > 0) }
    },
    context: { atMs, previousAtMs: before?.lookAtMs ?? atMs, toleranceMs, restart },
    wrong,
    suspended: unseen.some(({ kind }) => kind === 'maintenance'),
    mutes({ topics }) {
      if (brokerWrong.length > 0) return { fault: 'brokers', because: brokerWrong.join('; ') }
      const topic = unwell.has('__consumer_offsets') ? '__consumer_offsets' : topics.find(each => unwell.has(each.topic))?.topic
      return topic === undefined ? null : { fault: 'leaderless', because: `${topic} has a partition without a leader` }
    }
  }
}

/** One message for each fault of the cluster that hurts a group, in place of the pages of all these groups. */
export function clusterNotices(
  look: ClusterLook,
  before: ClusterMemory | undefined,
  hurt: ReadonlyMap<string, readonly string[]>
): { notices: Notice[]; memory: ClusterMemory } {
  const notices: Notice[] = []
  const faults = { ...look.memory.faults }
  for (const name of ['brokers', 'leaderless'] as const) {
    const fault = faults[name]
    const earlier = before?.faults[name] ?? null
    const groups = hurt.get(name) ?? []
    if (fault && !fault.told && groups.length > 0) {
      faults[name] = { ...fault, told: true }
      notices.push(
        toPlatform(name, fault, {
          severity: 'page',
          resolved: false,
          title: `The cluster holds up ${groups.length} consumer group${groups.length === 1 ? '' : 's'}`,
          why: [...look.wrong.map(sentence => `${sentence}.`), `In trouble: ${groups.slice(0, 10).join(', ')}${groups.length > 10 ? ' and others' : ''}.`],
          next: { what: 'Nothing is paused and no group pages while this lasts.', atMs: null }
        })
      )
    }
    if (!fault && earlier?.told) {
      notices.push(
        toPlatform(name, earlier, {
          severity: 'info',
          resolved: true,
          title: 'The cluster is well again',
          why: ['What was missing is back.'],
          next: { what: 'Groups are judged for themselves again.', atMs: null }
        })
      )
    }
  }
  return { notices, memory: { ...look.memory, faults } }
}

function toPlatform(name: string, fault: Fault, text: Pick<Notice, 'severity' | 'resolved' | 'title' | 'why' | 'next'>): Notice {
  const incident = `consumer-guardian/cluster/${name}/${fault.startMs}`
  return { ...text, key: `${incident}/${text.resolved ? 'resolved' : 'told'}`, incident, team: null, channel: null, sinceMs: fault.startMs, answer: null }
}
