import { Kafka, logLevel } from 'kafkajs'

// One process: a producer of a fixed, bounded load. Writes the latency of every request with the moment it was sent, one line of JSON at
// its end, when its standard input is closed.
interface LoadInput {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitions: number
  readonly requestsPerSecond: number
}
const input = JSON.parse(process.argv[2]!) as LoadInput
const recordsPerRequest = 10
const producer = new Kafka({ brokers: [...input.brokers], clientId: 'bench-load', logLevel: logLevel.NOTHING }).producer({ maxInFlightRequests: 20 })
await producer.connect()
const value = Buffer.alloc(1_000, 'x')
const sentAtMs: number[] = []
const tookMs: number[] = []
const underWay = new Set<Promise<unknown>>()
let requests = 0
const startedAt = performance.now()
const timer = setInterval(() => {
  // As many as are due by now, so that a late timer makes the load no smaller.
  for (const due = ((performance.now() - startedAt) * input.requestsPerSecond) / 1_000; requests < due; requests++) {
    const sent = send(requests % input.partitions).finally(() => underWay.delete(sent))
    underWay.add(sent)
  }
}, 5)
process.stdin.resume()
await new Promise(resolve => process.stdin.once('end', resolve))
clearInterval(timer)
await Promise.all(underWay)
await producer.disconnect()
console.log(JSON.stringify({ sentAtMs, tookMs }))

async function send(partition: number): Promise<void> {
  const [at, atMs] = [performance.now(), Date.now()]
  await producer.send({ topic: input.topic, acks: -1, messages: Array.from({ length: recordsPerRequest }, () => ({ partition, value })) })
  sentAtMs.push(atMs)
  tookMs.push(performance.now() - at)
}
