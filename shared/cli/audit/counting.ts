import type { Cli } from '../session.ts'

const everyMs = 5_000
const looksEvery = 1_024

/** Says every few seconds on standard error, where somebody looks on, how far a walk has come, and ends it when the command is stopped. */
export function counting(cli: Cli, what: string): (count: number) => void {
  let saidAt = performance.now()
  return count => {
    if (count % looksEvery !== 0) return
    cli.signal.throwIfAborted()
    if (cli.width === undefined || performance.now() - saidAt < everyMs) return
    saidAt = performance.now()
    cli.err(`${count} ${what}`)
  }
}
