import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { errorText, type SdkLog } from './log.ts'
import { type Ack, ackKey } from './protocol.ts'

/** Writes one record to the acks topic, partition 0. May reject; the caller tries again. */
export interface AckWriter {
  write(key: string, ack: Ack): Promise<void>
  close(): Promise<void>
}

export interface AcknowledgerOptions {
  readonly writer: AckWriter
  readonly clusterId: () => string | null
  /** What the member would say now; null when it is not a member. */
  describe(): Ack | null
  readonly heartbeatMs?: number
  /** Bound of the farewell, milliseconds. */
  readonly stopTimeoutMs?: number
  readonly log: SdkLog
}

const firstRetryMs = 500

/**
 * Tells Reeve what a member does: at once when asked, and every `heartbeatMs`. One write at a time, the latest word of each
 * member only. Nothing here ever throws into the consumer; failures are counted, logged and tried again.
 */
export class Acknowledger {
  readonly #options: AcknowledgerOptions
  readonly #waiting = new Map<string, Ack>()
  readonly #stopping = new AbortController()
  readonly #heartbeat: NodeJS.Timeout
  #sending: Promise<void> | null = null
  #failures = 0

  constructor(options: AcknowledgerOptions) {
    this.#options = options
    this.#heartbeat = setInterval(() => this.tell(), options.heartbeatMs ?? 10_000)
    this.#heartbeat.unref()
  }

  /** Writes that failed since the start. */
  get failures(): number {
    return this.#failures
  }

  /** Asks for an ack of the state of now. Returns at once. */
  tell(ack: Ack | null = this.#options.describe()): void {
    if (ack === null || this.#stopping.signal.aborted) return
    this.#waiting.delete(ack.memberId)
    this.#waiting.set(ack.memberId, ack)
    this.#sending ??= this.#send()
  }

  /** Says farewell for the member, waits for what is under way within `stopTimeoutMs`, and closes the writer. */
  async stop(): Promise<void> {
    const { describe, stopTimeoutMs = 3_000, writer, log } = this.#options
    clearInterval(this.#heartbeat)
    const last = describe()
    if (last) this.tell({ ...last, state: 'left', commandId: null, paused: [] })
    const timeout = new AbortController()
    await Promise.race([this.#sending, sleep(stopTimeoutMs, undefined, { signal: timeout.signal }).catch(() => undefined)])
    timeout.abort()
    this.#stopping.abort()
    if (this.#waiting.size > 0) log.warn({ members: [...this.#waiting.keys()] }, 'the last acks could not be written in time')
    await writer.close().catch((error: unknown) => log.warn({ error: errorText(error) }, 'closing the writer of acks failed'))
  }

  async #send(): Promise<void> {
    const { writer, clusterId, heartbeatMs = 10_000, log } = this.#options
    const { signal } = this.#stopping
    // The first write starts after `tell` has returned: it may be called inside the client's own join.
    await nextTurn()
    let retryMs = firstRetryMs
    while (!signal.aborted) {
      const [next] = this.#waiting.values()
      if (next === undefined) {
        this.#sending = null
        return
      }
      const cluster = clusterId()
      try {
        if (cluster === null) throw new Error('the cluster has not told its id yet')
        await writer.write(ackKey(cluster, next.groupId, next.memberId), next)
        if (this.#waiting.get(next.memberId) === next) this.#waiting.delete(next.memberId)
        retryMs = firstRetryMs
      } catch (error) {
        this.#failures++
        log.warn({ error: errorText(error), failures: this.#failures, memberId: next.memberId }, 'an ack could not be written; the consumer goes on')
        await sleep(retryMs, undefined, { signal }).catch(() => undefined)
        retryMs = Math.min(retryMs * 2, heartbeatMs)
      }
    }
  }
}
