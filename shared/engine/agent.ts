import type { z } from 'zod'
import type { ClusterView, Unseen } from '../domain/cluster-view.ts'
import type { JsonValue } from '../domain/json.ts'
import type { OwnerRule } from '../domain/owner.ts'
import type { Admin, Appender } from '../kafka/ports.ts'
import type { Right } from './rights.ts'

/**
 * The contract of a reconciler: observe → decide → act → record, driven by turn.ts. An agent is data and four plain
 * functions; it keeps nothing between turns but the memory that `decide` returns.
 */
export interface Agent<Policy, S extends Snapshot, M extends JsonValue, A extends Kinded> {
  readonly name: string
  /** One sentence for `reeve --help` and the README. */
  readonly about: string
  /** What an operator may say: each knob with default, unit and one sentence. */
  readonly policy: z.ZodType<Policy>
  /** What its principal needs in Kafka, and nothing else. */
  readonly rights: readonly Right[]
  /** Reads the facts that `decide` needs beyond the scan. Reads only. */
  observe(ports: Ports, observed: Observed, policy: Policy): Promise<S>
  /** Law 1: pure and total. */
  decide(input: { policy: Policy; snapshot: S; memory: ReadonlyMap<string, M>; now: Date }): Decision<M, A>
  readonly effects: Effects<A>
  /** How past observations stand in for `observe`; absent: `reeve simulate` cannot replay this agent. */
  readonly simulation?: Simulation<Policy, S>
}

/** Past observations hold views and nothing else: what this agent makes of a view alone. */
export interface Simulation<Policy, S extends Snapshot> {
  /** What `decide` looks at and no view holds, a sentence each: said with every simulation. */
  readonly unknown: readonly string[]
  /** What a person may take as given in its place, by name, a sentence each. */
  readonly assumptions: Readonly<Record<string, string>>
  /** The snapshot of that time. Pure. What is neither in the view nor taken as given is unknown. */
  snapshot(observed: Observed, policy: Policy, given: ReadonlySet<string>): S
}

export type AnyAgent = Agent<unknown, Snapshot, JsonValue, JsonValue & Kinded>

/** Says what the agent is, checked against its own types, and hands it to the engine, which handles every agent alike. */
export function defineAgent<Policy, S extends Snapshot, M extends JsonValue, A extends Kinded>(agent: Agent<Policy, S, M, A>): AnyAgent {
  return agent as unknown as AnyAgent
}

export interface Kinded {
  readonly kind: string
}

/** Everything `decide` may look at. What was not seen is part of the facts (law 2). */
export interface Snapshot {
  readonly atMs: number
  readonly unseen: readonly Unseen[]
}

/** What the engine hands to `observe`. */
export interface Observed {
  readonly view: ClusterView
  /** Interval of the observer, milliseconds: an observation older than two of these is unknown. */
  readonly intervalMs: number
  /** True when observations were missing, or the clock jumped, since this agent's last turn: whatever was counted "since" starts again. */
  readonly gap: boolean
  /** Actions of this agent that are in force now. */
  readonly standing: readonly Standing[]
  /** What people asked since the last turn and this agent has not answered yet. */
  readonly requests: readonly PersonRequest[]
  /** Fate of this agent's notices by key. */
  readonly notices: ReadonlyMap<string, NoticeFate>
  readonly owners: readonly OwnerRule[]
}

export interface Decision<M extends JsonValue, A extends Kinded> {
  /** What should be done now that is not in force yet. */
  readonly actions: readonly A[]
  /** Keys of standing actions to undo, each with its reason. */
  readonly undo: readonly { readonly key: string; readonly why: string }[]
  readonly notices: readonly Notice[]
  /** The whole memory by subject: what is absent is forgotten. */
  readonly memory: ReadonlyMap<string, M>
  /** One line per subject looked at, for the table, `explain` and the metrics. */
  readonly verdicts: readonly Verdict[]
  /** Ids of requests that this decision answers. */
  readonly answered: readonly string[]
}

export interface Verdict {
  /** For example a group id. */
  readonly subject: string
  readonly state: string
  /** One sentence: why this state. */
  readonly why: string
  readonly lagMessages: number | null
  /** Every rule that was looked at. */
  readonly rules: readonly { readonly rule: string; readonly held: boolean | 'unknown'; readonly because: string }[]
  readonly facts: Readonly<Record<string, JsonValue>>
}

/** `restores` gives back and is never held up by caps; `harmless` changes nothing of anybody's. */
export type Harm = 'destroys' | 'pauses' | 'restores' | 'harmless'

export interface Effect<A> {
  readonly harm: Harm
  /** agent / kind / target id / incident start: a second incident is a second key (law 5). */
  key(action: A): string
  /** Whom it touches, for caps, holds and owners. */
  target(action: A): { readonly id: string; readonly owner: string | null }
  /** One sentence. */
  describe(action: A): string
  /** Does it. Returns evidence for the journal. Must be repeatable: the same key twice has the effect of once. */
  apply(ports: Ports, action: A, signal: AbortSignal): Promise<JsonValue>
  /** Reads back whether it is in force: heals an intent whose outcome is not known (law 6). */
  verify(ports: Ports, action: A): Promise<'done' | 'not-done' | 'unknown'>
  readonly undo: ((ports: Ports, action: A, why: string, signal: AbortSignal) => Promise<JsonValue>) | 'irreversible'
}
export type Effects<A extends Kinded> = { readonly [K in A['kind']]: Effect<Extract<A, { kind: K }>> }

/** An action that was applied and not undone. */
export interface Standing {
  readonly key: string
  readonly agent: string
  readonly action: JsonValue & Kinded
  readonly describe: string
  readonly appliedAtMs: number
  readonly evidence: JsonValue
}

export const requestKinds = [
  'fixed',
  'resume',
  'undo',
  'approve',
  'halt',
  'unhalt',
  'release-all',
  'snooze',
  'appeal',
  'dismiss',
  'maintenance',
  'maintenance-over'
] as const

/** What a person said, on the command line, by a link, in Slack or by HTTP; arrives by the requests topic. */
export interface PersonRequest {
  readonly id: string
  readonly kind: (typeof requestKinds)[number]
  /** Group id, action key, checksum, incident (snooze) or what an appeal is about; empty for halt and maintenance. */
  readonly subject: string
  readonly who: string
  readonly why: string
  readonly atMs: number
  /** How long a snooze, an appeal or maintenance holds, milliseconds. */
  readonly forMs?: number | undefined
  /** Its id counts once, remembered until then: it came by a link or a button. */
  readonly onceUntilMs?: number | undefined
  /** How `who` was proven, with the proof; absent: it is what the command line claims. */
  readonly seal?: { readonly by: 'oidc' | 'mtls' | 'slack' | 'link'; readonly mac: string } | undefined
}

export type Severity = 'info' | 'warning' | 'page' | 'incident' | 'executive'

/** One message to people. `key` is said once; `incident` ties the messages of one cause together. */
export interface Notice {
  readonly key: string
  readonly incident: string
  readonly severity: Severity
  readonly resolved: boolean
  /** Registered team, or null where nobody is: then it goes to the platform channel. */
  readonly team: string | null
  /** Channel name; null is the platform channel. */
  readonly channel: string | null
  readonly title: string
  /** Why, with figures, a sentence each. */
  readonly why: readonly string[]
  readonly sinceMs: number
  /** What happens next, and when if that is known. */
  readonly next: { readonly what: string; readonly atMs: number | null }
  /** The command to answer with. */
  readonly answer: string | null
  /** What a person can say to it by a button or a link, about `subject`. Without `snooze` no snooze holds it back. */
  readonly asks?: readonly ('snooze' | 'fixed' | 'appeal' | 'approve')[]
  /** Group id, or the checksum of a plan. */
  readonly subject?: string
}

export interface NoticeFate {
  readonly state: 'pending' | 'delivered' | 'failed'
  readonly attempts: number
  /** Set once delivered, epoch milliseconds. */
  readonly deliveredAtMs: number | null
  /** Why the last attempt failed. */
  readonly lastError: string | null
}

/** What agents may touch. Opened by the engine with the agent's own principal. */
export interface Ports {
  readonly clusterId: string
  /** Reeve's own topics, with the configured prefix. */
  readonly topics: ReeveTopics
  readonly admin: Admin
  /** This agent's writer: fenced with the leadership, so a stale replica cannot write through it. */
  readonly appender: Appender
  /** A compacted topic of one partition, read to its end: the latest value by key. Kept between turns. */
  table(topic: string): Promise<ReadonlyMap<string, { readonly value: Buffer; readonly timestampMs: number }>>
  /** First data record that a read_committed reader gets at or after the offset; null when there is none up to the last stable offset. */
  peek(topic: string, partition: number, offset: number): Promise<{ readonly offset: number; readonly timestampMs: number } | null>
}

export interface ReeveTopics {
  readonly state: string
  readonly journal: string
  readonly observations: string
  readonly requests: string
  readonly control: string
  readonly acks: string
}
