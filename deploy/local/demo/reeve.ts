import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkout } from '../folders.ts'
import type { Processes, Started } from './processes.ts'

const program = join(checkout, 'agents/main.ts')
const readyBoundMs = 30_000
const answerBoundMs = 2_000

/** What /readyz says of one agent's last turn, as far as the demo shows it. */
export interface AgentStatus {
  readonly observation: { readonly sequence: number; readonly atMs: number }
  readonly verdicts: readonly { readonly subject: string; readonly state: string; readonly why: string; readonly lagMessages: number | null }[]
  readonly refused: readonly { readonly key: string; readonly because: string }[]
}
export interface Ready {
  readonly role: string
  readonly agents: Readonly<Record<string, AgentStatus | undefined>>
}

export interface RunningReeve {
  readonly started: Started
  /** Null while it does not answer. */
  ready(): Promise<Ready | null>
}

/** Starts `reeve run`, or another command that goes on, as an operator would, and resolves once it leads. Its log is `reeve.log` of the run. */
export async function startReeve(
  processes: Processes,
  configFile: string,
  env: Record<string, string>,
  words: readonly string[] = ['run']
): Promise<RunningReeve> {
  const address = Promise.withResolvers<string>()
  const log = createWriteStream(processes.logFile('reeve'), { flags: 'a', mode: 0o600 })
  const started = processes.start('reeve', [process.execPath, program, '--config', configFile, ...words], {
    env: withoutForeignCluster(env),
    onLine(line) {
      log.write(`${line}\n`)
      const found = addressIn(line)
      if (found) address.resolve(found)
    }
  })
  void started.ended.finally(() => log.end()).catch(() => undefined)
  const died = processes.mustGoOn(started)
  const base = await Promise.race([address.promise, died])
  const ready = () => ask(`${base}/readyz`)
  for (const deadline = performance.now() + readyBoundMs; (await ready())?.role !== 'leader'; await Promise.race([sleep(200), died]))
    if (performance.now() > deadline) throw new Error(`reeve did not lead within ${readyBoundMs} ms`)
  return { started, ready }
}

export interface Spoken {
  readonly exitCode: number | string
  readonly output: string
}

/** Runs one command of the command line to its end, as a person would. */
export async function speak(processes: Processes, configFile: string, env: Record<string, string>, words: readonly string[]): Promise<Spoken> {
  const lines: string[] = []
  const { ended } = processes.start('operator', [process.execPath, program, '--config', configFile, ...words], {
    env: withoutForeignCluster(env),
    onLine: line => lines.push(line)
  })
  return { exitCode: await ended, output: lines.join('\n') }
}

/** A cluster named for `reeve run` is never the demo's. */
function withoutForeignCluster(env: Record<string, string>): NodeJS.ProcessEnv {
  return { ...env, KAFKA_BROKERS: undefined, REDIS_URL: undefined, REEVE_CONFIG: undefined }
}

function addressIn(line: string): string | null {
  try {
    const { http } = JSON.parse(line) as { http?: unknown }
    if (typeof http !== 'string' || http === '') return null
    return http.startsWith('http') ? http : `http://${http}`
  } catch {
    return null
  }
}

async function ask(url: string): Promise<Ready | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerBoundMs) })
    return ((await response.json()) as { clusters: { main: Ready } }).clusters.main
  } catch {
    return null
  }
}
