/** What a contender is told: everything in the topic is read once, from the start. */
export interface Reading {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitions: number
  readonly records: number
}

export const reading = JSON.parse(process.argv[2] ?? '{}') as Reading

/** Counts records from `begin` on and ends the process with the rate once all have come. */
export function counter(): { begin(): void; count(records: number): boolean } {
  let beganMs = 0
  let seen = 0
  return {
    begin: () => void (beganMs ||= performance.now()),
    count(records) {
      seen += records
      if (seen < reading.records) return false
      console.log(JSON.stringify({ recordsPerSecond: (seen / (performance.now() - beganMs)) * 1_000 }))
      return true
    }
  }
}
