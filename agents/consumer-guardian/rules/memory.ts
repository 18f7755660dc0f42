import type { Severity } from '#shared/engine/agent.ts'
import type { Commits } from '../observe.ts'

/** What `decide` remembers, by subject: `cluster`, and `group/<id>` for each group. Plain JSON; times are epoch milliseconds. */
export type Memory = ClusterMemory | GroupMemory

export type ClusterMemory = {
  kind: 'cluster'
  lookAtMs: number
  /** Brokers that belong to the cluster: one that is missing is forgotten once every partition is fully replicated without it. */
  brokers: number[]
  /** Null while something is wrong with the cluster. */
  wellSinceMs: number | null
  faults: { brokers: Fault | null; leaderless: Fault | null }
}
export type Fault = { startMs: number; told: boolean }

export type GroupMemory = {
  kind: 'group'
  /** Null where there was nothing to read, so that a group at rest writes nothing. */
  commits: Commits | null
  standstillSinceMs: number | null
  /** By topic whose lag is above the threshold. */
  behindSinceMs: { [topic: string]: number }
  /** Member ids, sorted. */
  members: string[]
  memberChangesMs: number[]
  /** The last rebalance that could be seen; at least the beginning of our looking. */
  rebalancedAtMs: number
  /** Time of the last complete look while the looks are incomplete. */
  unseenSinceMs: number | null
  incident: Incident | null
}

export type Incident = {
  /** Part of every key: a second incident is a second key. */
  startMs: number
  /** Since when the trouble lasts, in one word what it is. */
  sinceMs: number
  trouble: Trouble
  /** The highest severity that was said. */
  said: Severity
  phase: Watched | Paused | Trial | NeedsPerson
}
export type Trouble = 'behind' | 'noProgress' | 'crashLoop' | 'stuckBehind'

export type Watched = { is: 'watched' }
export type Paused = {
  is: 'paused'
  key: string
  appliedAtMs: number
  /** First of the looks in a row that found every member holding and the commits flat. */
  quietSinceMs: number | null
  verifiedAtMs: number | null
  /** Since when the pause is known not to hold, or not known to hold yet. */
  brokenSinceMs: number | null
  givingBack: { why: string; thenPerson: boolean } | null
}
export type Trial = {
  is: 'trial'
  sinceMs: number
  why: string
  /** The command that was taken back (its id is the key of the pause); null when the group was not paused. */
  commandId: string | null
  trouble: Trouble
  fromLagMessages: number | null
  movedAtMs: number | null
  /** When no live member held the pause any more. */
  freeAtMs: number | null
}
export type NeedsPerson = { is: 'needs-person'; sinceMs: number; why: string }

export const clusterSubject = 'cluster'
export const groupSubject = (groupId: string): string => `group/${groupId}`
export const groupOfSubject = (subject: string): string | null => (subject.startsWith('group/') ? subject.slice('group/'.length) : null)
