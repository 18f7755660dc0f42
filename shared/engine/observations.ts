import type { LogReader, LogRecord } from '../kafka/ports.ts'
import { type Latest, observationFold } from './fold.ts'
import { Serial } from './serial.ts'

/** Longer than the markers of a healthy cluster take; after it the observation before is as good. */
const markersMs = 2_000

/** Folds the observations topic: whoever starts late begins at the last key frame and has the same view as everybody else. */
export class Observations {
  readonly #topic: string
  readonly #reader: LogReader
  readonly #reads = new Serial()
  readonly #seen = observationFold()

  constructor(topic: string, reader: LogReader) {
    this.#topic = topic
    this.#reader = reader
  }

  /** `keyFrameOffset` is a hint from the state topic; without it the whole topic is read. */
  async open(keyFrameOffset: number | null): Promise<void> {
    await this.#reader.assign(this.#topic, 0, keyFrameOffset ?? 'start')
  }

  /**
   * The newest complete observation; null while none was made, or after a hole until the next key frame. A commit is answered before
   * its markers are written, so one that is known to be committed is waited for: a turn that missed it would look like a gap.
   */
  latest(committedSequence = 0): Promise<Latest | null> {
    return this.#reads.run(async () => {
      const deadline = performance.now() + markersMs
      await this.#reader.readToEnd(record => this.#fold(record))
      while ((this.#seen.latest?.sequence ?? 0) < committedSequence && performance.now() < deadline)
        for (const { records } of await this.#reader.poll({ maxWaitMs: 200 })) for (const record of records) this.#fold(record)
      return this.#seen.latest
    })
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }

  #fold({ value }: LogRecord): void {
    if (value !== null) this.#seen.add(value)
  }
}
