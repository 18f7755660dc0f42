import { createTopicsV7 } from '@platformatic/kafka'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import { Cluster } from '#shared/kafka/cluster.ts'
import { walkBatches } from '#shared/kafka/log-reader/batch.ts'
import { openControllers } from '#shared/kafka/metadata-log/controllers.ts'
import { metadataFetch } from '#shared/kafka/metadata-log/fetch-codec.ts'
import { type MetadataLogItem, openMetadataLog } from '#shared/kafka/metadata-log/index.ts'
import { activeController, logOnDisk, snapshotOnDisk, type Witness, watch } from '#test/support/metadata-witness.ts'
import { until } from '#test/support/replica.ts'
import { unique } from '#test/support/stack.ts'

let stack: LocalStack
let witness: Witness | undefined
afterEach(async () => {
  await witness?.stop()
  witness = undefined
  await allRun()
})

/** Whatever a test left behind. */
async function allRun(): Promise<void> {
  await Promise.all(
    nodes.map(async node => {
      if (stack.pidOf(`node-${node}`) === undefined) await stack.startNode(`node-${node}`)
      else await stack.resumeNode(`node-${node}`)
    })
  )
}

const nodes = [1, 2, 3]
const connection = () => ({ brokers: stack.description.controllers, clientId: 'metadata-log' })
const holds = (name: string) => (item: MetadataLogItem) => item.kind === 'records' && item.records.some(({ value }) => value.includes(name))

/** Asks until the cluster has done it. An answer that was lost leaves the topic there, which is as good. */
async function createTopic(name: string): Promise<void> {
  await until(`topic ${name}`, async () => (await tryTopic(stack.description.brokers, name)) !== null, 90_000)
}

/** The error of the answer, 0 or 36 (it exists) where it is there; null where there was none. */
async function tryTopic(brokers: readonly string[], name: string): Promise<number | null> {
  const cluster = new Cluster({ brokers, clientId: 'changes', requestTimeoutMs: 3_000 })
  try {
    const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    const { topics } = await cluster.request('any', createTopicsV7.api, [topic], 2_000, false)
    const errorCode = topics[0]?.errorCode ?? -1
    return errorCode === 0 || errorCode === 36 ? errorCode : null
  } catch {
    return null
  } finally {
    await cluster.close()
  }
}

/** Every record that came is the one on the disks of all controllers, and none is missing. */
async function expectAllOnDisk({ lines }: Witness): Promise<void> {
  const end = lines.length
  for (const node of nodes) {
    await until(`node ${node} has caught up`, () => logOnDisk(stack, node, end).length === end, 30_000)
    expect(logOnDisk(stack, node, end)).toEqual(lines.slice(0, end))
  }
}

describe('a quorum of three', () => {
  beforeAll(async () => void (stack = await startStack()), 300_000)
  afterAll(() => stack?.stop())

  test('loses its active controller again and again: every committed record comes once, in order', async () => {
    witness = watch(openMetadataLog(connection()))
    const gapsMs: number[] = []
    const behindMs: number[] = []
    for (let round = 0; round < 4; round++) {
      const name = unique('before-the-election')
      const found = witness.until('the change before the election', holds(name))
      await createTopic(name)
      await found
      const { node, epoch } = await activeController(stack.description)
      const elected = witness.until('the new leader', item => item.kind === 'records' && item.leaderEpoch > epoch)
      const killedAtMs = performance.now()
      await stack.stopNode(`node-${node}`, 'SIGKILL')
      const first = await elected
      gapsMs.push(performance.now() - killedAtMs)
      if (first.kind === 'records') behindMs.push(Date.now() - (first.quorumRecords.at(-1)?.timestampMs ?? NaN))
      const after = unique('after-the-election')
      const seen = witness.until('the change after the election', holds(after))
      await createTopic(after)
      await seen
      await stack.startNode(`node-${node}`)
    }
    console.log(
      `metadata log: after kill -9 of the active controller the next committed record came in ${gapsMs.map(ms => `${(ms / 1000).toFixed(1)} s`).join(', ')}; ${behindMs.join(', ')} ms after the new leader had written it`
    )
    expect(witness.items.filter(({ kind }) => kind !== 'records' && kind !== 'silence')).toEqual([])
    await expectAllOnDisk(witness)
  })

  test('loses what a leader had not committed: it was served, and is never handed over', async () => {
    const log = openMetadataLog(connection())
    witness = watch(log)
    const { node, epoch } = await activeController(stack.description)
    const others = nodes.filter(other => other !== node)
    await witness.until('the leader', item => item.kind === 'records' && item.leaderEpoch === epoch)
    for (const other of others) await stack.pauseNode(`node-${other}`)
    const name = unique('never-committed')
    const address = stack.description.controllers[node - 1]!
    const peek = openControllers(connection())
    // What the others had asked for before they stood still is with them, unread, and may survive: the first NoOp, and nothing after it.
    await until('a record that waits', () => log.waiting > 0, 2_500)
    const asked = tryTopic([stack.description.brokers[node - 1]!], name)
    let said = ''
    let servedEnd = Infinity
    await until(
      'the leader serves what it has not committed',
      async () => {
        const asking = { clusterId: null, leaderEpoch: epoch, position: log.position, highWatermark: -1, maxWaitMs: 0 }
        const { errorCode, highWatermark, records } = await peek.ask(address, metadataFetch(18), asking)
        said = `error ${errorCode}, high watermark ${highWatermark}, ${Buffer.concat(records).length} bytes after ${log.position.offset}`
        const serves = walkBatches(records).find(({ bytes }) => bytes.includes(name))
        servedEnd = (serves?.header.lastOffset ?? Infinity) + 1
        return highWatermark <= log.position.offset && serves !== undefined
      },
      // It gives up its office after three.
      2_500
    ).catch((error: unknown) => Promise.reject(new Error(`the leader said last: ${said}`, { cause: error })))
    await until('the reader has it, and holds it back', () => log.position.offset + log.waiting >= servedEnd, 2_500)
    await stack.stopNode(`node-${node}`, 'SIGKILL')
    await Promise.all([asked, peek.close()])
    const elected = witness.until('the new leader', item => item.kind === 'records' && item.leaderEpoch > epoch)
    for (const other of others) await stack.resumeNode(`node-${other}`)
    await elected
    const { dropped } = log.counts
    const after = unique('committed')
    const seen = witness.until('a change of the new leader', holds(after))
    await createTopic(after)
    await seen
    await stack.startNode(`node-${node}`)
    console.log(`metadata log: ${dropped} records that were never committed were read and dropped`)
    expect(dropped).toBeGreaterThan(0)
    expect(witness.items.some(holds(name))).toBe(false)
    expect(witness.items.every(({ kind }) => kind === 'records' || kind === 'silence')).toBe(true)
    await expectAllOnDisk(witness)
  })

  test('goes away as a whole: the silence is told, with why, and reading goes on where it was', async () => {
    witness = watch(openMetadataLog(connection()))
    await witness.until('the end of the log', item => item.kind === 'records' && item.position.offset === item.highWatermark)
    const silence = witness.until('the silence', ({ kind }) => kind === 'silence')
    const killedAtMs = performance.now()
    await Promise.all(nodes.map(node => stack.stopNode(`node-${node}`, 'SIGKILL')))
    const told = await silence
    const tookMs = performance.now() - killedAtMs
    expect(told.kind === 'silence' && told.why).toMatch(/ECONNREFUSED|closed/)
    const name = unique('after-all-were-away')
    const seen = witness.until('a change after that', holds(name), 120_000)
    await Promise.all(nodes.map(node => stack.startNode(`node-${node}`)))
    await createTopic(name)
    await seen
    console.log(`metadata log: the silence was told ${(tookMs / 1000).toFixed(1)} s after the last controller was killed`)
    expect(tookMs).toBeLessThan(8_000)
    expect(new Set(witness.items.map(({ kind }) => kind))).toEqual(new Set(['records', 'silence']))
    await expectAllOnDisk(witness)
  })

  test('has a leader that hangs: another one is followed', async () => {
    witness = watch(openMetadataLog(connection()))
    const { node, epoch } = await activeController(stack.description)
    await witness.until('the leader', item => item.kind === 'records' && item.leaderEpoch === epoch)
    const elected = witness.until('the new leader', item => item.kind === 'records' && item.leaderEpoch > epoch)
    await stack.pauseNode(`node-${node}`)
    await elected
    await stack.resumeNode(`node-${node}`)
    await expectAllOnDisk(witness)
  })
})

describe('controllers that cut off their log', () => {
  beforeAll(
    async () =>
      void (stack = await startStack({
        properties: {
          'metadata.log.max.record.bytes.between.snapshots': '2000',
          'metadata.log.max.snapshot.interval.ms': '5000',
          'metadata.max.retention.ms': '1000'
        }
      })),
    300_000
  )
  afterAll(() => stack?.stop())

  test('while the reader is away: the snapshot comes whole, with the gap, and after it every record', async () => {
    witness = watch(openMetadataLog(connection()))
    await witness.until('the end of the log', item => item.kind === 'records' && item.position.offset === item.highWatermark)
    await witness.stop()
    const left = witness.items.at(-1)!.position
    const [kept, gone] = [unique('kept'), unique('gone')]
    await createTopic(kept)
    await createTopic(gone)

    const peek = openControllers(connection())
    const logStart = async (): Promise<number> => {
      const { node, epoch } = await activeController(stack.description)
      const asking = { clusterId: null, leaderEpoch: epoch, position: left, highWatermark: -1, maxWaitMs: 0 }
      return (await peek.ask(stack.description.controllers[node - 1]!, metadataFetch(18), asking)).logStartOffset
    }
    // Kafka looks once a minute for what it may cut off.
    await until('the log begins later than the reader left it', async () => (await logStart()) > left.offset, 150_000)
    await peek.close()

    // Snapshots follow each other every few seconds here, and old ones go: the file is looked at when its item is there.
    let onDisk: ReturnType<typeof snapshotOnDisk> = null
    const log = openMetadataLog(connection(), { startAt: left })
    const item = await nextItem(log)
    if (item.kind !== 'snapshot') throw new Error(`expected a snapshot, got ${item.kind}`)
    for (const node of nodes) onDisk ??= snapshotOnDisk(stack, node, { offset: item.endOffset, epoch: item.epoch })
    expect(item).toMatchObject({ gap: { from: left.offset, to: item.endOffset }, position: { offset: item.endOffset, epoch: item.epoch } })
    const values = [...item.records].map(({ value }) => value.toString('hex'))
    console.log(
      `metadata log: a snapshot of ${item.sizeBytes} bytes with ${item.recordCount} records stands for offsets ${item.gap.from} to ${item.gap.to}; last change ${Math.round((Date.now() - item.lastContainedLogTimestampMs) / 1000)} s ago`
    )
    expect(values).toHaveLength(item.recordCount)
    expect({ values, sizeBytes: item.sizeBytes }).toEqual(onDisk)
    expect(values.some(value => value.includes(Buffer.from(kept).toString('hex')))).toBe(true)

    witness = watch(log)
    const name = unique('after-the-snapshot')
    const seen = witness.until('a change after the snapshot', holds(name))
    await createTopic(name)
    await seen
    expect(witness.items[0]).toMatchObject({ kind: 'records', fromOffset: item.endOffset })
    const offsets = witness.lines.map(line => Number(line.split(' ')[0]))
    expect(offsets).toEqual(Array.from(offsets, (_, index) => item.endOffset + index))
  })

  test('are read from the beginning by a snapshot, also when their leader is killed meanwhile', async () => {
    for (let round = 0; round < 2; round++) {
      const { node } = await activeController(stack.description)
      const log = openMetadataLog(connection())
      const first = nextItem(log)
      await stack.stopNode(`node-${node}`, 'SIGKILL')
      const item = await first
      expect(item).toMatchObject({ kind: 'snapshot', gap: { from: 0 } })
      witness = watch(log)
      const name = unique('after-the-election')
      const seen = witness.until('a change of the new leader', holds(name))
      await createTopic(name)
      await seen
      await witness.stop()
      await stack.startNode(`node-${node}`)
    }
  })
})

async function nextItem(log: ReturnType<typeof openMetadataLog>): Promise<MetadataLogItem> {
  for (;;) {
    const item = await log.poll()
    if (item && item.kind !== 'silence') return item
  }
}
