import type { Cli } from './session.ts'

const everyMs = 5_000

/** Says on standard error how far a long walk through the past has come; a short one says nothing. */
export function progress(cli: Cli, { fromMs, untilMs, what }: { fromMs: number; untilMs: number; what: string }): (atMs: number) => void {
  let count = 0
  let saidAt = performance.now()
  return atMs => {
    count++
    if (performance.now() - saidAt < everyMs) return
    saidAt = performance.now()
    const percent = Math.max(0, Math.min(100, ((atMs - fromMs) / (untilMs - fromMs)) * 100))
    cli.err(`${count} ${what}, ${new Date(atMs).toISOString()}, ${percent.toFixed(0)} %`)
  }
}
