import type { Batch } from '../log-reader/batch.ts'
import type { MetadataPosition } from './items.ts'

/**
 * Batches that were read and are not known to be committed: they wait for the high watermark, and are dropped where a new leader's log
 * goes another way.
 */
export class HeldBack {
  /** Up to where everything is committed and released. */
  #released: MetadataPosition
  #batches: Batch[] = []
  #bytes = 0

  constructor(start: MetadataPosition) {
    this.#released = start
  }

  get released(): MetadataPosition {
    return this.#released
  }

  /** Where the next fetch begins. */
  get end(): MetadataPosition {
    const last = this.#batches.at(-1)
    return last ? after(last) : this.#released
  }

  get bytes(): number {
    return this.#bytes
  }

  get records(): number {
    return this.end.offset - this.#released.offset
  }

  add(batches: readonly Batch[]): void {
    for (const batch of batches) {
      this.#batches.push(batch)
      this.#bytes += batch.bytes.length
    }
  }

  /** What the high watermark has passed: whole batches, for the log is committed by batch. */
  committed(highWatermark: number): readonly Batch[] {
    const waiting = this.#batches.findIndex(({ header }) => header.lastOffset >= highWatermark)
    return waiting < 0 ? this.#batches : this.#batches.slice(0, waiting)
  }

  /** The first so many batches are committed and were taken. */
  release(count: number): void {
    const released = this.#batches.splice(0, count)
    const last = released.at(-1)
    if (last) this.#released = after(last)
    for (const { bytes } of released) this.#bytes -= bytes.length
  }

  /** Drops what waits; it is read again if it is still there. */
  drop(): void {
    this.#batches = []
    this.#bytes = 0
  }

  /** Goes to another place, nothing held. */
  move(to: MetadataPosition): void {
    this.drop()
    this.#released = to
  }
}

const after = ({ header }: Batch): MetadataPosition => ({ offset: header.lastOffset + 1, epoch: header.partitionLeaderEpoch })
