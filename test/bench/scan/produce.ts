import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { observerRestTimes, restingIntervalMs } from '#shared/domain/scan-pace.ts'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import { openKafka } from '#shared/kafka/index.ts'
import { unique } from '#test/support/stack.ts'
import { median } from '../harness.ts'

/** The first seconds of a producer, and of a topic, are no measure. */
const warmUpMs = 10_000
const partitions = 12
const requestsPerSecond = 100
/** As shipped. */
const configuredIntervalMs = 30_000
const scansToLearnThePace = 5

interface Span {
  /** Epoch milliseconds. */
  readonly fromMs: number
  readonly untilMs: number
}

interface Beside {
  /** What a scan took beside the load, milliseconds, and how far apart Reeve keeps such scans. */
  readonly scanMs: number
  readonly everyMs: number
  /** 99th percentiles of the latency of produce requests by window, milliseconds. */
  readonly without: readonly number[]
  readonly beside: readonly number[]
  /** Latencies of those that were sent while a scan ran. */
  readonly during: readonly number[]
  readonly requests: number
}

/**
 * One steady load of 100 requests a second, each ten records of 1 KB, replicated three times, in windows as long as Reeve's own pace keeps
 * two scans apart: one with a scan in its middle, one without, in the order ABBA, so that what else the machine does hits both alike.
 * The load and the scans are processes of their own, and warm.
 */
export async function produceBeside(connection: KafkaConnection, pairs: number): Promise<Beside> {
  const kafka = await openKafka(connection)
  const topic = unique('bench-load')
  await kafka.admin.createTopics([{ name: topic, partitions, replicationFactor: Math.min(3, (await kafka.admin.features()).brokers) }])
  await kafka.close()
  const load = started('load', { brokers: connection.brokers, topic, partitions, requestsPerSecond })
  const scanner = started('scanner', { connection })
  const scan = async (): Promise<Span> => JSON.parse(await scanner.ask('scan')) as Span
  await sleep(warmUpMs)
  const taken: number[] = []
  for (let count = 0; count < scansToLearnThePace; count++) taken.push(lengthMs(await scan()))
  const everyMs = restingIntervalMs(configuredIntervalMs, median(taken) / (1 + observerRestTimes))
  const scans: Span[] = []
  const windows: (Span & { readonly scanning: boolean })[] = []
  for (let window = 0; window < 2 * pairs; window++) {
    const scanning = window % 4 === 1 || window % 4 === 2
    const fromMs = Date.now()
    await sleep(everyMs / 2)
    if (scanning) scans.push(await scan())
    await sleep(Math.max(0, fromMs + everyMs - Date.now()))
    windows.push({ scanning, fromMs, untilMs: Date.now() })
  }
  const result = load.line()
  await Promise.all([load.end(), scanner.end()])
  const { sentAtMs, tookMs } = JSON.parse(await result) as { sentAtMs: number[]; tookMs: number[] }
  const sentIn = ({ fromMs, untilMs }: Span): number[] => tookMs.filter((_, index) => sentAtMs[index]! >= fromMs && sentAtMs[index]! < untilMs)
  const p99s = (which: boolean): number[] => windows.filter(({ scanning }) => scanning === which).map(window => p99(sentIn(window)))
  return {
    scanMs: median(scans.map(lengthMs)),
    everyMs,
    without: p99s(false),
    beside: p99s(true),
    during: scans.flatMap(sentIn),
    requests: tookMs.length
  }
}

const lengthMs = ({ fromMs, untilMs }: Span): number => untilMs - fromMs

function p99(tookMs: readonly number[]): number {
  if (tookMs.length < 500) throw new Error(`${tookMs.length} requests are too few for a 99th percentile`)
  return tookMs.toSorted((a, b) => a - b)[Math.floor(tookMs.length * 0.99)]!
}

/** A process of this folder that is told by lines of its standard input, and answers by lines. */
function started(name: string, input: unknown) {
  const child = spawn(process.execPath, [new URL(`./${name}.ts`, import.meta.url).pathname, JSON.stringify(input)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${name} ended before it answered`)
    return value
  }
  return {
    line,
    async ask(question: string): Promise<string> {
      child.stdin.write(`${question}\n`)
      return line()
    },
    async end(): Promise<void> {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'close')
      if (child.exitCode !== 0) throw new Error(`${name} ended with ${child.exitCode}`)
    }
  }
}
