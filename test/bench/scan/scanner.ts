import { createInterface } from 'node:readline'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import { keepHeapSmall } from '#shared/cli/heap.ts'
import { observerRestTimes } from '#shared/domain/scan-pace.ts'
import { openKafka } from '#shared/kafka/index.ts'

// One process that has run for a while, with the rests of an observer: scans once for each line of its standard input, and answers with when that was, epoch milliseconds.
keepHeapSmall()
const { connection } = JSON.parse(process.argv[2]!) as { connection: KafkaConnection }
const kafka = await openKafka(connection, { restTimes: observerRestTimes })
for (let warmUp = 0; warmUp < 5; warmUp++) await kafka.admin.scan({ atMs: Date.now() })
for await (const _ of createInterface({ input: process.stdin })) {
  const fromMs = Date.now()
  await kafka.admin.scan({ atMs: fromMs })
  console.log(JSON.stringify({ fromMs, untilMs: Date.now() }))
}
await kafka.close()
