import type { Notice, Verdict } from '#shared/engine/agent.ts'
import type { Action } from '../actions.ts'
import type { GroupFacts, GuardianSnapshot } from '../observe.ts'
import type { GroupPolicy } from '../policy.ts'
import type { Look } from './clocks.ts'
import type { ClusterLook } from './cluster.ts'
import type { GroupMemory, Incident } from './memory.ts'
import type { About } from './notices.ts'
import type { StandingPause } from './pause.ts'
import type { Rule } from './troubles.ts'

/** One group in one turn: all that is known of it. */
export interface Case {
  readonly groupId: string
  /** Null: the group is not in the view. */
  readonly facts: GroupFacts | null
  /** It is certainly gone, not only unseen. */
  readonly gone: boolean
  readonly policy: GroupPolicy
  readonly before: GroupMemory | undefined
  readonly standing: StandingPause | null
  readonly requests: GuardianSnapshot['requests']
  readonly snapshot: GuardianSnapshot
  readonly cluster: ClusterLook
  readonly nowMs: number
}

/** The same, its clocks wound on and what is remembered in line with what stands. */
export interface Settled extends Case {
  readonly look: Look
  /** What that has already given to say. */
  readonly said: readonly Notice[]
}

export interface Judged {
  readonly memory: GroupMemory | null
  readonly verdict: Verdict | null
  readonly notices: readonly Notice[]
  readonly action?: Action
  readonly undo?: { readonly key: string; readonly why: string }
}

export function about({ groupId, facts }: Case, incident: Incident): About {
  return { groupId, owner: facts?.owner ?? null, incident }
}

export function remember(look: Look, incident: Incident | null): GroupMemory {
  return { ...look.clocks, incident }
}

/** With every "since" begun anew: what was counted before does not count against a group that was given back. */
export function rememberAfresh(look: Look, incident: Incident | null): GroupMemory {
  return { ...look.clocks, incident, standstillSinceMs: null, behindSinceMs: {}, memberChangesMs: [] }
}

/** The line in the table, and all that `reeve explain group` prints. */
export function verdictOf({ groupId, facts, look, cluster }: Settled, incident: Incident | null, state: string, why: string, rules: readonly Rule[]): Verdict {
  const { standstillSinceMs, behindSinceMs, memberChangesMs } = look.clocks
  return {
    subject: groupId,
    state,
    why,
    lagMessages: facts?.lagMessages ?? null,
    rules,
    facts: {
      protocol: facts?.protocol ?? null,
      groupState: facts?.state ?? null,
      members: facts?.members?.map(({ memberId }) => memberId) ?? null,
      owner: facts?.owner ?? null,
      lagByTopic: facts && Object.fromEntries(facts.topics.map(({ topic, lagMessages }) => [topic, lagMessages])),
      commits: facts?.commits ?? null,
      somethingToRead: facts?.readable.held ?? null,
      lossAtMs: facts?.lossAtMs ?? null,
      command: facts?.command ? { ...facts.command } : null,
      acks: facts ? (facts.acks?.map(ack => ({ ...ack })) ?? null) : [],
      missing: facts?.missing ?? ['the group was not seen'],
      standstillSinceMs,
      behindSinceMs,
      memberChangesMs,
      clusterWellSinceMs: cluster.memory.wellSinceMs,
      incident
    }
  }
}

export function shareGroup({ groupId, protocol, state }: GroupFacts): Verdict {
  return {
    subject: groupId,
    state: 'not governed',
    why: 'a share group has no committed offsets to judge',
    lagMessages: null,
    rules: [],
    facts: { protocol, groupState: state }
  }
}
