import type { AnchoredCheckpoint } from '../anchors/anchor.ts'
import type { Circumstances } from '../audit/checkpoint-entry.ts'
import type { LogEnd } from '../audit/together.ts'
import type { SourcePositions } from '../audit/trailer.ts'
import type { Appender, LogReader } from '../kafka/ports.ts'
import type { Signer } from '../proof/note-key.ts'
import type { AnchorStanding, CheckpointKeeper } from './anchoring.ts'
import type { AuditBatch } from './gathering.ts'
import type { Head } from './head.ts'
import type { TopicPlace } from './place.ts'

export interface AuditLogOptions {
  readonly place: TopicPlace
  /** How many logs the topic has, one in each of its first partitions; by default one. */
  readonly chains?: number
  /** With the transactional id of the place; fenced here, and closed by the caller. */
  readonly appender: Appender
  /** For the ends of the logs alone, and closed by the caller. */
  readonly reader: LogReader
  /** Id of the topic, for the first entries. */
  readonly topicId: string
  /** Asked once where the topic is empty, behind its fence: ends the earlier topic that this one goes on from. */
  readonly continues?: () => Promise<EndedTopic>
  /** The later topic for which this one is to be ended: without it a topic that has ended is not opened. */
  readonly endingFor?: string
  /** The newest last, which signs. Where the log was signed by the one before, that one is needed once more, to hand over. */
  readonly signers: readonly Signer[]
  /** Asked at the start for the largest checkpoints that they hold: a log that is shorter was cut, and is not written on. */
  readonly anchors: readonly CheckpointKeeper[]
  /** Sizes that the logs are known to have had, in the order of their partitions: one that is shorter was cut, and is not written on. */
  readonly atLeast?: readonly number[]
  /** Asked for each checkpoint; must not throw. */
  readonly circumstances: () => Circumstances
  readonly limits?: Partial<AuditLogLimits>
  readonly nowMs?: () => number
  /** What an operator should hear: a loss, an anchor or a signer that fails, a commit that takes several attempts. */
  readonly onTrouble?: (message: string) => void
  /** After each transaction that holds entries. */
  readonly onCommitted?: (head: CommittedHead) => void
}

/** How an earlier topic ended: what the next one names, and goes on with. */
export interface EndedTopic {
  /** Of each of its logs, in the order of their partitions. */
  readonly ends: readonly LogEnd[]
  readonly sources: SourcePositions
  readonly closedThroughMs: number | null
}

export interface AuditLogLimits {
  /** A transaction that has this many entries, or bytes of them, takes no further batch. */
  readonly transactionEntries: number
  readonly transactionBytes: number
  /** How long the first batch of a transaction waits for others. */
  readonly lingerMs: number
  /** A checkpoint comes after so many entries, or so long after anything moved, and this long after the last one even if nothing did. */
  readonly checkpointEntries: number
  readonly checkpointMs: number
  readonly heartbeatMs: number
}

export const defaultLimits: AuditLogLimits = {
  transactionEntries: 8_000,
  transactionBytes: 8 * 1024 * 1024,
  lingerMs: 5,
  checkpointEntries: 10_000,
  checkpointMs: 60_000,
  // Below a day, after which producers' state begins to expire.
  heartbeatMs: 20 * 3_600_000
}

/** What is committed, markers and all. */
export interface CommittedHead {
  /** Entries of all logs. */
  readonly size: number
  readonly sources: SourcePositions
  readonly closedThroughMs: number | null
}

/** How one log of the topic stands. */
export interface LogStanding {
  readonly origin: string
  readonly partition: number
  readonly head: { readonly size: number; readonly fingerprint: string | null }
  /** Size of the newest signed checkpoint, and when it was signed here; null: none since the start. */
  readonly newestCheckpoint: { readonly size: number; readonly atMs: number } | null
  anchors(): readonly AnchorStanding[]
}

/** The only writer of an audit topic. */
export interface AuditLog {
  readonly head: CommittedHead
  /** One for each partition, in their order. */
  readonly logs: readonly LogStanding[]
  /** Place and key of records near the ends that somebody else has written, as they were found at the start. */
  readonly foreign: Head['foreign']
  /**
   * Takes a batch: it is sealed at once, and committed as a whole. Resolves when there is room for the next one, which the caller awaits before it
   * reads on. Rejects when the log has ended, with why: what was not committed by then is not written.
   */
  offer(batch: AuditBatch): Promise<void>
  /** Resolves when all that was offered before is committed; positions that came without an event may wait for the next entry. Rejects as offer does. */
  flushed(): Promise<void>
  /** Writes a checkpoint of each log now. Resolves with them once they are committed, entries and notes; anchors have them then, or are being tried. */
  checkpoint(): Promise<readonly AnchoredCheckpoint[]>
  /** The same, after which nobody writes on: the topic that it was opened to be ended for goes on. Repeated, it says the same. */
  end(): Promise<EndedTopic>
  /** Resolves with why the log has ended: null after close(). A KafkaFault of the kind `fenced` says that another writer has taken over, for good. */
  readonly ended: Promise<Error | null>
  /** Commits what was offered, and ends. The last anchors are given a moment. */
  close(): Promise<void>
}
