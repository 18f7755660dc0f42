import type { Wake } from '../log-reader/wake.ts'

/**
 * How long nothing was heard, by the monotonic clock, while somebody listened: a caller that was away and a process that was stopped
 * are no silence of the other side.
 */
export class Quiet {
  readonly #silenceAfterMs: number
  /** Who sleeps so much longer than asked was stopped, or had no processor: that nothing was heard means nothing. */
  readonly #oversleptMs: number
  readonly #suspiciousAfterMs: number
  #heardAtMs = performance.now()
  #toldAtMs = this.#heardAtMs
  #suspectedAtMs = this.#heardAtMs
  #leftAtMs = this.#heardAtMs

  constructor(silenceAfterMs: number) {
    this.#silenceAfterMs = silenceAfterMs
    this.#oversleptMs = 0.2 * silenceAfterMs
    this.#suspiciousAfterMs = 0.4 * silenceAfterMs
  }

  heard(): void {
    this.#heardAtMs = this.#toldAtMs = this.#suspectedAtMs = performance.now()
  }

  listen(): void {
    if (performance.now() - this.#leftAtMs > this.#oversleptMs) this.heard()
  }

  stopListening(): void {
    this.#leftAtMs = performance.now()
  }

  /** Milliseconds of silence where it is time to tell of it (again); null where not. */
  silentMs(): number | null {
    const nowMs = performance.now()
    if (nowMs - this.#toldAtMs < this.#silenceAfterMs) return null
    this.#toldAtMs = nowMs
    return nowMs - this.#heardAtMs
  }

  /** True each time that it has been quiet for so long that another one should be asked. */
  isSuspicious(): boolean {
    const nowMs = performance.now()
    if (nowMs - this.#suspectedAtMs < this.#suspiciousAfterMs) return false
    this.#suspectedAtMs = nowMs
    return true
  }

  /** Until something comes, a moment is reached, the silence is to be told, or the caller gives up. */
  async sleep(wake: Wake, deadlineMs: number, signal: AbortSignal | undefined): Promise<void> {
    const untilMs = Math.min(deadlineMs, this.#toldAtMs + this.#silenceAfterMs)
    await wake.sleepUntil(untilMs, signal)
    if (performance.now() - untilMs > this.#oversleptMs) this.heard()
  }
}
