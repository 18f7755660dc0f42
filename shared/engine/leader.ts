import type { JsonValue } from '../domain/json.ts'
import type { Appender, NewRecord } from '../kafka/ports.ts'
import type { ReeveTopics } from './agent.ts'
import type { TrustedClock } from './clock.ts'
import { type JournalEntry, journalRecord } from './journal.ts'
import type { Lease } from './lease.ts'
import type { Committed, StateStore } from './state.ts'

export type Entry = Omit<JournalEntry, 'epoch' | 'atMs'>

/**
 * What only the leader has: the pen. Every commit renews the lease and is fenced, so a commit that succeeds proves that this
 * replica still led when it began.
 */
export class Leader {
  readonly epoch: number
  readonly store: StateStore
  readonly clock: TrustedClock
  readonly topics: ReeveTopics
  readonly #holder: string
  readonly #appender: Appender
  #provenAt = Number.NEGATIVE_INFINITY

  constructor(parts: { store: StateStore; clock: TrustedClock; topics: ReeveTopics; holder: string; appender: Appender; epoch: number }) {
    this.store = parts.store
    this.clock = parts.clock
    this.topics = parts.topics
    this.epoch = parts.epoch
    this.#holder = parts.holder
    this.#appender = parts.appender
  }

  /** Milliseconds since leadership was last proven, by the monotonic clock. */
  sinceProofMs(): number {
    return performance.now() - this.#provenAt
  }

  /** One transaction: state, journal, and records for other topics of Reeve. */
  async commit(changes: ReadonlyMap<string, JsonValue | null>, entries: readonly Entry[] = [], also: readonly NewRecord[] = []): Promise<Committed> {
    return this.#write(changes, entries, also, false)
  }

  async renew(): Promise<void> {
    await this.#write(new Map(), [], [], false)
  }

  /** Tells standbys that nothing of this replica is under way any more. */
  async release(): Promise<void> {
    await this.#write(
      new Map(),
      [{ kind: 'leadership', agent: null, subject: this.#holder, what: `${this.#holder} stopped in good order`, facts: null }],
      [],
      true
    )
  }

  async #write(changes: ReadonlyMap<string, JsonValue | null>, entries: readonly Entry[], also: readonly NewRecord[], released: boolean): Promise<Committed> {
    const startedAt = performance.now()
    const atMs = this.clock.localMs()
    const lease: Lease = { holder: this.#holder, epoch: this.epoch, renewedAtMs: atMs, released }
    const journal = entries.map(entry => journalRecord(this.topics.journal, { ...entry, atMs, epoch: this.epoch }))
    const committed = await this.store.commit(this.#appender, this.epoch, new Map([...changes, ['lease', { ...lease }]]), [...journal, ...also])
    this.#provenAt = startedAt
    this.clock.noteBroker(committed.appended?.logAppendTimeMs ?? null)
    return committed
  }
}
