import { keepHeapSmall } from '#shared/cli/heap.ts'
import { openKafka } from '#shared/kafka/index.ts'
import { authorizerLines, spent } from '../brokers.ts'
import { checkComplete, type ScanInput } from './input.ts'
import { sentBytes } from './sent.ts'

// One process: the first scan over a new connection, then more over the same one. Where no more are asked for, nothing else is measured in it.
keepHeapSmall()
const input = JSON.parse(process.argv[2]!) as ScanInput
const { stack } = input
const bytes = sentBytes()
const startedAt = performance.now()
const kafka = await openKafka(input.connection)
checkComplete(await kafka.admin.scan({ atMs: Date.now() }), input)
const coldMs = performance.now() - startedAt
if (input.scans === 0) {
  await kafka.close()
  console.log(JSON.stringify({ coldMs }))
} else await goOn()

async function goOn(): Promise<void> {
  const cold = { requests: kafka.counts().requests, bytes: bytes() }

  const before = spent(stack)
  const cpuBefore = process.cpuUsage()
  const steadyMs: number[] = []
  for (let scan = 0; scan < input.scans; scan++) {
    const scanAt = performance.now()
    checkComplete(await kafka.admin.scan({ atMs: Date.now() }), input)
    steadyMs.push(performance.now() - scanAt)
  }
  const cpu = process.cpuUsage(cpuBefore)
  const after = spent(stack)
  const { scans } = input
  const result = {
    coldMs,
    steadyMs,
    requests: (kafka.counts().requests - cold.requests) / scans,
    sentBytes: (bytes() - cold.bytes) / scans,
    cpuMs: (cpu.user + cpu.system) / 1_000 / scans,
    brokerCpuMs: before.cpuMs === null || after.cpuMs === null ? null : (after.cpuMs - before.cpuMs) / scans,
    authorizerLines: (await authorizerLines(stack, before)) / scans,
    residentBytes: process.resourceUsage().maxRSS * 1_024
  }
  await kafka.close()
  console.log(JSON.stringify(result))
}
