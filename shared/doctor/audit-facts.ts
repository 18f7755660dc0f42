import type { AuditGround } from '../engine/audit-ground.ts'
import type { Disk } from '../kafka/examine/disks.ts'
import type { TopicRights } from '../kafka/examine/operations.ts'
import type { StampedPartition } from '../kafka/examine/timestamps.ts'
import type { Incomplete, TopicSettings } from '../kafka/ports.ts'
import type { Seen } from './facts.ts'

/** What was seen of one audit log and of what it stands on. */
export interface AuditFacts {
  /** The agent that writes it. */
  readonly agent: string
  readonly ground: AuditGround
  /** The topic of its memory as it should be. */
  readonly memory: TopicSettings
  /** What its principal may do with the log, its memory and the topics that it reads, by name. */
  readonly rights: Seen<ReadonlyMap<string, TopicRights>>
  /** Verifier keys of the configuration's keys, in their order. */
  readonly keys: Seen<readonly string[]>
  /** Who signs the next checkpoint of each partition, by the log's own word; null in one without entries. */
  readonly signers: Seen<ReadonlyMap<number, readonly string[] | null>>
  readonly disks: Seen<Incomplete<readonly Disk[]>>
  /** The oldest record of each partition, and the first of the last seven days. */
  readonly oldest: Seen<readonly StampedPartition[]>
  readonly recent: Seen<readonly StampedPartition[]>
  /** Epoch milliseconds of this host's clock when these were asked for. */
  readonly atMs: number
  readonly anchors: readonly AnchorFacts[]
  readonly metadata: MetadataFacts | null
  /** By path. */
  readonly files: ReadonlyMap<string, Seen<true>>
  /** Levels of the brokers' loggers, by broker and name. */
  readonly loggers: Seen<Incomplete<ReadonlyMap<number, ReadonlyMap<string, string>>>>
}

export interface AnchorFacts {
  readonly name: string
  readonly kind: string
  /** The operator's word that neither the cluster's nor Reeve's administrators control it. */
  readonly outside: boolean
  /** What is doubtful about it, in sentences. */
  readonly checked: Seen<readonly string[]>
}

export interface MetadataFacts {
  /** As whom the metadata log is read; a guess where the controllers map names. */
  readonly principal: string
  /** The key of the hashes that stand for secrets. */
  readonly hashKey: Seen<true>
  readonly controllers: readonly { readonly address: string; readonly mayRead: Seen<true> }[]
}

/** The brokers' loggers that write what a log is read for. */
export const loggerOf = {
  authorizer: 'kafka.authorizer.logger',
  request: 'kafka.request.logger',
  server: 'org.apache.kafka.common.network.Selector'
} as const

export const dayMs = 86_400_000
export const recentMs = 7 * dayMs
