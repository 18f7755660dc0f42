import { Cluster } from '../cluster.ts'
import type { KafkaConnection } from '../connection.ts'
import type { Fetched, LogReader, LogRecord, Position, StartAt } from '../ports.ts'
import type { Assigned } from './assigned.ts'
import type { BatchHeader } from './batch.ts'
import { BatchReader } from './batch-reader.ts'
import type { PollOptions, ReaderOptions } from './options.ts'
import { type Chunk, corrupt, type KnownBatch } from './chunk.ts'
import type { Requests } from './mend.ts'
import { decodeRecords } from './records.ts'

/** What one poll of one partition brought, not decoded. */
export interface FetchedBatches extends Omit<Fetched, 'records'> {
  /** In offset order, control and aborted ones too, each with its kind; the first may begin below the position. */
  readonly batches: readonly KnownBatch[]
}

/** Reads logs by position: records decoded, or batches as bytes with their headers read and their CRC32C checked. */
export interface RawLogReader extends LogReader {
  /** As poll, without uncompressing or decoding. Batches are views into the answer: copy what is to be kept. */
  pollRaw(options?: PollOptions): Promise<readonly FetchedBatches[]>
}

/**
 * Opens a reader on a connection of its own (closed with it) or on a cluster that is shared (left open): while a fetch waits for
 * data, other requests of the same cluster to that broker wait behind it.
 * Keys and values of records are views into what was fetched: copy what is to be kept for long.
 * A topic that was deleted and created again is an error until its partitions were unassigned and assigned anew.
 */
export async function openLogReader(target: Cluster | KafkaConnection, options: ReaderOptions = {}): Promise<RawLogReader> {
  if (target instanceof Cluster) return new PositionReader(target, options)
  const cluster = new Cluster(target)
  try {
    await cluster.metadata([])
  } catch (error) {
    await cluster.close()
    throw error
  }
  return new PositionReader(cluster, options, () => cluster.close())
}

export class PositionReader implements RawLogReader {
  readonly #closeCluster: (() => Promise<void>) | null
  readonly #batches: BatchReader
  /** Taken from the fetches, not handed over yet. */
  #kept: Chunk[] = []

  constructor(cluster: Requests, options: ReaderOptions, closeCluster: (() => Promise<void>) | null = null) {
    this.#closeCluster = closeCluster
    this.#batches = new BatchReader(cluster, options)
  }

  async assign(topic: string, partition: number, startAt: StartAt): Promise<void> {
    await this.#batches.assign(topic, partition, startAt)
    this.#dropStale()
  }

  unassign(topic: string, partition: number): void {
    this.#batches.unassign(topic, partition)
    this.#dropStale()
  }

  positions(): readonly Position[] {
    return this.#batches.assigned.map(assigned => ({ topic: assigned.topic, partition: assigned.partition, offset: this.#positionOf(assigned) }))
  }

  async pollRaw(options?: PollOptions): Promise<readonly FetchedBatches[]> {
    const chunks = await this.#take(options)
    return chunks.map(chunk => fetched(chunk, { batches: chunk.batches }))
  }

  async poll(options?: PollOptions): Promise<readonly Fetched[]> {
    const chunks = await this.#take(options)
    const polled: Fetched[] = []
    let budget = this.#batches.limits.maxBytes
    for (const [index, chunk] of chunks.entries()) {
      const records: LogRecord[] = []
      const { rest, fault } = this.#decode(chunk, batch => {
        if (budget <= 0) return false
        budget -= batch.uncompressedBytes
        for (const record of batch.records) records.push(record)
        return true
      })
      if (rest?.fromOffset !== chunk.fromOffset) polled.push(fetched({ ...chunk, nextOffset: rest?.fromOffset ?? chunk.nextOffset }, { records }))
      if (!rest) continue
      this.#kept.push(rest, ...chunks.slice(index + 1))
      if (fault && polled.length === 0) throw fault
      break
    }
    return polled
  }

  async readToEnd(onRecord: (record: LogRecord) => void): Promise<void> {
    const assigned = this.#batches.assigned
    const targets = await this.#batches.offsets('last-stable-offset', assigned)
    try {
      for (;;) {
        for (const one of assigned) one.held = !this.#batches.isCurrent(one) || this.#positionOf(one) >= targets.get(one)!
        if (assigned.every(one => one.held)) return
        const chunks = await this.#take({})
        const moved = chunks.filter(chunk => chunk.moved?.why === 'truncated' && targets.has(chunk.assigned)).map(chunk => chunk.assigned)
        for (const [one, offset] of await this.#batches.offsets('last-stable-offset', moved)) targets.set(one, offset)
        for (const [index, chunk] of chunks.entries()) {
          const target = targets.get(chunk.assigned) ?? chunk.fromOffset
          const { rest, fault } = this.#decode(chunk, batch => {
            if (batch.header.baseOffset >= target) return false
            batch.records.forEach(onRecord)
            return true
          })
          if (rest) this.#kept.push(rest)
          if (!fault) continue
          this.#kept.push(...chunks.slice(index + 1))
          throw fault
        }
      }
    } finally {
      for (const one of assigned) one.held = false
    }
  }

  async close(): Promise<void> {
    this.#batches.close()
    await this.#closeCluster?.()
  }

  async #take(options: PollOptions | undefined): Promise<Chunk[]> {
    const kept = this.#kept.filter(chunk => !chunk.assigned.held)
    if (kept.length === 0) return this.#batches.next(options)
    this.#kept = this.#kept.filter(chunk => chunk.assigned.held)
    return kept
  }

  #positionOf(assigned: Assigned): number {
    return this.#kept.find(chunk => chunk.assigned === assigned)?.fromOffset ?? assigned.position
  }

  #dropStale(): void {
    this.#kept = this.#kept.filter(chunk => this.#batches.isCurrent(chunk.assigned))
  }

  /** Decodes the data batches of a chunk one by one until the visitor refuses one. What was not visited is the rest, also where decoding or the visitor failed. */
  #decode(chunk: Chunk, visit: (batch: Decoded) => boolean): { rest: Chunk | null; fault?: Error } {
    const { assigned, fromOffset, batches } = chunk
    const options = { fromOffset, maxUncompressedBytes: this.#batches.limits.maxUncompressedBatchBytes }
    for (const [index, batch] of batches.entries()) {
      let decoded: Decoded = { header: batch.header, records: [], uncompressedBytes: 0 }
      try {
        if (batch.kind === 'data') decoded = { header: batch.header, ...decodeRecords(batch, assigned, options) }
      } catch (error) {
        return { rest: cutAt(chunk, index), fault: corrupt(assigned, batch.header.baseOffset, String(error)) }
      }
      try {
        if (!visit(decoded)) return { rest: cutAt(chunk, index) }
      } catch (error) {
        // What the caller's own visitor threw comes back to it as it is.
        return { rest: cutAt(chunk, index), fault: error instanceof Error ? error : new Error(String(error)) }
      }
    }
    return { rest: null }
  }
}

interface Decoded {
  readonly header: BatchHeader
  readonly records: readonly LogRecord[]
  readonly uncompressedBytes: number
}

/** What is left of a chunk after its first batches were handed over; null when nothing is. */
function cutAt(chunk: Chunk, count: number): Chunk | null {
  if (count >= chunk.batches.length) return null
  const fromOffset = count === 0 ? chunk.fromOffset : chunk.batches[count - 1]!.header.lastOffset + 1
  return { ...chunk, fromOffset, batches: chunk.batches.slice(count), moved: count === 0 ? chunk.moved : null }
}

function fetched<Part extends object>(chunk: Chunk, part: Part): Omit<Fetched, 'records'> & Part {
  const { assigned, nextOffset, logStartOffset, highWatermark, lastStableOffset, moved } = chunk
  return { topic: assigned.topic, partition: assigned.partition, nextOffset, logStartOffset, highWatermark, lastStableOffset, ...(moved && { moved }), ...part }
}
