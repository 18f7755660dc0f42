import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import { openKafka } from '#shared/kafka/index.ts'
import { unique } from '#test/support/stack.ts'

const shortestWindowMs = 5_000
/** The first seconds of a producer, and of a topic, are no measure. */
const warmUpMs = 5_000
const partitions = 12
const requestsPerSecond = 100

interface Beside {
  /** 99th percentiles of the latency of produce requests, milliseconds. */
  readonly without: number
  readonly beside: number
  readonly requests: number
  readonly scans: number
}

/**
 * One steady load of 100 requests a second, each ten records of 1 KB, replicated three times, in windows with and without scans by turns,
 * so that what else the machine does hits both alike. The load and the scans are processes of their own, and warm.
 */
export async function produceBeside(connection: KafkaConnection, everyMs: number, windows: number): Promise<Beside> {
  const windowMs = Math.max(shortestWindowMs, everyMs)
  const kafka = await openKafka(connection)
  const topic = unique('bench-load')
  await kafka.admin.createTopics([{ name: topic, partitions, replicationFactor: Math.min(3, (await kafka.admin.features()).brokers) }])
  await kafka.close()
  const scanner = started('scan-loop', { connection, everyMs })
  await scanner.line()
  const load = started('load', { brokers: connection.brokers, topic, partitions, requestsPerSecond })
  const spans: { readonly scanning: boolean; readonly fromMs: number; readonly untilMs: number }[] = []
  let scans = '0'
  await sleep(warmUpMs)
  for (let window = 0; window < 2 * windows; window++) {
    const scanning = window % 2 === 1
    scans = await scanner.ask(scanning ? 'go' : 'stop')
    const fromMs = Date.now()
    await sleep(windowMs)
    spans.push({ scanning, fromMs, untilMs: Date.now() })
  }
  scans = await scanner.ask('stop')
  const result = load.line()
  await Promise.all([load.end(), scanner.end()])
  const { sentAtMs, tookMs } = JSON.parse(await result) as { sentAtMs: number[]; tookMs: number[] }
  const p99 = (which: boolean): number => {
    const sent = (atMs: number): boolean => spans.some(({ scanning, fromMs, untilMs }) => scanning === which && atMs >= fromMs && atMs < untilMs)
    const sorted = tookMs.filter((_, index) => sent(sentAtMs[index]!)).toSorted((a, b) => a - b)
    if (sorted.length < 500) throw new Error(`${sorted.length} requests are too few for a 99th percentile`)
    return sorted[Math.floor(sorted.length * 0.99)]!
  }
  return { without: p99(false), beside: p99(true), requests: tookMs.length, scans: Number(scans) }
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
