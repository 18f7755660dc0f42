import { setTimeout as sleep } from 'node:timers/promises'
import type { Fetched, LogReader } from '../kafka/ports.ts'
import { afterRecord, afterTime, type Clock, type CommandTable, emptyTable, inForce, remainingMs, systemClock } from './commands.ts'
import { errorText, type SdkLog } from './log.ts'

/** `reading`: to the end of the topic; `following`: up to date; `lost`: not readable now, tried again for ever. */
export type ControlState = 'reading' | 'following' | 'lost' | 'stopped'

export interface ControlOptions {
  readonly topic: string
  readonly groupId: string
  /** Opens a reader of its own; called again after each loss. It may reject. */
  open(): Promise<{ readonly clusterId: string; readonly reader: LogReader }>
  /** Called whenever what is in force may have changed. Must not throw. */
  onChange(table: CommandTable): void
  onState?(state: ControlState, why: string | null): void
  readonly log: SdkLog
  readonly clock?: Clock
  /** Bound of the first reading, milliseconds. */
  readonly startTimeoutMs?: number
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number }
}

/** As Kafka's own consumers wait (fetch.max.wait.ms): bounds how late a command is seen. */
const pollWaitMs = 500
/** How long an expiry may go unnoticed when the wall clock jumps. */
const expiryCheckMs = 1_000

/**
 * Follows the control topic by position, without a consumer group, and keeps what is in force for one group.
 * It fails open: what it cannot read does not pause, and what it has read lets go at its expiry also when the topic is lost.
 */
export class Control {
  readonly #options: ControlOptions
  readonly #clock: Clock
  readonly #stopping = new AbortController()
  #table: CommandTable = emptyTable
  #state: ControlState = 'reading'
  #expiry: NodeJS.Timeout | undefined
  #loop: Promise<void> | undefined
  #readOnce = Promise.withResolvers<void>()

  constructor(options: ControlOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  get table(): CommandTable {
    return this.#table
  }

  get state(): ControlState {
    return this.#state
  }

  /**
   * Resolves true once the topic has been read to its end, false when that took longer than `startTimeoutMs`: the consumer starts
   * unpaused then, and obeys what is read later. Never rejects.
   */
  async start(): Promise<boolean> {
    const { startTimeoutMs = 10_000, topic, groupId, log } = this.#options
    this.#loop = this.#follow()
    const timeout = new AbortController()
    const read = await Promise.race([this.#readOnce.promise.then(() => true), sleep(startTimeoutMs, false, { signal: timeout.signal }).catch(() => false)])
    timeout.abort()
    if (!read) log.warn({ topic, groupId, startTimeoutMs }, 'the control topic could not be read in time: the consumer starts unpaused')
    return read
  }

  /** Stops following. What is in force stays so until its expiry, so that a consumer on its way out does not read on, nor is held for ever. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop
    this.#enter('stopped', null)
  }

  async #follow(): Promise<void> {
    const { firstMs, maxMs } = this.#options.backoff ?? { firstMs: 250, maxMs: 15_000 }
    const { signal } = this.#stopping
    let waitMs = firstMs
    while (!signal.aborted) {
      try {
        await this.#session(() => (waitMs = firstMs))
      } catch (error) {
        if (signal.aborted) return
        this.#enter('lost', errorText(error))
        await sleep(waitMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined)
        waitMs = Math.min(waitMs * 2, maxMs)
      }
    }
  }

  /** One reader: the whole topic from its start, then its end. What was in force before stays so until the new reading is complete. */
  async #session(onRead: () => void): Promise<void> {
    const { topic, groupId, open } = this.#options
    const { signal } = this.#stopping
    this.#enter('reading', null)
    const { clusterId, reader } = await open()
    try {
      signal.throwIfAborted()
      await reader.assign(topic, 0, 'start')
      const group = { clusterId, groupId }
      let fresh = emptyTable
      await abortable(
        reader.readToEnd(record => (fresh = afterRecord(fresh, record, group, this.#clock.monotonicMs(), this.#table))),
        signal
      )
      this.#set(fresh)
      this.#enter('following', null)
      this.#readOnce.resolve()
      onRead()
      while (!signal.aborted) {
        for (const fetched of await reader.poll({ maxWaitMs: pollWaitMs, signal })) {
          if (fetched.moved) throw new Error(`${topic}: ${fetched.moved.why} at offset ${fetched.moved.asked}, reading it from its start again`)
          this.#set(this.#afterFetch(fetched, group))
        }
      }
    } finally {
      await reader.close()
    }
  }

  #afterFetch(fetched: Fetched, group: { clusterId: string; groupId: string }): CommandTable {
    return fetched.records.reduce((table, record) => afterRecord(table, record, group, this.#clock.monotonicMs()), this.#table)
  }

  #set(table: CommandTable): void {
    const next = afterTime(table, this.#clock)
    const changed = next !== this.#table
    const unreadable = [...next.unreadable].filter(key => !this.#table.unreadable.has(key))
    this.#table = next
    this.#watchExpiry()
    if (unreadable.length > 0)
      this.#options.log.warn({ keys: unreadable }, 'a record for this group is not a command that this version knows: it is not obeyed')
    if (changed) this.#options.onChange(next)
  }

  #watchExpiry(): void {
    clearTimeout(this.#expiry)
    const held = inForce(this.#table)
    if (held.length === 0) return
    const nextMs = Math.min(expiryCheckMs, ...held.map(each => remainingMs(each, this.#clock)))
    this.#expiry = setTimeout(() => this.#set(this.#table), Math.max(nextMs, 1))
    this.#expiry.unref()
  }

  #enter(state: ControlState, why: string | null): void {
    if (state === this.#state && state !== 'lost') return
    const before = this.#state
    this.#state = state
    const { topic, groupId, log, onState } = this.#options
    if (state === 'lost')
      log.warn({ topic, groupId, why }, 'the control topic cannot be read now; the consumer keeps its state, and lets go of a pause at its expiry')
    else if (state === 'following') log.info({ topic, groupId, before }, 'the control topic has been read to its end')
    onState?.(state, why)
  }
}

/** The promise, or a rejection as soon as the signal says so; what is left of the work ends with its reader. */
async function abortable(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw signal.reason
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
