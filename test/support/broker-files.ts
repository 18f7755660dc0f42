import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Batch, isControl, walkBatches } from '#shared/kafka/log-reader/batch.ts'
import { decodeRecords } from '#shared/kafka/log-reader/records.ts'
import type { LogRecord } from '#shared/kafka/ports.ts'
import { brokerBatch, summed } from './record-batches.ts'
import type { Stack } from './stack.ts'

/** The files of one partition at a broker that is stopped, as whoever has its disk finds them. */
export interface ReplicaFiles {
  readonly batches: readonly FileBatch[]
  /** Leaves these batches in the log, and nothing that was derived from others: the broker derives it again. */
  write(batches: readonly Buffer[]): void
}

export interface FileBatch {
  readonly bytes: Buffer
  /** A marker has none for readers. */
  readonly records: readonly LogRecord[]
}

const partitionFolder = (stack: { readonly file: string }, node: number, topic: string): string =>
  join(dirname(stack.file), `node-${node}`, 'data', `${topic}-0`)
const segment = '00000000000000000000.log'

/** Throws where the log has more segments than one: what a test writes fits into it. */
export function replicaFiles(stack: { readonly file: string }, node: number, topic: string): ReplicaFiles {
  const folder = partitionFolder(stack, node, topic)
  const segments = readdirSync(folder).filter(name => name.endsWith('.log'))
  if (segments.length !== 1 || segments[0] !== segment) throw new Error(`${folder} has ${segments.join(', ')}, expected ${segment} alone`)
  return {
    batches: walkBatches([readFileSync(join(folder, segment))]).map(batch => ({ bytes: batch.bytes, records: recordsOf(batch, topic) })),
    write(batches) {
      for (const name of readdirSync(folder)) if (/\.(index|timeindex|txnindex|snapshot)$/.test(name)) rmSync(join(folder, name))
      writeFileSync(join(folder, segment), Buffer.concat(batches))
    }
  }
}

function recordsOf(batch: Batch, topic: string): readonly LogRecord[] {
  if (isControl(batch.header)) return []
  return decodeRecords(batch, { topic, partition: 0 }, { fromOffset: 0, maxUncompressedBytes: 64 * 1024 * 1024 }).records
}

/** The same batch, by the same writer, with other records: a broker cannot tell. */
export function withRecords({ bytes }: FileBatch, records: readonly Pick<LogRecord, 'key' | 'value'>[]): Buffer {
  const body = brokerBatch({ records: records.map(({ key, value }) => ({ key, value })) }).subarray(61)
  const batch = Buffer.concat([bytes.subarray(0, 61), body])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(records.length, 57)
  return summed(batch)
}

/** Copies of a partition's files at each node, to put back. */
export function keepFiles(stack: { readonly file: string; readonly description: Pick<Stack, 'brokers'> }, topic: string, into: string): { restore(): void } {
  const nodes = stack.description.brokers.map((_, index) => index + 1)
  for (const node of nodes) cpSync(partitionFolder(stack, node, topic), join(into, String(node)), { recursive: true })
  return {
    restore() {
      for (const node of nodes) {
        rmSync(partitionFolder(stack, node, topic), { recursive: true })
        cpSync(join(into, String(node)), partitionFolder(stack, node, topic), { recursive: true })
      }
    }
  }
}
