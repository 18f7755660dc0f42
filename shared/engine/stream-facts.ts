import type { Count, Meter, Reading } from '../telemetry/meter.ts'
import type { Facts } from './stream.ts'

/** What a reign tells the meter: nothing before it is durable, and nothing more once the reign is over. */
export class StreamFacts {
  readonly #meter: Meter | undefined
  readonly #forget: () => void
  #counts: Count[] = []
  #readings: readonly Reading[] = []
  #durable: readonly Reading[] = []

  constructor(meter: Meter | undefined) {
    this.#meter = meter
    this.#forget = meter?.gauges(() => this.#durable) ?? (() => undefined)
  }

  take({ counts, readings }: Facts): void {
    this.#counts.push(...counts)
    this.#readings = readings
  }

  /** For what was taken until now: to be called when that is durable. */
  durable(): () => void {
    const counts = this.#counts
    const readings = this.#readings
    this.#counts = []
    return () => {
      this.#meter?.committed()
      this.#meter?.count(counts)
      this.#durable = readings
    }
  }

  close(): void {
    this.#forget()
  }
}
