import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePortBlock } from '#deploy/local/ports.ts'
import { javaOutput } from '#test/support/stack.ts'

/** One who looks at the same cluster; `look` resolves with milliseconds. */
export interface Other {
  readonly who: string
  readonly what: string
  look(): Promise<number>
  close(): Promise<void>
  readonly missing?: string
}

interface Expected {
  readonly groups: number
  readonly commits: number
}

/** Kafka's own tool, whole: its Java starts for each look. Throws where it did not tell every commit. */
export function kafkaConsumerGroups(brokers: readonly string[], { commits }: Expected): Other {
  return {
    who: 'kafka-consumer-groups',
    what: 'whole process',
    async look() {
      const startedAt = performance.now()
      const args = ['--bootstrap-server', brokers.join(','), '--describe', '--all-groups', '--timeout', '120000']
      const output = await javaOutput('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', args)
      const tookMs = performance.now() - startedAt
      const rows = output.split('\n').filter(line => line.startsWith('scan-group-')).length
      if (rows < commits) throw new Error(`kafka-consumer-groups told ${rows} of ${commits} commits`)
      return tookMs
    },
    close: async () => {}
  }
}

/** A scrape of kminion, which asks the cluster at that moment. */
export function kminion(path: string | undefined, brokers: readonly string[], expected: Expected): Other {
  return program({
    who: 'kminion',
    what: 'scrape',
    path,
    option: '--kminion',
    start: port => ({ args: [], env: { KAFKA_BROKERS: brokers.join(','), EXPORTER_PORT: String(port), EXPORTER_HOST: '127.0.0.1', LOGGER_LEVEL: 'error' } }),
    async look(port) {
      const text = await get(`http://127.0.0.1:${port}/metrics`)
      const told = text.split('\n').filter(line => line.startsWith('kminion_kafka_consumer_group_topic_partition_lag{')).length
      if (told < expected.commits) throw new Error(`kminion told ${told} of ${expected.commits} lags`)
    }
  })
}

/**
 * All that Burrow knows, asked group by group: it evaluates when it is asked, from what it has read of __consumer_offsets. Its version of
 * the protocol is the oldest that Kafka 4 still speaks. A Burrow that wants ZooKeeper does not start.
 */
export function burrow(path: string | undefined, brokers: readonly string[], expected: Expected): Other {
  const servers = brokers.map(broker => JSON.stringify(broker)).join(', ')
  return program({
    who: 'Burrow',
    what: 'lag of every group',
    path,
    option: '--burrow',
    start(port, folder) {
      const settings = [
        `[logging]\nlevel="error"`,
        `[client-profile.bench]\nclient-id="bench-burrow"\nkafka-version="2.1.0"`,
        `[httpserver.default]\naddress="127.0.0.1:${port}"`,
        `[cluster.bench]\nclass-name="kafka"\nservers=[ ${servers} ]\nclient-profile="bench"\ntopic-refresh=60\noffset-refresh=10`,
        `[consumer.bench]\nclass-name="kafka"\ncluster="bench"\nservers=[ ${servers} ]\nclient-profile="bench"\nstart-latest=false\nbackfill-earliest=false`
      ]
      writeFileSync(join(folder, 'burrow.toml'), `${settings.join('\n\n')}\n`)
      return { args: ['--config-dir', folder], env: {} }
    },
    async look(port) {
      const { consumers } = JSON.parse(await get(`http://127.0.0.1:${port}/v3/kafka/bench/consumer`)) as { consumers: string[] }
      const known = consumers.filter(group => group.startsWith('scan-group-'))
      if (known.length < expected.groups) throw new Error(`Burrow knew ${known.length} of ${expected.groups} groups`)
      for (const group of known) await get(`http://127.0.0.1:${port}/v3/kafka/bench/consumer/${group}/lag`)
    }
  })
}

interface Program {
  readonly who: string
  readonly what: string
  readonly path: string | undefined
  readonly option: string
  start(port: number, folder: string): { readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> }
  look(port: number): Promise<void>
}

/** How long a program may take until its first whole answer. */
const readyMs = 180_000

function program({ who, what, path, option, start, look }: Program): Other {
  if (path === undefined) return { who, what, look: async () => Number.NaN, close: async () => {}, missing: `no program was given by ${option} PATH` }
  const folder = mkdtempSync(join(tmpdir(), 'reeve-bench-'))
  let stop: (() => Promise<void>) | null = null
  let port = 0
  const begin = async (): Promise<void> => {
    port = await freePortBlock(1)
    const { args, env } = start(port, folder)
    const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } })
    const ended = new Promise<void>(resolve => child.on('close', () => resolve()))
    child.on('error', error => console.error(`${who} could not be started: ${error.message}`))
    stop = async () => {
      child.kill('SIGTERM')
      await ended
    }
    const deadline = performance.now() + readyMs
    for (;;) {
      const failure = await look(port).then(
        () => null,
        (error: unknown) => (error instanceof Error ? error : new Error(String(error)))
      )
      if (failure === null) return
      if (child.exitCode !== null || performance.now() > deadline)
        throw new Error(`it gave no whole answer: ${child.exitCode === null ? failure.message : `it ended with ${child.exitCode}`}`, { cause: failure })
      await sleep(1_000)
    }
  }
  return {
    who,
    what,
    async look() {
      if (stop === null) await begin()
      const startedAt = performance.now()
      await look(port)
      return performance.now() - startedAt
    },
    async close() {
      await stop?.()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

async function get(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(120_000) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 200)}`)
  return text
}
