/** What a poll sleeps on: until something comes, a moment is reached, or the caller gives up. One sleeper at a time. */
export class Wake {
  #waking = Promise.withResolvers<void>()

  /** Ends the sleep under way, or the next one at once. */
  now(): void {
    this.#waking.resolve()
  }

  /** Sleeps at most until a moment of the monotonic clock, milliseconds. */
  async sleepUntil(atMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = this.#waking
    const timer = setTimeout(resolve, Math.max(0, atMs - performance.now()))
    const onAbort = (): void => resolve()
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted) resolve()
    await promise
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    this.#waking = Promise.withResolvers()
  }
}
