import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { lastLines } from '../commands.ts'

const endBoundMs = 5_000

export interface StartOptions {
  readonly env?: NodeJS.ProcessEnv
  /** Each line of standard output. Without it, and without `stdout`, it is thrown away. */
  readonly onLine?: (line: string) => unknown
  /** Leaves standard output to the caller, who reads it at his own pace. */
  readonly stdout?: 'own'
}

export interface Started {
  readonly name: string
  readonly process: ChildProcess
  /** Resolves with the exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals>
  say(line: string): void
}

/** The processes of the demo beside the stack. Each has a session of its own, so that Ctrl-C reaches only the demo, which ends them in order. */
export class Processes {
  readonly #logs: string
  readonly #adopt: (pid: number) => void
  readonly #running = new Set<Started>()
  readonly #killNow = () => this.#signal('SIGKILL')
  #ending = false

  /** `adopt` writes a pid down before anything else happens, so that the next run can end it after a crash of this one. */
  constructor(logs: string, adopt: (pid: number) => void) {
    this.#logs = logs
    this.#adopt = adopt
    process.on('exit', this.#killNow)
  }

  logFile(name: string): string {
    return join(this.#logs, `${name}.log`)
  }

  /** Standard error goes to `<name>.log` of the run. */
  start(name: string, [program = '', ...args]: readonly string[], options: StartOptions = {}): Started {
    const log = openSync(this.logFile(name), 'a', 0o600)
    const piped = options.onLine || options.stdout === 'own'
    const child = spawn(program, args, { detached: true, stdio: ['pipe', piped ? 'pipe' : 'ignore', log], env: { ...process.env, ...options.env } })
    closeSync(log)
    if (child.pid !== undefined) this.#adopt(child.pid)
    // It may end while it is being told something.
    child.stdin!.on('error', () => undefined)
    if (options.onLine) createInterface({ input: child.stdout! }).on('line', options.onLine)
    const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
      child.on('error', error => reject(new Error(`${name}: ${program} cannot be started: ${error.message}`)))
      child.on('close', (code, signal) => resolve(code ?? signal ?? 1))
    })
    const started: Started = { name, process: child, ended, say: line => void child.stdin!.write(`${line}\n`) }
    this.#running.add(started)
    ended.catch(() => undefined).finally(() => this.#running.delete(started))
    return started
  }

  /** Rejects with its last words when a process ends that should go on. */
  async mustGoOn({ name, ended }: Started): Promise<never> {
    const how = await ended
    if (this.#ending) return new Promise(() => {})
    throw new Error(`${name} ended with ${how}: ${lastLines(await readFile(this.logFile(name), 'utf8'), 8)}`)
  }

  /** Asks all to end, and kills what does not within a bound. */
  async close(): Promise<void> {
    this.#ending = true
    const all = [...this.#running]
    this.#signal('SIGTERM')
    const bound = setTimeout(this.#killNow, endBoundMs)
    await Promise.allSettled(all.map(({ ended }) => ended))
    clearTimeout(bound)
    process.off('exit', this.#killNow)
  }

  #signal(signal: NodeJS.Signals): void {
    for (const { process: child } of this.#running) if (child.exitCode === null && child.signalCode === null) child.kill(signal)
  }
}
