/** Where reading goes on: the next offset, and the leader epoch of the record before it. {0, 0} is the very beginning. */
export interface MetadataPosition {
  readonly offset: number
  readonly epoch: number
}

export interface MetadataRecord {
  readonly offset: number
  readonly epoch: number
  /** The active controller's clock when it appended, milliseconds. */
  readonly timestampMs: number
  /** A metadata record as Kafka frames it. May hold secrets in clear: decode it at once and keep nothing of it. */
  readonly value: Buffer
}

/** What the quorum writes of itself: elections, its voters, its protocol. */
export interface QuorumRecord extends MetadataRecord {
  /** ControlRecordType: 2 leader change, 3 snapshot header, 4 snapshot footer, 5 KRaft version, 6 voters. */
  readonly type: number
}

/** Committed records, in commit order, each offset from `fromOffset` to `position.offset` once. */
export interface CommittedRecords {
  readonly kind: 'records'
  readonly fromOffset: number
  readonly position: MetadataPosition
  readonly records: readonly MetadataRecord[]
  readonly quorumRecords: readonly QuorumRecord[]
  readonly highWatermark: number
  readonly leaderEpoch: number
}

/**
 * The log no longer holds what comes next: the state of the cluster in its place, whole and checked. Changes in `gap` are known by their
 * result only.
 */
export interface Snapshot {
  readonly kind: 'snapshot'
  /** The state holds every change below this offset. */
  readonly endOffset: number
  readonly epoch: number
  readonly position: MetadataPosition
  /** `to` is exclusive. */
  readonly gap: { readonly from: number; readonly to: number }
  /** When the last change that it holds was appended, milliseconds. */
  readonly lastContainedLogTimestampMs: number
  readonly sizeBytes: number
  readonly recordCount: number
  /** Decoded while they are walked, any number of times. Offsets count from 0 within the snapshot; timestamps are of the snapshot. */
  readonly records: Iterable<MetadataRecord>
}

/** Nothing was committed for longer than the controllers' NoOp records allow. Told again as long as it lasts; reading goes on. */
export interface Silence {
  readonly kind: 'silence'
  readonly position: MetadataPosition
  /** Since the last committed record, or since reading began. */
  readonly silentMs: number
  /** What the controllers answered last, or why they did not. */
  readonly why: string
}

/**
 * What was committed and handed over is not in the log any more: the quorum lost it, or this is another cluster. Reading goes on at the
 * beginning, with whatever is there.
 */
export interface Rewritten {
  readonly kind: 'rewritten'
  /** Up to where records had been handed over. */
  readonly lost: MetadataPosition
  /** The newest epoch in the log up to the lost position's, and where it ends; beyond it the two logs differ for certain. */
  readonly divergedAt: MetadataPosition
  /** Where reading goes on: the very beginning. */
  readonly position: MetadataPosition
}

export type MetadataLogItem = CommittedRecords | Snapshot | Silence | Rewritten
