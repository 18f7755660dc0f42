import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { stringify } from 'yaml'
import type { ReeveTopics } from '#shared/engine/agent.ts'
import { until } from './replica.ts'
import { stack } from './stack.ts'

const program = join(import.meta.dirname, '../../agents/main.ts')

/** Parts of a configuration that differ from `configuration`'s own; a part is replaced as a whole. */
export type Parts = Readonly<Record<string, unknown>>

/** A configuration on the tests' stack with topics of its own, where one scan follows another within seconds. */
export function configuration(prefix: string, parts: Parts = {}): Parts {
  return {
    version: 1,
    cluster: { brokers: [...stack().brokers] },
    redis: { url: '${TEST_REDIS_URL}', queuePrefix: prefix },
    topics: { prefix },
    observer: { interval: '2s' },
    notify: { platformChannel: 'platform', channels: { platform: { slackWebhook: '' } } },
    agents: { 'consumer-guardian': { act: true, policy: { enabled: false } } },
    http: { port: 0 },
    ...parts
  }
}

/** A policy of seconds for the groups that match, and for no other on a cluster that is shared. */
export function guardianOf(groups: readonly string[], knobs: Parts = {}): Parts {
  return {
    act: true,
    policy: {
      enabled: false,
      groups: [
        {
          match: groups,
          enabled: true,
          pauseOn: ['stuckBehind'],
          lagMessages: 500,
          lagFor: '5s',
          noProgressFor: '5s',
          verifyWithin: '30s',
          trialFor: '30s',
          pauseFor: '10m',
          rebalanceQuietFor: '2s',
          ...knobs
        }
      ]
    }
  }
}

export interface Reeve {
  readonly child: ChildProcess
  /** Its log: one JSON object a line. */
  readonly lines: Record<string, unknown>[]
  /** Everything it printed, for secrets and stack traces. */
  printed(): string
  /** What /readyz says; null while nothing answers. */
  ready(): Promise<ReadyState | null>
  leads(boundMs?: number): Promise<void>
  said(what: string, fits: (line: Record<string, unknown>) => boolean, boundMs?: number): Promise<void>
  kill(): Promise<void>
  stop(): Promise<void>
}

export interface ReadyState {
  readonly role: string
  readonly queue: {
    readonly connected: boolean
    readonly degraded: boolean
    readonly directTurns: number
    readonly findings: readonly { readonly what: string; readonly level: string; readonly found: string }[]
  }
  readonly agents: Readonly<
    Record<
      string,
      | {
          readonly observation: { readonly sequence: number; readonly atMs: number }
          readonly unseen: readonly { readonly kind: string; readonly id: string; readonly why: string }[]
          readonly verdicts: readonly { readonly subject: string; readonly state: string; readonly why: string; readonly lagMessages: number | null }[]
          readonly standing: readonly { readonly key: string }[]
        }
      | undefined
    >
  >
}

/** Configurations and processes of one test file; `close` kills what still runs. */
export class ReeveBench {
  readonly #folder = mkdtempSync(join(tmpdir(), 'reeve-test-'))
  readonly #running = new Set<Reeve>()
  #files = 0

  /** Writes a configuration, or a text that shall be one. Returns the file. */
  write(content: Parts | string): string {
    const file = join(this.#folder, `config-${++this.#files}.yaml`)
    writeFileSync(file, typeof content === 'string' ? content : stringify(content, { lineWidth: 0 }))
    return file
  }

  /** `reeve run`, or what `words` say, by `entry` in place of agents/main.ts where a test stands in its way. */
  start(
    file: string,
    {
      env = {},
      entry = program,
      argument,
      words = ['run']
    }: { env?: Readonly<Record<string, string>>; entry?: string; argument?: object; words?: readonly string[] } = {}
  ): Reeve {
    const child = spawn(process.execPath, [entry, ...(argument ? [JSON.stringify(argument)] : []), '--config', file, ...words], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: environment(env)
    })
    // Whoever is told something may be dead by then.
    child.stdin.on('error', () => undefined)
    if (!argument) child.stdin.end()
    const lines: Record<string, unknown>[] = []
    let printed = ''
    child.stderr.on('data', chunk => (printed += String(chunk)))
    createInterface({ input: child.stdout }).on('line', line => {
      printed += `${line}\n`
      if (line.startsWith('{')) lines.push(JSON.parse(line) as Record<string, unknown>)
    })
    const ended = new Promise<void>(resolve => child.on('close', () => resolve()))
    const end = async (signal: NodeJS.Signals): Promise<void> => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      await ended
      this.#running.delete(reeve)
    }
    const within = async (what: string, condition: () => boolean | Promise<boolean>, boundMs: number): Promise<void> => {
      const alive = async () => {
        if (child.exitCode !== null) throw new Error(`reeve run ended with ${child.exitCode} before: ${what}`)
        return condition()
      }
      await until(what, alive, boundMs).catch((error: Error) => {
        throw new Error(`${error.message}; it printed: ${printed.slice(-2_000)}`, { cause: error })
      })
    }
    const reeve: Reeve = {
      child,
      lines,
      printed: () => printed,
      ready: () => ask(lines),
      leads: (boundMs = 60_000) => within('it leads', () => lines.some(({ msg }) => typeof msg === 'string' && msg.startsWith('leading')), boundMs),
      said: (what, fits, boundMs = 60_000) => within(what, () => lines.some(fits), boundMs),
      kill: () => end('SIGKILL'),
      stop: () => end('SIGTERM')
    }
    this.#running.add(reeve)
    return reeve
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map(reeve => reeve.kill()))
    rmSync(this.#folder, { recursive: true })
  }
}

async function ask(lines: readonly Record<string, unknown>[]): Promise<ReadyState | null> {
  const address = lines.find(({ http }) => typeof http === 'string')?.['http']
  if (typeof address !== 'string') return null
  try {
    const response = await fetch(`http://${address}/readyz`, { signal: AbortSignal.timeout(5_000) })
    return ((await response.json()) as { clusters: { main: ReadyState } }).clusters.main
  } catch {
    return null
  }
}

export interface Spoken {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs one command line to its end, as a person would. */
export async function speak(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Spoken> {
  const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'pipe', 'pipe'], env: environment(env) })
  let out = ''
  let err = ''
  child.stdout.on('data', chunk => (out += String(chunk)))
  child.stderr.on('data', chunk => (err += String(chunk)))
  const code = await new Promise<number | null>(resolve => child.on('close', resolve))
  return { code, out, err }
}

/** A cluster that a user named in the environment is never a test's. */
function environment(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, KAFKA_BROKERS: undefined, REDIS_URL: undefined, REEVE_CONFIG: undefined, TEST_REDIS_URL: stack().redisUrl, ...env }
}

/** The topics of Reeve by their names, to delete them at the end of a test. */
export function names(topics: ReeveTopics): readonly string[] {
  return Object.values(topics)
}
