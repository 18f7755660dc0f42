import { constants } from 'node:os'
import { type LocalStack, type StackOptions, startStack } from './stack.ts'

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type StopSignal = (typeof STOP_SIGNALS)[number]

/**
 * Brings a stack, does the work on it, ends the stack and resolves with the exit code that the work gave. `stopping` resolves at the
 * first signal that asks to stop; later ones do nothing, since a terminal may send Ctrl-C twice through npm. A signal during the start
 * ends the process and what it had started; a start that fails is told in its own words.
 */
export async function withStack(options: StackOptions, work: (stack: LocalStack, stopping: Promise<StopSignal>) => Promise<number>): Promise<number> {
  const stopping = new Promise<StopSignal>(resolve => {
    for (const signal of STOP_SIGNALS) process.on(signal, () => resolve(signal))
  })
  let starting = true
  void stopping.then(signal => starting && process.exit(exitCodeOf(signal)))
  const stack = await startStack(options).catch((error: Error) => error)
  if (stack instanceof Error) {
    console.error(stack.message)
    return 1
  }
  starting = false
  try {
    return await work(stack, stopping)
  } finally {
    await stack.stop()
  }
}

/** What a shell calls the end by a signal: 128 and its number. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
