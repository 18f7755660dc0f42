import { Cluster } from '../cluster.ts'
import type { KafkaConnection } from '../connection.ts'
import type { Appender } from '../ports.ts'
import { TransactionalAppender } from './transactional-appender.ts'

export interface AppenderOptions {
  readonly transactionalId: string
  /** After this long without an end the coordinator aborts a transaction by itself. Default 30 s. */
  readonly transactionTimeoutMs?: number
  /** Bound of writing, and again of committing, one transaction. Default 30 s: an election after a broker's death takes 9 s to 20 s. */
  readonly deadlineMs?: number
  /** A partition's records beyond this are sent as further batches of the same transaction. Default 900,000, below the broker's default of 1,048,588. */
  readonly maxBatchBytes?: number
  /** `finalized` (default) reads the cluster's transaction.version; 0 or 1 forces the protocol before KIP-890. */
  readonly transactionVersion?: number | 'finalized'
}

/** Of a connection that the appender opens itself: short, for a retry is harmless and a frozen broker must not cost the deadline. */
const requestTimeoutMs = 8_000

/**
 * The only writer with this transactional id, once fence() has resolved. Throws KafkaFault when no broker can be reached, the
 * password is wrong, or the like. A Cluster that is passed in stays open after close().
 */
export async function openAppender(to: KafkaConnection | Cluster, options: AppenderOptions): Promise<Appender> {
  const { transactionalId, transactionTimeoutMs = 30_000, deadlineMs = 30_000, maxBatchBytes = 900_000, transactionVersion = 'finalized' } = options
  if (!transactionalId) throw new Error('transactionalId: expected a name that is not empty')
  const ownedCluster = to instanceof Cluster ? null : new Cluster({ requestTimeoutMs, ...to })
  const cluster = ownedCluster ?? (to as Cluster)
  const replicationTimeoutMs = Math.round((cluster.connection.requestTimeoutMs ?? 30_000) * 0.8)
  try {
    await cluster.metadata([])
  } catch (error) {
    await ownedCluster?.close()
    throw error
  }
  return new TransactionalAppender(cluster, {
    transactionalId,
    transactionTimeoutMs,
    deadlineMs,
    replicationTimeoutMs,
    maxBatchBytes,
    transactionVersion,
    ownedCluster
  })
}
