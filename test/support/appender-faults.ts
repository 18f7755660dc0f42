import { setTimeout as sleep } from 'node:timers/promises'
import type { LocalStack } from '#deploy/local/stack.ts'
import { openAdmin } from '#shared/kafka/admin/index.ts'
import { openAppender } from '#shared/kafka/appender/index.ts'
import { Cluster } from '#shared/kafka/cluster.ts'
import { randomFrom } from './seeded.ts'
import { javaOutput, unique } from './stack.ts'
import { startWriter, type WriterProcess } from './writer-process.ts'

/**
 * process: the writer, by SIGKILL, a new one after it. leader, coordinator: the broker that leads a data partition, or the
 * transaction's coordinator, by SIGKILL, and back. zombie: the writer stopped (SIGSTOP), a successor at work, the writer woken.
 * stall: the writer stopped for longer than its transaction may last, nobody after it, the writer woken.
 */
type FaultKind = 'process' | 'leader' | 'coordinator' | 'zombie' | 'stall'

export interface Fault {
  readonly kind: FaultKind
  /** While the broker is down, the writer is killed this many times too. */
  readonly meanwhile: number
}

export interface FaultReport {
  readonly faults: Readonly<Record<FaultKind, number>>
  readonly records: number
  readonly transactions: { acked: number; refused: number; unknown: number }
  /** Of InitProducerId while all brokers were up, ascending, milliseconds. */
  readonly fenceMs: readonly number[]
}

const partitions = 4
const transactionTimeoutMs = 6_000
const patienceMs = 90_000

/** A run of faults over one topic and one transactional id of a stack that the caller owns. Throws when anything was lost, written twice or out of order. */
export async function runAppenderFaults(
  stack: LocalStack,
  options: { readonly plan: readonly Fault[]; readonly seed: number; readonly transactionVersion?: number | 'finalized'; readonly log: (line: string) => void }
): Promise<FaultReport> {
  const { plan, seed, transactionVersion = 'finalized', log } = options
  const { brokers } = stack.description
  const random = randomFrom(seed)
  const topic = unique('appender-faults')
  const transactionalId = unique('appender-faults')
  const cluster = new Cluster({ brokers, clientId: 'appender-faults', requestTimeoutMs: 5_000 })
  const admin = await openAdmin({ brokers, clientId: 'appender-faults' })
  const faults: Record<FaultKind, number> = { process: 0, leader: 0, coordinator: 0, zombie: 0, stall: 0 }
  const transactions = { acked: 0, refused: 0, unknown: 0 }
  const fenceMs: number[] = []
  let ackedEnd = 0
  let brokersUp = true

  const start = (): WriterProcess =>
    startWriter({ brokers, transactionalId, topic, partitions, transactionTimeoutMs, transactionVersion, seed: Math.floor(random() * 2 ** 31) })
  const settle = (writer: WriterProcess): void => {
    ackedEnd = Math.max(ackedEnd, writer.ackedEnd)
    for (const event of ['acked', 'refused', 'unknown'] as const) transactions[event] += writer.counts[event]
    if (writer.tookToFenceMs !== null && brokersUp) fenceMs.push(writer.tookToFenceMs)
  }
  async function replace(writer: WriterProcess): Promise<WriterProcess> {
    writer.signal('SIGKILL')
    const { code, errors } = await writer.ended
    if (code !== null) throw new Error(`the writer ended by itself with ${code}: ${errors}`)
    settle(writer)
    return start()
  }

  async function killBroker(nodeId: number, writer: WriterProcess, meanwhile: number): Promise<WriterProcess> {
    await stack.stopNode(`node-${nodeId}`, 'SIGKILL')
    brokersUp = false
    let current = writer
    for (let killed = 0; killed < meanwhile; killed++) {
      await sleep(random() * 2_000)
      if (random() < 0.5) await current.heard('acked', patienceMs)
      current = await replace(current)
      faults.process++
    }
    await current.heard('acked', patienceMs)
    await stack.startNode(`node-${nodeId}`)
    await whole(cluster, topic)
    brokersUp = true
    return current
  }

  async function zombie(stopped: WriterProcess): Promise<WriterProcess> {
    // One that has not fenced yet would take over when it wakes, and rightly so.
    await stopped.heard('acked', patienceMs)
    stopped.signal('SIGSTOP')
    const successor = start()
    await successor.heard('acked', patienceMs)
    await sleep(random() * 500)
    stopped.signal('SIGCONT')
    const { code, errors } = await stopped.end(patienceMs)
    if (code !== 3) throw new Error(`a writer that was taken over ended with ${code}, expected 3: ${errors}`)
    settle(stopped)
    return successor
  }

  async function stall(writer: WriterProcess): Promise<WriterProcess> {
    await writer.heard('acked', patienceMs)
    writer.signal('SIGSTOP')
    await sleep(transactionTimeoutMs + 2_500)
    writer.signal('SIGCONT')
    await writer.heard('acked', patienceMs)
    return writer
  }

  async function coordinator(): Promise<number> {
    for (;;) {
      const node = (await cluster.coordinators('transaction', [transactionalId])).of.get(transactionalId)
      if (node !== undefined) return node
      await sleep(100)
    }
  }

  try {
    await admin.createTopics([{ name: topic, partitions, replicationFactor: 3, configs: { 'min.insync.replicas': '2' } }])
    let writer = start()
    await writer.heard('acked', patienceMs)
    for (const [index, { kind, meanwhile }] of plan.entries()) {
      await sleep(random() * 700)
      faults[kind]++
      if (kind === 'process') writer = await replace(writer)
      else if (kind === 'zombie') writer = await zombie(writer)
      else if (kind === 'stall') writer = await stall(writer)
      else
        writer = await killBroker(
          kind === 'leader' ? await leaderOf(cluster, topic, Math.floor(random() * partitions)) : await coordinator(),
          writer,
          meanwhile
        )
      if (kind === 'process' && random() < 0.6) await writer.heard('acked', patienceMs)
      log(
        `fault ${index + 1}/${plan.length} ${kind}${meanwhile > 0 ? ` and ${meanwhile} × process` : ''}: ${Math.max(ackedEnd, writer.ackedEnd)} records acknowledged`
      )
    }
    await writer.heard('acked', patienceMs)
    writer.signal('SIGKILL')
    await writer.ended
    settle(writer)
    // Decides the last transaction of the killed one before the topic is read.
    const last = await openAppender(cluster, { transactionalId, transactionVersion })
    await last.fence()
    await last.close()
    const records = await verify(brokers, topic, ackedEnd)
    return { faults, records, transactions, fenceMs: fenceMs.sort((one, other) => one - other) }
  } finally {
    await admin.close()
    await cluster.close()
  }
}

/** The broker that leads a partition, once there is one. */
export async function leaderOf(cluster: Cluster, topic: string, partition: number): Promise<number> {
  for (;;) {
    const leader = (await cluster.metadata([topic])).topics[0]?.partitions.find(({ partitionIndex }) => partitionIndex === partition)?.leaderId
    if (leader !== undefined && leader >= 0) return leader
    await sleep(100)
  }
}

/** Waits until every replica is in sync again: the next kill must leave two. */
export async function whole(cluster: Cluster, topic: string): Promise<void> {
  const end = performance.now() + patienceMs
  for (;;) {
    const { topics } = await cluster.metadata([topic, '__transaction_state'])
    const lagging = topics.flatMap(({ name, partitions: of }) =>
      of.filter(({ isrNodes, replicaNodes }) => isrNodes.length < replicaNodes.length).map(({ partitionIndex }) => `${name}-${partitionIndex}`)
    )
    if (lagging.length === 0) return
    if (performance.now() > end) throw new Error(`not in sync after ${patienceMs} ms: ${lagging.join(', ')}`)
    await sleep(200)
  }
}

/** Reads with Java's console consumer, read_committed, and holds what came against what was promised. Returns the number of records. */
async function verify(brokers: readonly string[], topic: string, ackedEnd: number): Promise<number> {
  const output = await javaOutput('org.apache.kafka.tools.consumer.ConsoleConsumer', [
    '--bootstrap-server',
    brokers.join(','),
    ...`--topic ${topic} --from-beginning --timeout-ms 8000 --isolation-level read_committed --property print.partition=true`.split(' ')
  ])
  const seen = new Set<number>()
  const lastOf = new Map<string, number>()
  for (const line of output.split('\n')) {
    const match = /^Partition:(\d+)\s+(\d+)$/.exec(line)
    if (!match) continue
    const number = Number(match[2])
    if (seen.has(number)) throw new Error(`${number} was written twice`)
    if (number < (lastOf.get(match[1]!) ?? -1)) throw new Error(`${number} comes after ${lastOf.get(match[1]!)} in partition ${match[1]}`)
    seen.add(number)
    lastOf.set(match[1]!, number)
  }
  for (let number = 0; number < seen.size; number++) if (!seen.has(number)) throw new Error(`${number} is missing among ${seen.size} records`)
  if (seen.size < ackedEnd) throw new Error(`${ackedEnd} records were acknowledged, ${seen.size} are there`)
  return seen.size
}
