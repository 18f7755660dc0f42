export interface ReaderOptions {
  /** Bound of one answer of one broker, bytes; a single larger batch still comes through. At most three answers a broker are held. */
  readonly maxBytes?: number
  /** Bound of one partition in an answer, bytes. */
  readonly maxPartitionBytes?: number
  /** Bound of one batch after it was uncompressed, bytes; a larger one is an error that names it. */
  readonly maxUncompressedBatchBytes?: number
  /** A partition that cannot be read for this long is reported by an error, milliseconds; the next poll goes on trying. */
  readonly giveUpAfterMs?: number
}

export interface PollOptions {
  readonly maxWaitMs?: number
  readonly signal?: AbortSignal
}
