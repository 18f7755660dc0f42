import type { JsonValue } from '../domain/json.ts'
import { KafkaFault } from '../kafka/errors.ts'
import { Serial } from './serial.ts'
import type { Appended, Appender, LogReader, LogRecord, NewRecord } from '../kafka/ports.ts'

/** Version of what is written to the state topic. This release reads it and everything older; newer is refused. */
export const stateVersion = 1

export interface Committed {
  /** Null where the commit had to be found out by reading back. */
  readonly appended: Appended | null
}

/** Values to set by key; null forgets the key. */
export type StateChanges = ReadonlyMap<string, JsonValue | null>

/**
 * The truth between turns: a compacted topic, one partition, one writer. Keys:
 *
 *   format                     { version }            refused when newer than this release
 *   head                       { sequence, epoch }    one more with every transaction: tells whether an uncertain one was committed
 *   lease                      who leads
 *   halt                       the kill switch
 *   maintenance                the cluster is worked on, said by a person
 *   memory/<agent>/<subject>   what decide returned
 *   seen/<agent>               the observation of the agent's last turn
 *   plan/<agent>               what was refused, for a person to approve
 *   intent/<key>               begun, outcome not recorded yet
 *   standing/<key>             applied and not undone
 *   notice/<agent>/<key>       messages and their fate
 *   request/<id>               what people asked and nobody answered yet
 *   approval/<checksum>        plans that a person approved
 *   snooze/<incident>          notices held back, and until when
 *   appeal/<subject>           objections of owners: nothing new that harms is done there
 *   used/<id>                  requests by link that were taken, until they expire
 *   requests                   position in the requests topic
 */
export class StateStore {
  readonly #topic: string
  readonly #reader: LogReader
  readonly #values = new Map<string, JsonValue>()
  readonly #commits = new Serial()
  #lastRecordAt = performance.now()
  #lastAppendTimeMs: number | null = null

  constructor(topic: string, reader: LogReader) {
    this.#topic = topic
    this.#reader = reader
  }

  async open(): Promise<void> {
    await this.#reader.assign(this.#topic, 0, 'start')
    await this.catchUp()
  }

  get(key: string): JsonValue | undefined {
    return this.#values.get(key)
  }

  /** Entries below a prefix, the prefix cut off. */
  *entries(prefix: string): Iterable<[string, JsonValue]> {
    for (const [key, value] of this.#values) if (key.startsWith(prefix)) yield [key.slice(prefix.length), value]
  }

  get sequence(): number {
    return (this.#values.get('head') as { sequence?: number } | undefined)?.sequence ?? 0
  }

  /** When the last record of another writer came, by this process's monotonic clock, milliseconds. */
  get lastRecordAt(): number {
    return this.#lastRecordAt
  }

  /** LogAppendTime of the newest record that was read, epoch milliseconds; null before any. */
  get lastAppendTimeMs(): number | null {
    return this.#lastAppendTimeMs
  }

  /** Reads to the last stable offset. Throws when a newer release has written. */
  async catchUp(): Promise<void> {
    await this.#reader.readToEnd(record => this.#apply(record))
  }

  /** Waits at most `maxWaitMs` for what another writer appends; for standbys. */
  async follow(maxWaitMs: number, signal?: AbortSignal): Promise<void> {
    for (const { records } of await this.#reader.poll({ maxWaitMs, ...(signal && { signal }) })) for (const record of records) this.#apply(record)
  }

  /**
   * Commits changes and journal entries in one transaction and takes them over once they are durable; one at a time, in the order
   * asked. Throws a KafkaFault when certainly nothing was committed (`fenced`: another replica leads). An uncertain outcome is
   * found out by reading back.
   */
  commit(appender: Appender, epoch: number, changes: StateChanges, also: readonly NewRecord[] = []): Promise<Committed> {
    return this.#commits.run(() => this.#commit(appender, epoch, changes, also))
  }

  async #commit(appender: Appender, epoch: number, changes: StateChanges, also: readonly NewRecord[]): Promise<Committed> {
    const sequence = this.sequence + 1
    const all = new Map<string, JsonValue | null>([['format', { version: stateVersion }], ['head', { sequence, epoch }], ...changes])
    const records = [...all].map(([key, value]): NewRecord => ({
      topic: this.#topic,
      partition: 0,
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(JSON.stringify(value))
    }))
    try {
      const appended = await appender.append([...records, ...also])
      for (const [key, value] of all) this.#set(key, value)
      return { appended }
    } catch (error) {
      if (!(error instanceof KafkaFault) || error.kind === 'fenced' || error.outcome === 'refused') throw error
      await this.catchUp()
      const head = this.#values.get('head') as { sequence: number; epoch: number } | undefined
      if (head?.sequence === sequence && head.epoch === epoch) return { appended: null }
      throw new KafkaFault(error.kind, `${error.message}; read back: not committed`, { outcome: 'refused', retriable: error.retriable, cause: error })
    }
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }

  #apply(record: LogRecord): void {
    this.#lastRecordAt = performance.now()
    this.#lastAppendTimeMs = record.timestampMs
    const key = record.key?.toString('utf8') ?? ''
    const value = record.value === null ? null : (JSON.parse(record.value.toString('utf8')) as JsonValue)
    if (key === 'format') checkVersion(value)
    this.#set(key, value)
  }

  #set(key: string, value: JsonValue | null): void {
    if (value === null) this.#values.delete(key)
    else this.#values.set(key, value)
  }
}

function checkVersion(value: JsonValue | null): void {
  const version = (value as { version?: unknown } | null)?.version
  if (typeof version !== 'number' || version > stateVersion)
    throw new NewerState(
      `the state topic was written by a newer release (format ${String(version)}, this release knows up to ${stateVersion}): start that release, or restore the topic`
    )
}

export class NewerState extends Error {
  override readonly name = 'NewerState'
}
