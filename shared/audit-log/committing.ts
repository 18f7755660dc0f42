import { setTimeout as sleep } from 'node:timers/promises'
import { KafkaFault } from '../kafka/errors.ts'
import type { Appender, LogReader, NewRecord } from '../kafka/ports.ts'
import { AuditLogFault } from './fault.ts'
import type { SealedGroup, TopicEnd } from './gathering.ts'
import { findHead, type Head } from './head.ts'
import { type LogPlace, originOf } from './place.ts'
import type { ChainEnd } from './sealing.ts'

const firstPauseMs = 100
const longestPauseMs = 5_000

/** What is committed at once: signed checkpoints of the logs in these partitions, and a transaction behind them. */
export interface ToCommit {
  readonly records: readonly NewRecord[]
  readonly group: SealedGroup | null
  readonly notesOf: readonly number[]
}

/** Commits to the logs of a topic for certain, the same bytes however often it takes. */
export class Committing {
  readonly #appender: Appender
  readonly #reader: LogReader
  readonly #places: readonly LogPlace[]
  readonly #onTrouble: (message: string) => void
  readonly #closing: AbortSignal

  constructor(parts: {
    readonly appender: Appender
    readonly reader: LogReader
    readonly places: readonly LogPlace[]
    readonly onTrouble: (message: string) => void
    readonly closing: AbortSignal
  }) {
    this.#appender = parts.appender
    this.#reader = parts.reader
    this.#places = parts.places
    this.#onTrouble = parts.onTrouble
    this.#closing = parts.closing
  }

  /** `before` is what is committed. Throws KafkaFault where it is not committed, and will not be. */
  async commit(work: ToCommit, before: TopicEnd): Promise<void> {
    await this.patiently('commit', isPassing, async () => {
      try {
        await this.#appender.append(work.records)
      } catch (error) {
        if (!(error instanceof KafkaFault) || error.kind === 'fenced' || error.outcome === 'refused') throw error
        if (await this.#wasCommitted(work, before)) return
        throw new KafkaFault(error.kind, `${error.message}; read back: not committed`, { retriable: error.retriable, outcome: 'refused', cause: error })
      }
    })
  }

  /** What fails for a while is tried again until the log is closed. */
  async patiently<T>(what: string, isPassing: (error: unknown) => boolean, attempt: () => Promise<T>): Promise<T> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
      try {
        return await attempt()
      } catch (error) {
        if (!isPassing(error) || this.#closing.aborted) throw error
        this.#onTrouble(`${originOf(this.#places[0]!)}: ${what} is tried again: ${(error as Error).message}`)
      }
      await sleep(pauseMs, undefined, { signal: this.#closing }).catch(() => undefined)
    }
  }

  /** After a commit whose end is not known: what all logs say. */
  async #wasCommitted({ group, notesOf }: ToCommit, before: TopicEnd): Promise<boolean> {
    const heads: Head[] = []
    for (const place of this.#places) heads.push(await this.patiently('reading back', isPassing, () => findHead(this.#reader, place)))
    const moved = group !== null && group.entries > 0
    if (moved && heads.every((head, index) => isAt(head, group.after.chains[index]!))) return true
    const other = heads.findIndex((head, index) => !isAt(head, before.chains[index]!))
    if (other >= 0) {
      const { size, last } = heads[other]!
      throw new AuditLogFault(
        'inconsistent',
        `${originOf(this.#places[other]!)}: its end is entry ${size - 1} (${last?.entry.fingerprint ?? 'none'}), which this writer has not written behind ${before.chains[other]!.size - 1}`
      )
    }
    // The logs did not move: notes tell, if there were any. Other topics' records alone leave no trace here: written again they say the same.
    return !moved && notesOf.length > 0 && notesOf.every(partition => heads[partition]!.note !== null)
  }
}

function isAt({ size, last }: Head, end: ChainEnd): boolean {
  return size === end.size && last?.entry.fingerprint === end.last?.fingerprint
}

const isPassing = (error: unknown): boolean => error instanceof KafkaFault && error.kind !== 'fenced' && error.retriable
