import type { Cluster, NodeId } from '../cluster.ts'
import { KafkaFault } from '../errors.ts'
import type { Appended, Appender, NewRecord } from '../ports.ts'
import { type Attempt, finalizedTransactionVersion, type TransactionCoordinator, transactionCoordinator } from './coordinator.ts'
import { type Patience, patience } from './patience.ts'
import { partitionKey, writeBatches, type Written } from './produce.ts'
import { checkRecord, type ProducerIdentity } from './record-batch.ts'
import { appendedBy, sharesOf } from './transaction.ts'

export interface AppenderSettings {
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  readonly deadlineMs: number
  readonly replicationTimeoutMs: number
  readonly maxBatchBytes: number
  readonly transactionVersion: number | 'finalized'
  /** Closed with the appender; null when the cluster belongs to the caller. */
  readonly ownedCluster: Cluster | null
}

/**
 * Where the identity stands.
 * unfenced: none yet. ready: no transaction is open. open: one may be, and no commit was asked for.
 * stale: only InitProducerId can tell, with the identity that we had. dead: another writer has taken over.
 */
type Standing = 'unfenced' | 'ready' | 'open' | 'stale' | 'dead'

/**
 * One transaction at a time, in the order of the calls.
 *
 * Below transaction.version 2 the coordinator's own time-out of a transaction cannot be told from another writer's fence
 * (KIP-360); the appender is dead then. With 2 it can, and the appender goes on.
 */
export class TransactionalAppender implements Appender {
  readonly transactionalId: string
  readonly #cluster: Cluster
  readonly #coordinator: TransactionCoordinator
  readonly #settings: AppenderSettings
  readonly #leaders = new Map<string, NodeId>()
  /** Next sequence by partition under this identity. Stays empty with transaction.version 2: each transaction has an epoch of its own. */
  readonly #sequences = new Map<string, number>()
  readonly #closing = new AbortController()
  #queue: Promise<unknown> = Promise.resolve()
  #standing: Standing = 'unfenced'
  #identity: ProducerIdentity = { producerId: -1n, producerEpoch: -1 }
  #perTransactionEpochs = false
  /** A request of this transaction went unanswered: a late copy of it may still arrive. Harmless where each transaction has its epoch. */
  #unanswered = false

  constructor(cluster: Cluster, settings: AppenderSettings) {
    this.#cluster = cluster
    this.#settings = settings
    this.transactionalId = settings.transactionalId
    this.#coordinator = transactionCoordinator(cluster, settings.transactionalId)
  }

  fence(): Promise<{ producerId: bigint; producerEpoch: number }> {
    return this.#inTurn(async () => {
      this.#refuseWhenDead()
      // Until it has an answer, the identity of before may be one that this very call has put out of force.
      this.#standing = 'unfenced'
      await this.#initialise(null, this.#settings.deadlineMs)
      return { ...this.#identity }
    })
  }

  append(records: readonly NewRecord[]): Promise<Appended> {
    return this.#inTurn(async () => {
      this.#refuseWhenDead()
      if (this.#is('unfenced')) throw this.#fault('protocol', 'fence() must come before the first append')
      if (records.length === 0) throw this.#fault('protocol', 'an append needs at least one record')
      try {
        records.forEach(checkRecord)
      } catch (error) {
        throw this.#fault('protocol', (error as Error).message, { cause: error })
      }
      await this.#recover(this.#settings.deadlineMs)
      return this.#transaction(records)
    })
  }

  /** Lets the append under way come to its end; those behind it are refused. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#queue
    await this.#settings.ownedCluster?.close()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(() => {
      if (this.#closing.signal.aborted) throw this.#fault('unreachable', 'the appender is closed')
      return work()
    })
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  async #transaction(records: readonly NewRecord[]): Promise<Appended> {
    const { transactionalId, deadlineMs, replicationTimeoutMs, maxBatchBytes } = this.#settings
    const shares = sharesOf(records, this.#identity, this.#sequences, maxBatchBytes)
    this.#standing = 'open'
    this.#unanswered = false
    let written: Written
    try {
      if (!this.#perTransactionEpochs) await this.#addPartitions(shares)
      const version = this.#perTransactionEpochs ? 12 : 11
      const onUnanswered = (): boolean => (this.#unanswered = true)
      written = await writeBatches(this.#cluster, shares, this.#leaders, { transactionalId, version, boundMs: deadlineMs, replicationTimeoutMs, onUnanswered })
    } catch (error) {
      throw await this.#giveUp(error)
    }
    await this.#commit()
    if (!this.#perTransactionEpochs) for (const { topic, partition, nextSequence } of shares) this.#sequences.set(partitionKey(topic, partition), nextSequence)
    return appendedBy(shares, written)
  }

  async #addPartitions(partitions: readonly { topic: string; partition: number }[]): Promise<void> {
    const waiting = patience(this.#settings.deadlineMs)
    for (;;) {
      const attempt = await this.#coordinator.addPartitions(this.#identity, partitions)
      this.#unanswered ||= attempt.sent && attempt.fault !== undefined
      if (attempt.verdict === 'done') return
      if (attempt.verdict !== 'early' && attempt.verdict !== 'unsure') throw this.#faultOfAttempt(attempt, 'adding partitions to the transaction', 'refused')
      if (waiting.over()) throw this.#faultOfAttempt(attempt, `adding partitions to the transaction not done after ${this.#settings.deadlineMs} ms`, 'refused')
      await waiting.pause()
    }
  }

  /** Resolves when committed. */
  async #commit(): Promise<void> {
    const { deadlineMs } = this.#settings
    const waiting = patience(deadlineMs)
    let unsure = false
    for (;;) {
      const attempt = await this.#coordinator.endTxn(this.#perTransactionEpochs ? 5 : 4, this.#identity, true)
      const { verdict } = attempt
      this.#unanswered ||= attempt.sent && attempt.fault !== undefined
      if (verdict === 'done') return this.#committed(attempt.answer!)
      if (verdict === 'fenced') throw this.#die(attempt, unsure ? 'unknown' : 'refused')
      // The coordinator excludes a commit of this transaction for ever: it holds another end of it, or none of it.
      if (verdict === 'mismatch') throw await this.#giveUp(this.#faultOfAttempt(attempt, 'the coordinator does not hold this transaction open', 'refused'))
      if (verdict === 'lost' || (verdict === 'forbidden' && attempt.apiError !== null)) {
        if (unsure) throw await this.#settle(attempt)
        throw await this.#giveUp(this.#faultOfAttempt(attempt, 'commit', 'refused'))
      }
      unsure ||= verdict !== 'early'
      if (waiting.over()) {
        if (unsure) throw await this.#settle(attempt)
        throw await this.#giveUp(this.#faultOfAttempt(attempt, `commit not begun after ${deadlineMs} ms`, 'refused'))
      }
      await waiting.pause()
    }
  }

  /**
   * After a commit whose answer never came: InitProducerId returns only when that transaction is wholly committed or wholly
   * aborted, markers and all, so that what the caller then reads back stays true. Hence no bound but close().
   */
  async #settle(last: Attempt<unknown>): Promise<KafkaFault> {
    this.#standing = 'stale'
    try {
      await this.#initialise(this.#identity, Infinity)
    } catch (error) {
      if (this.#is('dead'))
        return this.#fault('fenced', `${(error as Error).message}; whether the last transaction was committed is unknown`, { outcome: 'unknown', cause: error })
      return this.#fault('timeout', `commit unanswered and not settled: ${(error as Error).message}`, { outcome: 'unknown', cause: error })
    }
    return this.#faultOfAttempt(last, 'commit unanswered; read back', 'unknown')
  }

  /** The transaction will not be committed: tries to abort it now, else before the next one. Returns what the caller is told. */
  async #giveUp(why: unknown): Promise<KafkaFault> {
    const fault = why instanceof KafkaFault ? why : this.#fault('protocol', String(why), { cause: why })
    this.#standing = 'open'
    try {
      await this.#recover(Math.min(this.#settings.deadlineMs, 5_000))
    } catch (error) {
      if (this.#is('dead')) return error as KafkaFault
    }
    const { kind, apiError, retriable, message } = fault
    return this.#fault(kind, message, { apiError, retriable, cause: fault })
  }

  /** Makes the standing `ready`, or throws. Aborts by EndTxn first: unlike InitProducerId it cannot disturb a successor. */
  async #recover(boundMs: number): Promise<void> {
    const waiting = patience(boundMs)
    while (this.#standing === 'open') {
      const attempt = await this.#coordinator.endTxn(this.#perTransactionEpochs ? 5 : 4, this.#identity, false)
      const { verdict } = attempt
      if (verdict === 'done' && this.#perTransactionEpochs) this.#ready(attempt.answer!)
      else if (verdict === 'done' || verdict === 'mismatch' || verdict === 'lost') this.#standing = 'stale'
      else if (verdict === 'fenced') throw this.#die(attempt, 'refused')
      else if (verdict === 'forbidden' || waiting.over()) throw this.#faultOfAttempt(attempt, 'abort of the transaction before', 'refused')
      else await waiting.pause()
    }
    if (this.#is('stale')) await this.#initialise(this.#identity, boundMs)
  }

  /** InitProducerId: as a new writer (null), which takes over, or as the one that we were, which finds out whether another has (KIP-360). */
  async #initialise(current: ProducerIdentity | null, boundMs: number): Promise<void> {
    const waiting = patience(boundMs, this.#closing.signal)
    await this.#readVersion(waiting)
    for (;;) {
      const attempt = await this.#coordinator.initProducerId(this.#settings.transactionTimeoutMs, current)
      const { verdict } = attempt
      if (verdict === 'done') return this.#ready(attempt.answer!)
      if (verdict === 'fenced' && current !== null) throw this.#die(attempt, 'refused')
      if (verdict === 'forbidden' || verdict === 'lost') throw this.#faultOfAttempt(attempt, 'initialising the producer id', 'refused')
      if (waiting.over()) throw this.#faultOfAttempt(attempt, `initialising the producer id not done after ${boundMs} ms`, 'refused')
      await waiting.pause()
    }
  }

  async #readVersion(waiting: Patience): Promise<void> {
    const { transactionVersion } = this.#settings
    for (;;) {
      try {
        const version = transactionVersion === 'finalized' ? await finalizedTransactionVersion(this.#cluster) : transactionVersion
        this.#perTransactionEpochs = version >= 2
        return
      } catch (error) {
        if (waiting.over() || !(error instanceof KafkaFault) || !error.retriable) throw error
      }
      await waiting.pause()
    }
  }

  /** No transaction is open under this identity. */
  #ready(identity: ProducerIdentity): void {
    const same = identity.producerId === this.#identity.producerId && identity.producerEpoch === this.#identity.producerEpoch
    if (!same) this.#sequences.clear()
    this.#identity = identity
    this.#standing = 'ready'
  }

  #committed(identity: ProducerIdentity): void {
    this.#ready(identity)
    if (this.#unanswered && !this.#perTransactionEpochs) this.#standing = 'stale'
  }

  /** As a call, since an await may have changed what the compiler believes it knows. */
  #is(standing: Standing): boolean {
    return this.#standing === standing
  }

  #refuseWhenDead(): void {
    if (this.#is('dead')) throw this.#fault('fenced', 'another writer has taken over; this appender is dead')
  }

  #die(attempt: Attempt<unknown>, outcome: 'refused' | 'unknown'): KafkaFault {
    this.#standing = 'dead'
    return this.#fault('fenced', `another writer has taken over (${attempt.apiError})`, { apiError: attempt.apiError, outcome })
  }

  #faultOfAttempt({ verdict, apiError, fault }: Attempt<unknown>, what: string, outcome: 'refused' | 'unknown'): KafkaFault {
    const kind = fault?.kind ?? (apiError?.endsWith('_AUTHORIZATION_FAILED') ? 'authorization' : 'protocol')
    return this.#fault(kind, `${what}: ${fault?.message ?? apiError}`, { apiError, retriable: verdict !== 'forbidden', outcome, cause: fault })
  }

  #fault(
    kind: KafkaFault['kind'],
    message: string,
    facts: { apiError?: string | null; retriable?: boolean; outcome?: 'refused' | 'unknown'; cause?: unknown } = {}
  ): KafkaFault {
    const who = `transactional id ${this.transactionalId}: `
    return new KafkaFault(kind, message.startsWith(who) ? message : who + message, { outcome: 'refused', ...facts })
  }
}
