import type { Config } from '../config/index.ts'
import type { ClusterView } from '../domain/cluster-view.ts'
import type { Severity } from '../engine/agent.ts'
import type { Right } from '../engine/rights.ts'
import type { BrokerAnswer } from '../kafka/examine/broker.ts'
import type { TopicRights } from '../kafka/examine/operations.ts'
import type { AclEntry, ConfigValue, QuotaEntry, TopicSettings } from '../kafka/ports.ts'
import type { RedisFinding } from '../queue/inspect.ts'
import type { AuditFacts } from './audit-facts.ts'

/** What was asked: the answer, or in one sentence why there is none. What was not seen is unknown, never zero and never good. */
export type Seen<T> = { readonly value: T } | { readonly why: string; readonly kind?: string }

/** Everything that the checks may know; gathered once, by reading alone. */
export interface Facts {
  readonly config: Config
  readonly addresses: readonly AddressFacts[]
  /** One scan as the engine. */
  readonly view: Seen<ClusterView>
  /** How long it took, milliseconds, over connections that were new; null: there was none. */
  readonly scanMs: number | null
  readonly principals: readonly PrincipalFacts[]
  /** Of each broker that listed its settings, by id. */
  readonly settings: Seen<ReadonlyMap<number, Settings>>
  /** Reeve's own topics as they should be. */
  readonly wanted: readonly TopicSettings[]
  /** Settings of Reeve's own topics and audit logs that exist, by name. */
  readonly topicSettings: Seen<ReadonlyMap<string, Settings>>
  readonly acls: Seen<readonly AclEntry[]>
  readonly quotas: Seen<readonly QuotaEntry[]>
  readonly clocks: ClockFacts
  readonly redis: RedisFacts
  readonly channels: readonly ChannelFacts[]
  /** Audit logs that the configuration has switched on. */
  readonly audits: readonly AuditFacts[]
}

export type Settings = ReadonlyMap<string, ConfigValue>

export interface AddressFacts {
  readonly address: string
  /** `cluster.brokers` names it; else a broker advertises it. */
  readonly bootstrap: boolean
  /** The broker that advertises it on this listener; null where that is not known. */
  readonly broker: number | null
  readonly answer: Seen<BrokerAnswer>
}

/** One identity of Reeve's on the cluster, and what the brokers say that it may do. */
export interface PrincipalFacts {
  /** `engine` and names of agents. */
  readonly roles: readonly string[]
  /** For example `User:reeve-engine`; a guess where the brokers map names, which Kafka tells nobody. */
  readonly principal: string
  /** What the roles need, with the configured prefix. */
  readonly rights: readonly Right[]
  readonly probes: ProbeNames
  readonly connected: Seen<true>
  readonly cluster: Seen<ReadonlySet<string>>
  /** The topics that it may describe, by name. */
  readonly topics: Seen<ReadonlyMap<string, TopicRights>>
  /** Names that were asked for by name: Reeve's topics, a name with Reeve's prefix, and a name that nobody could know. */
  readonly named: Seen<ReadonlyMap<string, TopicRights>>
  /** Whether it may describe `group NAME` and `transactional-id NAME`; null where no broker could say. */
  readonly describes: Seen<ReadonlyMap<string, boolean | null>>
}

/** Names that nobody uses: a right that holds for `anything` holds for everything, one that holds for `ours` for Reeve's whole prefix. */
export interface ProbeNames {
  readonly anything: string
  readonly ours: string
}

export interface ClockFacts {
  /** Controller minus host, milliseconds; `within` is how far that may be off. */
  readonly controller: Seen<{ readonly broker: number; readonly offMs: number; readonly withinMs: number; readonly voters: readonly number[] }>
  /** Newest timestamp minus host, milliseconds, by the broker that leads the partition. Only a clock that runs ahead shows. */
  readonly stamps: Seen<ReadonlyMap<number, number>>
  readonly redis: Seen<{ readonly offMs: number; readonly withinMs: number }>
}

export interface RedisFacts {
  /** Host, port and database, without user and password. */
  readonly address: string
  readonly tls: boolean
  readonly findings: readonly RedisFinding[]
}

export interface ChannelFacts {
  readonly channel: string
  /** The same for channels that end in the same place; says nothing else. Null: nowhere. */
  readonly place: string | null
  /**
   * Where its notices go, by kind and host: `Slack webhook at hooks.slack.com`. Empty: nowhere. `tellsFrom`: people hear of notices of at least
   * this severity; null: nobody does.
   */
  readonly ways: readonly { readonly way: string; readonly tellsFrom: Severity | null; readonly reached: Seen<string> }[]
}

/** Settles a question whatever becomes of it. Throws only what is no refusal: a mistake of ours. */
export async function see<T>(ask: () => Promise<T>): Promise<Seen<T>> {
  try {
    return { value: await ask() }
  } catch (error) {
    if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) throw error
    const { kind } = error as { kind?: unknown }
    return { why: error.message, ...(typeof kind === 'string' ? { kind } : {}) }
  }
}

/** Which of Reeve's topics exist: the word of whoever may describe them. */
export function existing({ principals, view, wanted }: Facts): ReadonlyMap<string, boolean | 'unknown'> {
  const said = (name: string): readonly (boolean | 'unknown')[] => [
    ...principals.map(({ named }) => known(named)?.get(name)?.exists ?? 'unknown'),
    known(view)?.topics.has(name) === true || 'unknown'
  ]
  return new Map(
    wanted.map(({ name }) => {
      const answers = said(name)
      return [name, answers.includes(true) ? true : answers.includes(false) ? false : 'unknown']
    })
  )
}

export function known<T>(seen: Seen<T>): T | null {
  return 'value' in seen ? seen.value : null
}
