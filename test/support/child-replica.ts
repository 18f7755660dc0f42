import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { until } from './replica.ts'

export interface ChildReplica {
  readonly child: ChildProcess
  readonly lines: Record<string, unknown>[]
  say(line: object): void
  /** Awaits a line that fits. */
  heard(what: string, fits: (line: Record<string, unknown>) => boolean, boundMs?: number): Promise<void>
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>
}

export interface ChildOptions {
  readonly brokers: readonly string[]
  readonly redisUrl: string
  readonly prefix: string
  readonly holder: string
  readonly standAt?: string
  readonly clockOffsetMs?: number
}

/** Starts test/support/toy-replica.ts in a process of its own. */
export function startChild(options: ChildOptions): ChildReplica {
  const settings = { standAt: null, clockOffsetMs: 0, ...options }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'toy-replica.ts'), JSON.stringify(settings)], { stdio: ['pipe', 'pipe', 'pipe'] })
  const lines: Record<string, unknown>[] = []
  let errors = ''
  createInterface({ input: child.stdout }).on('line', line => lines.push(JSON.parse(line) as Record<string, unknown>))
  child.stderr.on('data', chunk => (errors += String(chunk)))
  child.stdin.on('error', () => {})
  const ended = new Promise<void>(resolve => child.on('close', () => resolve()))
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await ended
  }
  return {
    child,
    lines,
    say: line => void child.stdin.write(`${JSON.stringify(line)}\n`),
    heard: (what, fits, boundMs = 30_000) =>
      until(`${options.holder}: ${what}`, () => lines.some(fits), boundMs).catch((error: Error) => {
        throw new Error(
          `${error.message}; heard last: ${lines
            .slice(-5)
            .map(line => JSON.stringify(line))
            .join(' ')} ${errors}`
        )
      }),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM')
  }
}
