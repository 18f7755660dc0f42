/**
 * Mutual exclusion by name within this process, under the queue's own: a name runs once at a time, and whoever comes
 * while it runs shares one further run. It holds when Redis does not (wiped, down, or a lock expired under a busy loop).
 */
export class Lane {
  readonly #running = new Map<string, Promise<void>>()
  readonly #waiting = new Map<string, Promise<void>>()

  isBusy(name: string): boolean {
    return this.#running.has(name)
  }

  /** Resolves when a run of `name` that began after this call has ended; rejects with its error. */
  run(name: string, turn: () => Promise<void>): Promise<void> {
    const current = this.#running.get(name)
    if (!current) return this.#start(name, turn)
    const shared = this.#waiting.get(name)
    if (shared) return shared
    const next = current
      .catch(() => undefined)
      .then(() => {
        this.#waiting.delete(name)
        return this.#start(name, turn)
      })
    this.#waiting.set(name, next)
    return next
  }

  /** Ends when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running.values(), ...this.#waiting.values()])
  }

  #start(name: string, turn: () => Promise<void>): Promise<void> {
    const run = (async () => {
      try {
        await turn()
      } finally {
        this.#running.delete(name)
      }
    })()
    this.#running.set(name, run)
    return run
  }
}
