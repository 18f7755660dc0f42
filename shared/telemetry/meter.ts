/** A metric of a stream's own, beside those that every stream has. */
export interface Measure {
  /** In full, as Prometheus knows it: `reeve_…`. */
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge'
  /** Beside `cluster` and `stream`. */
  readonly labels: readonly string[]
}

/** What a gauge says now. */
export interface Reading {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** By how much a counter rises. */
export interface Count {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly by: number
}

/** Where a stream says how it stands, for whoever watches. Names are those of its measures. */
export interface Meter {
  /** A transaction was committed just now. */
  committed(): void
  /** What happened, once it is durable. By 0 it says what can happen: a series that first shows up at 1 has no increase. */
  count(counts: readonly Count[]): void
  /** Asked at each scrape, and must answer at once; what is unknown has no reading. Ends by what it returns. */
  gauges(read: () => readonly Reading[]): () => void
}
