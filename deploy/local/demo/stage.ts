import type { Cli } from '#shared/cli/session.ts'
import type { LocalStack } from '../stack.ts'
import { exitCodeOf, withStack } from '../with-stack.ts'
import type { Expectation } from './expectations.ts'

export interface StageOptions {
  /** Ends by itself once everything was judged, and prints the judgement. */
  readonly untilDone: boolean
  readonly docker: boolean
}

/** What a scene is given. */
export interface Stage {
  readonly stack: LocalStack
  /** Run in reverse at the end, whatever happens. */
  readonly closers: (() => Promise<unknown> | void)[]
  /** Hears each judgement, so that the last one is known however the scene ends. */
  readonly tell: (judged: readonly Expectation[]) => void
}

/**
 * Brings a stack and plays a scene on it, until the scene is judged or somebody stops it. Resolves with the exit code: 0 only if every
 * expectation held.
 */
export async function perform(cli: Cli, { untilDone, docker }: StageOptions, play: (stage: Stage) => Promise<readonly Expectation[]>): Promise<number> {
  let judged: readonly Expectation[] = []
  const tell = (now: readonly Expectation[]) => void (judged = now)
  const work = (stack: LocalStack, stopping: Promise<NodeJS.Signals>) => onStage(stack, stopping, tell, play)
  const code = await withStack({ docker, log: cli.err }, work).catch((error: unknown) => {
    if (!untilDone) throw error
    judged = [...judged, { what: 'the demo itself ran to its end', held: false, evidence: error instanceof Error ? error.message : String(error) }]
    return 1
  })
  if (!untilDone) return code
  for (const { what, held, evidence } of judged) cli.out(`${held ? 'held    ' : 'NOT HELD'}  ${what}\n            ${evidence}`)
  cli.out(JSON.stringify({ expectations: judged }))
  return code
}

async function onStage(stack: LocalStack, stopping: Promise<NodeJS.Signals>, tell: Stage['tell'], play: (stage: Stage) => Promise<readonly Expectation[]>) {
  const closers: Stage['closers'] = []
  try {
    const ended = await Promise.race([play({ stack, closers, tell }), stopping])
    return typeof ended === 'string' ? exitCodeOf(ended) : ended.every(({ held }) => held) ? 0 : 1
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

/** On a terminal a screen is drawn anew in its place; elsewhere it is added when `changeOf` says that something happened. */
export function screenOn<Seen>(cli: Cli, textOf: (seen: Seen, width: number) => string, changeOf: (seen: Seen) => string): (seen: Seen) => void {
  if (cli.width === undefined) {
    let before = ''
    return seen => {
      const change = changeOf(seen)
      if (change !== before) cli.out(`${textOf(seen, 160)}\n`)
      before = change
    }
  }
  const width = cli.width
  cli.out('\u001b[2J')
  return seen => {
    const lines = textOf(seen, width).split('\n')
    cli.out(`\u001b[H${lines.map(line => `${line}\u001b[K`).join('\n')}\n\u001b[J`)
  }
}
