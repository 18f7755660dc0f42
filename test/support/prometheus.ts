import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { freePort } from './redis.ts'
import { until } from './replica.ts'

const shipped = join(import.meta.dirname, '../../deploy/prometheus')

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [atSeconds: number, value: string]
}

/** A Prometheus of a test's own, with the shipped rules, that scrapes and evaluates every second in place of every 30. */
export interface OwnPrometheus {
  /** Throws with Prometheus's own words when it refuses the expression. */
  ask(expression: string): Promise<readonly Sample[]>
  /** Name and health of every rule that it evaluates. */
  rules(): Promise<readonly { readonly name: string; readonly health: string; readonly lastError?: string }[]>
  metricNames(): Promise<readonly string[]>
  kill(): Promise<void>
}

/** `targets`: addresses by job. */
export async function startPrometheus(program: string, targets: Readonly<Record<string, readonly string[]>>): Promise<OwnPrometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-prometheus-'))
  for (const file of ['rules.yaml', 'alerts.yaml']) {
    cpSync(join(shipped, file), join(folder, file))
    writeFileSync(join(folder, file), readFileSync(join(folder, file), 'utf8').replaceAll(/^( +interval:) .*$/gm, '$1 1s'))
  }
  const settings = parse(readFileSync(join(shipped, 'prometheus.yaml'), 'utf8')) as { scrape_configs: { job_name: string }[] }
  const own = {
    ...settings,
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    scrape_configs: settings.scrape_configs.map(({ job_name }) => ({ job_name, static_configs: [{ targets: targets[job_name] ?? [] }] }))
  }
  writeFileSync(join(folder, 'prometheus.yaml'), stringify(own))
  const address = `127.0.0.1:${await freePort()}`
  const words = [`--config.file=${folder}/prometheus.yaml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${address}`, '--log.level=warn']
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] })
  let printed = ''
  child.stderr.on('data', chunk => (printed += String(chunk)))
  const ended = new Promise<void>(resolve => child.on('close', () => resolve()))

  async function read(path: string, parameters: Record<string, string> = {}): Promise<unknown> {
    const response = await fetch(`http://${address}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`)
    const { data, error } = (await response.json()) as { data?: unknown; error?: string }
    if (error !== undefined) throw new Error(error)
    return data
  }
  const answers = () =>
    fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false
    )
  await until('Prometheus is ready', () => isAlive(child, printed) && answers())
  return {
    ask: async expression => {
      const { resultType, result } = (await read('query', { query: expression })) as { resultType: string; result: unknown }
      return resultType === 'vector' ? (result as Sample[]) : [{ metric: {}, value: result as Sample['value'] }]
    },
    rules: async () => {
      const { groups } = (await read('rules')) as { groups: { rules: { name: string; health: string; lastError?: string }[] }[] }
      return groups.flatMap(({ rules }) => rules)
    },
    metricNames: async () => (await read('label/__name__/values')) as string[],
    async kill() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

function isAlive({ exitCode }: ChildProcess, printed: string): boolean {
  if (exitCode !== null) throw new Error(`Prometheus ended with ${exitCode}: ${printed.slice(-1_000)}`)
  return true
}
