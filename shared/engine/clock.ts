import { trustedNow, type TrustedNow } from '../domain/clock.ts'

/** Asks the three clocks. The broker's is the LogAppendTime of the leader's last transaction, carried on by the monotonic clock. */
export class TrustedClock {
  readonly #localMs: () => number
  readonly #redisMs: () => Promise<number | null>
  #broker: { readonly ms: number; readonly at: number } | null = null
  #lastTrusted: boolean | null = null

  constructor(localMs: () => number, redisMs: () => Promise<number | null>) {
    this.#localMs = localMs
    this.#redisMs = redisMs
  }

  /** This host's own idea, for records that only people read. */
  localMs(): number {
    return this.#localMs()
  }

  /** Whether the clocks agreed when they were last asked; null before. For metrics. */
  get lastTrusted(): boolean | null {
    return this.#lastTrusted
  }

  noteBroker(logAppendTimeMs: number | null): void {
    if (logAppendTimeMs !== null) this.#broker = { ms: logAppendTimeMs, at: performance.now() }
  }

  async now(): Promise<TrustedNow> {
    const redisMs = await this.#redisMs()
    const brokerMs = this.#broker === null ? null : Math.round(this.#broker.ms + performance.now() - this.#broker.at)
    const now = trustedNow({ localMs: this.#localMs(), redisMs, brokerMs })
    this.#lastTrusted = now.trusted
    return now
  }
}
