/**
 * The leader epochs of what was read, each with the first offset read of it, so that the place where two logs part can be
 * found (KIP-101, KIP-320). Short: one entry a leader change; the oldest are forgotten.
 */
export class EpochHistory {
  #entries: { readonly epoch: number; readonly startOffset: number }[] = []
  readonly #limit = 64

  /** Epoch of the last batch read, -1 when none was. */
  get last(): number {
    return this.#entries.at(-1)?.epoch ?? -1
  }

  /** All epochs, newest first. */
  get newestFirst(): readonly number[] {
    return this.#entries.map(entry => entry.epoch).toReversed()
  }

  read(epoch: number, offset: number): void {
    if (epoch < 0 || epoch === this.last) return
    this.#entries.push({ epoch, startOffset: offset })
    if (this.#entries.length > this.#limit) this.#entries.shift()
  }

  /**
   * The leader's newest epoch at or below our last one is `epoch`, and it ends at `endOffset`. The logs are the same at most up to
   * there, and no further than where we read something newer than that epoch.
   */
  commonEnd(epoch: number, endOffset: number): number {
    const newer = this.#entries.find(entry => entry.epoch > epoch)
    return Math.min(endOffset, newer?.startOffset ?? endOffset)
  }

  /** Forgets what was read at or above an offset. */
  truncate(offset: number): void {
    this.#entries = this.#entries.filter(entry => entry.startOffset < offset)
  }

  clear(): void {
    this.#entries = []
  }
}
