import type { LogReader } from '../kafka/ports.ts'
import { Serial } from './serial.ts'

/** Bound of one look for a data record behind markers and compacted tails. */
const peekDeadlineMs = 5_000
/** Partitions in one fetch round: bounds the size of its answers. */
const peeksAtOnce = 100

export type Peeked = { readonly offset: number; readonly timestampMs: number } | null

interface Asked {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly answer: PromiseWithResolvers<Peeked>
}

/** Looks for the first data record at a position; what is asked meanwhile shares the next fetches. One reader, many who ask. */
export class Peeker {
  readonly #reader: LogReader
  readonly #rounds = new Serial()
  #waiting: Asked[] = []

  constructor(reader: LogReader) {
    this.#reader = reader
  }

  /** The first record at or above the offset; null: there is none below the last stable offset. Throws where the partition cannot be read. */
  peek(topic: string, partition: number, offset: number): Promise<Peeked> {
    const answer = Promise.withResolvers<Peeked>()
    this.#waiting.push({ topic, partition, offset, answer })
    void this.#rounds.run(() => this.#round())
    return answer.promise
  }

  /** Takes what waits, each partition once: a reader has one position of it. */
  async #round(): Promise<void> {
    const round = new Map<string, Asked>()
    const later: Asked[] = []
    for (const asked of this.#waiting) {
      const key = keyOf(asked)
      if (round.has(key) || round.size === peeksAtOnce) later.push(asked)
      else round.set(key, asked)
    }
    this.#waiting = later
    if (round.size === 0) return
    const alone = round.size === 1
    const spoiled = await this.#read(round)
    // An error of a reader names no partition: each is read alone, so that only the one that cannot be read fails.
    const deadline = performance.now() + peekDeadlineMs
    for (const [key, asked] of round) {
      if (spoiled === null) return
      const error = alone || performance.now() > deadline ? spoiled : await this.#read(new Map([[key, asked]]))
      if (error !== null) this.#reject(asked, error)
    }
  }

  /** Answers what can be answered and takes it out of the round. Resolves with the error of the reader that left the rest open, or null. */
  async #read(round: Map<string, Asked>): Promise<Error | null> {
    const deadline = performance.now() + peekDeadlineMs
    const assigned = [...round.values()]
    try {
      await Promise.all(assigned.map(asked => this.#assign(asked, round)))
      while (round.size > 0) {
        for (const fetched of await this.#reader.poll({ maxWaitMs: 100 })) {
          const asked = round.get(keyOf(fetched))
          const first = fetched.records[0]
          if (!asked || (!first && fetched.nextOffset < fetched.lastStableOffset)) continue
          round.delete(keyOf(fetched))
          this.#reader.unassign(asked.topic, asked.partition)
          asked.answer.resolve(first ? { offset: first.offset, timestampMs: first.timestampMs } : null)
        }
        if (performance.now() <= deadline) continue
        for (const [key, asked] of round) {
          round.delete(key)
          const { topic, partition, offset } = asked
          this.#reject(asked, new Error(`no answer whether ${topic}-${partition} has a record at ${offset} within ${peekDeadlineMs} ms`))
        }
      }
      return null
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    } finally {
      for (const { topic, partition } of assigned) this.#reader.unassign(topic, partition)
    }
  }

  async #assign(asked: Asked, round: Map<string, Asked>): Promise<void> {
    try {
      await this.#reader.assign(asked.topic, asked.partition, asked.offset)
    } catch (error) {
      round.delete(keyOf(asked))
      this.#reject(asked, error)
    }
  }

  /** Who waits for the same partition is told the same: a failure takes seconds. */
  #reject(asked: Asked, error: unknown): void {
    const waiting = this.#waiting
    this.#waiting = waiting.filter(other => keyOf(other) !== keyOf(asked))
    asked.answer.reject(error)
    for (const other of waiting) if (keyOf(other) === keyOf(asked)) other.answer.reject(error)
  }
}

function keyOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic} ${partition}`
}
