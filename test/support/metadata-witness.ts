import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describeQuorumV2 } from '@platformatic/kafka'
import { Cluster } from '#shared/kafka/cluster.ts'
import { walkBatches } from '#shared/kafka/log-reader/batch.ts'
import { recordsOf } from '#shared/kafka/metadata-log/batches.ts'
import type { MetadataLog, MetadataLogItem } from '#shared/kafka/metadata-log/index.ts'
import type { Stack } from './stack.ts'

/** `offset epoch hex`, one a record, those of the quorum too. */
export type Line = string

/** Polls a reader until it is told to stop, and keeps what it gave. Throws where two items do not follow each other. */
export interface Witness {
  readonly items: readonly MetadataLogItem[]
  readonly lines: readonly Line[]
  /** Resolves with the first item from now on that is asked for. */
  until(what: string, wanted: (item: MetadataLogItem) => boolean, boundMs?: number): Promise<MetadataLogItem>
  stop(): Promise<void>
}

export function watch(log: MetadataLog): Witness {
  const items: MetadataLogItem[] = []
  const lines: Line[] = []
  const waiting = new Set<{ wanted: (item: MetadataLogItem) => boolean; found: (item: MetadataLogItem) => void }>()
  const stopping = new AbortController()
  let { offset } = log.position
  const take = (item: MetadataLogItem): void => {
    items.push(item)
    if (item.kind === 'records') {
      if (item.fromOffset !== offset) throw new Error(`records from offset ${item.fromOffset}, expected ${offset}`)
      const all = [...item.records, ...item.quorumRecords].toSorted((one, other) => one.offset - other.offset)
      for (const record of all) lines.push(`${record.offset} ${record.epoch} ${record.value.toString('hex')}`)
    }
    if (item.kind === 'snapshot' && item.gap.from !== offset) throw new Error(`a gap from offset ${item.gap.from}, expected ${offset}`)
    offset = item.position.offset
    for (const one of waiting) if (one.wanted(item)) one.found(item)
  }
  const running = (async () => {
    while (!stopping.signal.aborted) {
      const item = await log.poll({ maxWaitMs: 200 })
      if (item) take(item)
    }
  })()
  running.catch(() => {})
  return {
    items,
    lines,
    async until(what, wanted, boundMs = 60_000) {
      const { promise, resolve, reject } = Promise.withResolvers<MetadataLogItem>()
      const entry = { wanted, found: resolve }
      waiting.add(entry)
      const bound = setTimeout(
        () =>
          reject(
            new Error(`${what}: not within ${boundMs} ms; the last items: ${JSON.stringify(items.slice(-3).map(({ kind, position }) => ({ kind, position })))}`)
          ),
        boundMs
      )
      try {
        return await Promise.race([promise, running.then(() => Promise.reject(new Error(`${what}: the witness has stopped`)))])
      } finally {
        clearTimeout(bound)
        waiting.delete(entry)
      }
    },
    async stop() {
      stopping.abort()
      await running
      await log.close()
    }
  }
}

/** What one controller's files hold below an offset: all of it, if nothing was cut off in front. */
export function logOnDisk(stack: LocalFiles, node: number, below: number): Line[] {
  const folder = metadataFolder(stack, node)
  const segments = readdirSync(folder).filter(name => name.endsWith('.log'))
  const batches = segments.toSorted().flatMap(name => walkBatches([withoutPadding(readFileSync(join(folder, name)))]))
  const { records, quorumRecords } = recordsOf(
    batches.filter(({ header }) => header.lastOffset < below),
    0
  )
  return [...records, ...quorumRecords]
    .toSorted((one, other) => one.offset - other.offset)
    .map(({ offset, epoch, value }) => `${offset} ${epoch} ${value.toString('hex')}`)
}

/** The values in a snapshot's file, and its size. */
export function snapshotOnDisk(
  stack: LocalFiles,
  node: number,
  { offset, epoch }: { offset: number; epoch: number }
): { values: string[]; sizeBytes: number } | null {
  const name = `${String(offset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}.checkpoint`
  const folder = metadataFolder(stack, node)
  if (!readdirSync(folder).includes(name)) return null
  const bytes = readFileSync(join(folder, name))
  return { values: recordsOf(walkBatches([bytes]), 0).records.map(({ value }) => value.toString('hex')), sizeBytes: bytes.length }
}

export interface LocalFiles {
  /** `stack.json` of a stack whose nodes are processes here. */
  readonly file: string
}

const metadataFolder = ({ file }: LocalFiles, node: number): string => join(dirname(file), `node-${node}`, 'data', '__cluster_metadata-0')

/** Segments are as long as they may become: what follows the last batch is zeros. */
function withoutPadding(bytes: Buffer): Buffer {
  let end = 0
  while (end + 17 <= bytes.length && bytes[end + 16] === 2 && bytes.readInt32BE(end + 8) > 0) end += 12 + bytes.readInt32BE(end + 8)
  return bytes.subarray(0, end)
}

/** The active controller and its log, by what it says of itself. Throws where none answers. */
export async function activeController(stack: Pick<Stack, 'brokers'>): Promise<{ node: number; epoch: number; observers: readonly number[] }> {
  const cluster = new Cluster({ brokers: stack.brokers, clientId: 'witness', requestTimeoutMs: 3_000 })
  try {
    const { topics } = await cluster.request('any', describeQuorumV2.api, [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }])
    const partition = topics[0]?.partitions[0]
    if (!partition || partition.errorCode !== 0) throw new Error(`the quorum does not answer: error ${partition?.errorCode}`)
    return { node: partition.leaderId, epoch: partition.leaderEpoch, observers: partition.observers.map(({ replicaId }) => replicaId) }
  } finally {
    await cluster.close()
  }
}
