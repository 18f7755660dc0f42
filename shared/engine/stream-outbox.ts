import type { JsonValue } from '../domain/json.ts'
import type { Letter, Notifier } from '../notify/notifier.ts'
import { type Backlog, backlog, due, isDone, letters, newEntry, next, type OutboxEntry, threadOf } from '../notify/outbox.ts'
import type { Log } from '../telemetry/log.ts'
import type { Notice } from './agent.ts'
import type { Memory, Remembered } from './stream.ts'

const prefix = 'notice/'
/** What was told is remembered for so long, so that it is not told again. */
const keptMs = 14 * 86_400_000

/** Messages of a stream and their fate, remembered with its output: each key is told once, and better twice after a crash than never. */
export class StreamOutbox {
  readonly #notifier: Notifier
  readonly #log: Log
  readonly #entries = new Map<string, OutboxEntry>()

  constructor(notifier: Notifier, remembered: Remembered, log: Log) {
    this.#notifier = notifier
    this.#log = log
    for (const [key, entry] of remembered) if (key.startsWith(prefix)) this.#entries.set(key.slice(prefix.length), entry as unknown as OutboxEntry)
  }

  /** Takes new messages in; returns what is to be remembered. */
  add(notices: readonly Notice[], nowMs: number): Memory {
    const memory = new Map<string, JsonValue | null>()
    for (const notice of notices) {
      if (this.#entries.has(notice.key)) continue
      this.#set(notice.key, newEntry(notice, nowMs), memory)
    }
    return memory
  }

  /** Tries what is due at each destination, one by one; returns what is to be remembered of it. */
  async deliver(nowMs: number): Promise<Memory> {
    const memory = new Map<string, JsonValue | null>()
    for (const { destination, keys } of due(this.#entries, notice => this.#notifier.destinations(notice), nowMs).values()) {
      for (const letter of letters(keys, destination.digestAbove)) {
        const notices = letter.map(key => this.#entries.get(key)!.notice) as unknown as Letter['notices']
        const thread = threadOf(this.#entries.values(), new Set(notices.map(({ incident }) => incident)), destination.id)
        const result = await destination.deliver({ notices, thread })
        for (const key of letter) {
          const before = this.#entries.get(key)!
          this.#set(key, next(before, destination, this.#notifier.destinations(before.notice), result, nowMs), memory)
        }
        if (!result.ok) this.#log.warn({ destination: destination.id, notices: notices.length }, `${notices[0].title}: not delivered: ${result.error}`)
        // What comes later waits behind it.
        if (!result.ok && result.retryable) break
      }
    }
    for (const [key, entry] of this.#entries) {
      if (!isDone(entry) || nowMs - entry.createdAtMs < keptMs) continue
      this.#entries.delete(key)
      memory.set(`${prefix}${key}`, null)
    }
    return memory
  }

  /** What nobody was told yet. */
  backlog(): Backlog {
    return backlog(this.#entries.values(), () => false)
  }

  #set(key: string, entry: OutboxEntry, memory: Map<string, JsonValue | null>): void {
    this.#entries.set(key, entry)
    memory.set(`${prefix}${key}`, entry as unknown as JsonValue)
  }
}
