import type { ClusterView } from '#shared/domain/cluster-view.ts'
import type { Simulation } from '#shared/engine/agent.ts'
import { faults, type GroupFacts, type GuardianSnapshot, holesOf, type Readable, seenOf } from '../observe.ts'
import type { Policy } from '../policy.ts'

/** What past observations tell the guardian: what a view holds, and of the rest only that it is unknown. */
export const simulation: Simulation<Policy, GuardianSnapshot> = {
  unknown: [
    'Whether there was something to read follows from the offsets alone: what lies below the last stable offset counts as readable, though it may be transaction markers or a compacted tail.',
    'Whether members speak the SDK, and obey, was not recorded: unless it is taken as given (--given members-obey), rule 11 is unknown and nothing is paused.',
    'When retention passes a commit was not recorded: unless it is taken as given that it passes none (--given nothing-expires), rule 12 is unknown and nothing is paused.',
    'Commands of others on the control topic were not recorded: none is taken to be in force.'
  ],
  assumptions: {
    'members-obey': 'Every member speaks the SDK and does what it is told.',
    'nothing-expires': 'Retention passes no commit.'
  },
  snapshot({ view, intervalMs, gap, standing, requests, owners }, _policy, given) {
    const holes = holesOf(view)
    const past = { command: null, lossAtMs: given.has('nothing-expires') ? ('never' as const) : null }
    return {
      atMs: view.atMs,
      unseen: view.unseen,
      clusterId: view.clusterId,
      intervalMs,
      gap,
      brokers: view.brokers.map(({ id }) => id),
      ...faults(view),
      groups: new Map(
        [...view.groups].map(([groupId, group]) => {
          const seen = seenOf(view, holes, group, owners)
          return [groupId, { ...seen, ...past, acks: given.has('members-obey') ? obedient(seen, view.atMs) : null, readable: readableOf(view, seen) }]
        })
      ),
      standing,
      requests
    }
  }
}

function obedient({ members }: Pick<GroupFacts, 'members'>, atMs: number): GroupFacts['acks'] {
  return members?.map(({ memberId, clientId }) => ({ memberId, clientId, commandId: null, state: 'running', atMs })) ?? null
}

function readableOf(view: ClusterView, { topics, lagMessages }: Pick<GroupFacts, 'topics' | 'lagMessages'>): Readable {
  if (lagMessages === null) return { held: null, because: 'no partition has a known lag' }
  if (lagMessages === 0) return { held: false, because: 'it has read everything' }
  let unknown: string | null = null
  for (const { topic, partitions } of topics) {
    const seen = new Map(view.topics.get(topic)?.partitions.map(each => [each.partition, each]))
    for (const each of partitions) {
      if (each.lagMessages === null || each.lagMessages === 0) continue
      const { logStartOffset = null, lastStableOffset = null } = seen.get(each.partition) ?? {}
      if (lastStableOffset === null) unknown ??= `the last stable offset of ${topic}-${each.partition} was not seen`
      else if (Math.max(each.committed!, logStartOffset ?? 0) < lastStableOffset)
        return { held: true, because: `${topic}-${each.partition} has offsets below its last stable one from ${each.committed} on, taken to be records` }
    }
  }
  if (unknown !== null) return { held: null, because: unknown }
  return { held: false, because: `an open transaction holds back all ${lagMessages} offsets` }
}
