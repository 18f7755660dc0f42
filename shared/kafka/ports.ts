import type { ClusterView } from '../domain/cluster-view.ts'

/**
 * What the house sees of Kafka. The real parts are admin/, log-reader/ and appender/ beside this file; test/support has
 * fakes of the same interfaces, and one contract suite runs on both.
 */

/** ---- reading a log by position ---------------------------------------------------------------------------- */

export interface Header {
  readonly key: string
  readonly value: Buffer | null
}

export interface LogRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch; what it means is the topic's message.timestamp.type. */
  readonly timestampMs: number
  readonly key: Buffer | null
  /** Null is a tombstone. */
  readonly value: Buffer | null
  readonly headers: readonly Header[]
}

export interface Position {
  readonly topic: string
  readonly partition: number
  /** Next offset to read. */
  readonly offset: number
}

/** Where a position may start: an offset, or the log start or end of the moment of asking. */
export type StartAt = number | 'start' | 'end'

/** What one poll of one partition brought. */
export interface Fetched {
  readonly topic: string
  readonly partition: number
  /** Records at or above the position, in offset order; aborted and control records left out. */
  readonly records: readonly LogRecord[]
  /** Where the next poll begins: beyond markers, aborted batches and compacted tails too. */
  readonly nextOffset: number
  readonly logStartOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  /** Set when the position was not there any more: deleted from the front, or truncated from the end. Records continue at `resumedAt`. */
  readonly moved?: { readonly why: 'below-log-start' | 'truncated'; readonly asked: number; readonly resumedAt: number }
}

/** read_committed, by position, without a group. One reader, one set of partitions, used by one caller at a time. */
export interface LogReader {
  /** Adds or moves a partition. */
  assign(topic: string, partition: number, startAt: StartAt): Promise<void>
  unassign(topic: string, partition: number): void
  positions(): readonly Position[]
  /** One round of fetches. Waits at most `maxWaitMs` when there is nothing; bounded in memory by the reader's `maxBytes`. Survives leader changes. */
  poll(options?: { maxWaitMs?: number; signal?: AbortSignal }): Promise<readonly Fetched[]>
  /** Reads every assigned partition to the last stable offset of the moment of calling; hands over records as they come. */
  readToEnd(onRecord: (record: LogRecord) => void): Promise<void>
  close(): Promise<void>
}

/** ---- appending as the only writer -------------------------------------------------------------------------- */

export interface NewRecord {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly Header[]
  /** Milliseconds since the epoch; default: the moment of appending. */
  readonly timestampMs?: number
}

export interface Appended {
  /** Offset of each record, in the order given. */
  readonly offsets: readonly number[]
  /** The broker's own time of the append where the topic uses LogAppendTime, milliseconds; null elsewhere. */
  readonly logAppendTimeMs: number | null
}

/** One writer with a transactional id. Throws KafkaFault: kind `fenced` is final, the appender is dead then. */
export interface Appender {
  readonly transactionalId: string
  /** Takes over from any other writer with this id (InitProducerId), ending its open transaction. Must be called before the first append. */
  fence(): Promise<{ producerId: bigint; producerEpoch: number }>
  /**
   * Appends all records in one transaction: all or none. Resolves once the commit is decided for good; readers see it when its
   * markers are written, as a rule within milliseconds, and fence() waits for them. Rejects with outcome `refused` when
   * certainly nothing was written, `unknown` only when the appender could not find out; it has then re-initialised itself and
   * the caller reads back.
   */
  append(records: readonly NewRecord[]): Promise<Appended>
  close(): Promise<void>
}

/** ---- asking and changing a cluster --------------------------------------------------------------------------- */

export interface TopicSettings {
  readonly name: string
  readonly partitions: number
  /** Absent: the broker's default. */
  readonly replicationFactor?: number
  readonly configs?: Readonly<Record<string, string>>
}

/** An answer with holes: what came, and for each part that did not come why. */
export interface Incomplete<T> {
  readonly value: T
  readonly unseen: readonly { readonly id: string; readonly why: string }[]
}

export type ConfigResource = { readonly kind: 'topic' | 'broker' | 'group'; readonly name: string }
export interface ConfigValue {
  readonly value: string | null
  readonly isDefault: boolean
  readonly isSensitive: boolean
}

export interface AclEntry {
  readonly resourceType: 'topic' | 'group' | 'cluster' | 'transactional-id' | 'delegation-token' | 'user'
  readonly resourceName: string
  readonly pattern: 'literal' | 'prefixed'
  readonly principal: string
  readonly host: string
  /** As the other words here: `read`, `describe-configs`, `all`. */
  readonly operation: string
  readonly permission: 'allow' | 'deny'
}

export interface QuotaEntry {
  /** For example { user: 'billing', 'client-id': null }; null is the default entity. */
  readonly entity: Readonly<Record<string, string | null>>
  readonly values: Readonly<Record<string, number>>
}

export interface ReplicaSize {
  readonly topic: string
  readonly partition: number
  readonly broker: number
  readonly sizeBytes: number
  readonly logDir: string
}

export interface ScanOptions {
  readonly atMs: number
  readonly signal?: AbortSignal
  readonly groups?: boolean
  /** Of these topics alone. */
  readonly topics?: readonly string[]
}

export interface Admin {
  /**
   * The whole scan: metadata, log start, high watermark and last stable offsets per leader, groups of all protocols, their members and offsets.
   * With `groups: false` they are not asked for, and unseen. Of `topics` that are named those that are not there are absent.
   */
  scan(options: ScanOptions): Promise<ClusterView>
  /** Features finalised by the cluster, for example { 'transaction.version': 2 }. */
  features(): Promise<{ clusterId: string; finalized: Readonly<Record<string, number>>; brokers: number }>
  topicConfigs(topics: readonly string[]): Promise<Incomplete<ReadonlyMap<string, ReadonlyMap<string, ConfigValue>>>>
  /** By `kind:name`, for example `group:billing`. */
  configs(resources: readonly ConfigResource[]): Promise<Incomplete<ReadonlyMap<string, ReadonlyMap<string, ConfigValue>>>>
  alterConfigs(resource: ConfigResource, changes: Readonly<Record<string, string | null>>): Promise<void>
  acls(): Promise<readonly AclEntry[]>
  createAcls(entries: readonly AclEntry[]): Promise<void>
  quotas(): Promise<readonly QuotaEntry[]>
  alterQuotas(entity: QuotaEntry['entity'], changes: Readonly<Record<string, number | null>>): Promise<void>
  logDirs(): Promise<Incomplete<readonly ReplicaSize[]>>
  /** How many partitions are being moved to other brokers. */
  reassignments(): Promise<number>
  /** Creates what is missing; an existing topic is left as it is and returned in `existed`. */
  createTopics(topics: readonly TopicSettings[]): Promise<{ created: readonly string[]; existed: readonly string[] }>
  /** Deletes this incarnation and no other: UNKNOWN_TOPIC_ID when the name was recreated meanwhile. */
  deleteTopicById(topicId: string): Promise<void>
  /** First offset with a timestamp at or after the given one; null when there is none. Never in the hot path. */
  offsetForTimestamp(topic: string, partition: number, timestampMs: number): Promise<number | null>
  close(): Promise<void>
}

export interface KafkaCounts {
  readonly requests: number
  /** Milliseconds that were waited because brokers asked for it (KIP-219). */
  readonly throttledMs: number
  /** Answers that asked to wait. */
  readonly throttles: number
}

/** Everything of one cluster as one principal; test/support has the same in memory. */
export interface Kafka {
  readonly admin: Admin
  /** What the scans have cost so far. */
  counts(): KafkaCounts
  /** Bounds what one fetch brings of one partition, and what one fetch and one poll bring in all; a single larger batch still comes through. */
  openReader(limits?: { readonly maxPartitionBytes?: number; readonly maxBytes?: number }): Promise<LogReader>
  openAppender(transactionalId: string): Promise<Appender>
  close(): Promise<void>
}
