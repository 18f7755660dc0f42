import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { lastLines } from './commands.ts'

/** One part of the stack, whether a process here or a container. */
export interface Service {
  readonly name: string
  /** Absent while stopped, and for a container. */
  readonly pid: number | undefined
  start(): Promise<void>
  /** Resolves when it has ended: at once for SIGKILL, else within a bound after which it is killed. */
  stop(signal: 'SIGTERM' | 'SIGKILL', boundMs?: number): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  /** Resolves with what it said last, when it ends by itself. */
  died(): Promise<string>
}

/** A controlled shutdown of one broker of three takes 2 to 3 s. */
const TERMINATION_BOUND_MS = 15_000

export interface ProcessDefinition {
  readonly name: string
  readonly command: readonly string[]
  readonly folder: string
  readonly logFile: string
  /** Called in the same tick as the start, so that a crash right after it leaves a trace. */
  readonly onStart: (pid: number) => void
}

/** A process of its own session: Ctrl-C in a terminal does not reach it, only its owner ends it. */
export class LocalProcess implements Service {
  readonly #definition: ProcessDefinition
  #child: ChildProcess | undefined
  #exit: Promise<string> = Promise.resolve('not started')

  constructor(definition: ProcessDefinition) {
    this.#definition = definition
  }

  get name(): string {
    return this.#definition.name
  }

  get pid(): number | undefined {
    return this.#running ? this.#child?.pid : undefined
  }

  get #running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  async start(): Promise<void> {
    if (this.#running) throw new Error(`${this.name} runs already`)
    const { command, folder, logFile, onStart } = this.#definition
    const [program = '', ...args] = command
    const log = openSync(logFile, 'a')
    const child = spawn(program, args, { cwd: folder, detached: true, stdio: ['ignore', log, log] })
    closeSync(log)
    this.#child = child
    if (child.pid !== undefined) onStart(child.pid)
    this.#exit = new Promise(resolve => {
      child.on('error', error => resolve(`${program} cannot be started: ${error.message}`))
      child.on('exit', (code, signal) => resolve(`ended with ${code ?? signal}`))
    })
    if (child.pid === undefined) throw new Error(`${this.name}: ${await this.#exit}`)
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL', boundMs = TERMINATION_BOUND_MS): Promise<void> {
    if (!this.#running) return
    this.#child!.kill(signal)
    // A paused process takes SIGTERM only when it goes on.
    this.#child!.kill('SIGCONT')
    const bound = setTimeout(() => this.#child!.kill('SIGKILL'), boundMs)
    await this.#exit
    clearTimeout(bound)
  }

  async pause(): Promise<void> {
    this.#send('SIGSTOP')
  }

  async resume(): Promise<void> {
    this.#send('SIGCONT')
  }

  async died(): Promise<string> {
    const how = await this.#exit
    const log = await readFile(this.#definition.logFile, 'utf8')
    const errors = log.split('\n').filter(line => /ERROR|Exception|Address already in use/.test(line))
    return `${this.name} ${how}; errors and last lines of its log:\n${[...errors.slice(0, 5), lastLines(log, 10)].join('\n')}`
  }

  /** For the end of the owner, when nothing can be awaited any more. */
  killNow(): void {
    if (this.#running) this.#child!.kill('SIGKILL')
  }

  #send(signal: NodeJS.Signals): void {
    if (!this.#running) throw new Error(`${this.name} does not run`)
    this.#child!.kill(signal)
  }
}
