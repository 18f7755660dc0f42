import { catalogue, streams } from '#agents/catalogue.ts'
import { main, program } from '#shared/cli/index.ts'
import type { AnyAgent } from '#shared/engine/agent.ts'
import type { StepName } from '#shared/engine/engine.ts'
import type { LeaseTimes } from '#shared/engine/lease.ts'

/** Where a process stands still: at a step of a turn in which something is done, or undone. */
export interface StandAt {
  readonly step: Extract<StepName, 'intended' | 'acted' | 'recorded'>
  readonly when: 'do' | 'undo'
}

export interface UnderTest {
  readonly standAt: StandAt | null
  readonly clockOffsetMs: number
  readonly times: LeaseTimes
}

/**
 * The whole program with its catalogue, `reeve run` as shipped, but for what a test gives it as first argument. Says {"stands":step} when
 * it stands where it was told to, and goes no further.
 */
const [first = '', ...argv] = process.argv.slice(2)
const { standAt, clockOffsetMs, times } = JSON.parse(first) as UnderTest
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())

/** What the turn under way decided: to do something, to undo something, or neither. */
let decided: 'do' | 'undo' | null = null
const agents = catalogue.map((agent): AnyAgent => ({
  ...agent,
  decide(input) {
    const decision = agent.decide(input)
    decided = decision.undo.length > 0 ? 'undo' : decision.actions.length > 0 ? 'do' : null
    return decision
  }
}))
const hooks = {
  localMs: () => Date.now() + clockOffsetMs,
  times,
  async step(name: StepName): Promise<void> {
    if (standAt === null || name !== standAt.step || decided !== standAt.when) return
    process.stdout.write(`${JSON.stringify({ stands: name })}\n`)
    await new Promise(() => {})
  }
}
const cli = {
  agents,
  streams,
  env: process.env,
  out: (text: string) => void process.stdout.write(`${text}\n`),
  err: (text: string) => void process.stderr.write(`${text}\n`),
  width: undefined,
  signal: stop.signal
}
process.exitCode = await main(cli, argv, program(cli, hooks))
