import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import { keepHeapSmall } from '#shared/cli/heap.ts'
import { openKafka } from '#shared/kafka/index.ts'

// One process that has run for a while: scans at a fixed interval between a line `go` and a line `stop` on its standard input. Answers
// each `go` and `stop` with a line, the last one of its end being the number of scans.
keepHeapSmall()
const { connection, everyMs } = JSON.parse(process.argv[2]!) as { connection: KafkaConnection; everyMs: number }
const kafka = await openKafka(connection)
const scan = () => kafka.admin.scan({ atMs: Date.now() })
for (let warmUp = 0; warmUp < 5; warmUp++) await scan()
console.log('ready')

let scans = 0
let going: { readonly stop: AbortController; readonly done: Promise<void> } | null = null
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'go') {
    const stop = new AbortController()
    going = { stop, done: loop(stop.signal) }
  } else {
    going?.stop.abort()
    await going?.done
  }
  console.log(scans)
}
await kafka.close()

async function loop(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const nextAt = performance.now() + everyMs
    await scan()
    scans++
    await sleep(Math.max(0, nextAt - performance.now()), undefined, { signal }).catch(() => {})
  }
}
