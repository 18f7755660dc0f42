import { crc32c } from '@node-rs/crc32'
import type { NewRecord } from '../ports.ts'

/** Who writes: given by InitProducerId, bumped by EndTxn v5. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

const batchHeadBytes = 61
const transactionalBit = 0x10
/** Largest timestamp that survives the zig-zag of a varlong in a JavaScript number. */
const maxTimestampMs = 2 ** 51

/**
 * One RecordBatch, magic 2, uncompressed, transactional, base offset 0 (Kafka protocol guide, "Record Batch"; KIP-98).
 * The same input gives the same bytes, so a retry is recognised by the broker as the batch it has.
 * @param defaultTimestampMs for records without a timestamp.
 */
export function encodeRecordBatch(
  records: readonly NewRecord[],
  identity: ProducerIdentity & { readonly baseSequence: number },
  defaultTimestampMs: number
): Buffer {
  const first = records[0]
  if (!first) throw new Error('a record batch needs at least one record')
  const baseTimestampMs = first.timestampMs ?? defaultTimestampMs
  let maxMs = baseTimestampMs
  const bodies = records.map((record, offsetDelta) => {
    const timestampMs = record.timestampMs ?? defaultTimestampMs
    maxMs = Math.max(maxMs, timestampMs)
    return encodeRecord(record, offsetDelta, timestampMs - baseTimestampMs)
  })
  const head = Buffer.allocUnsafe(batchHeadBytes)
  const lengthBytes = bodies.reduce((sum, body) => sum + body.length, batchHeadBytes)
  head.writeBigInt64BE(0n, 0)
  head.writeInt32BE(lengthBytes - 12, 8)
  head.writeInt32BE(-1, 12) // partition leader epoch: the broker's to fill
  head.writeInt8(2, 16)
  head.writeInt16BE(transactionalBit, 21)
  head.writeInt32BE(records.length - 1, 23)
  head.writeBigInt64BE(BigInt(baseTimestampMs), 27)
  head.writeBigInt64BE(BigInt(maxMs), 35)
  head.writeBigInt64BE(identity.producerId, 43)
  head.writeInt16BE(identity.producerEpoch, 51)
  head.writeInt32BE(identity.baseSequence, 53)
  head.writeInt32BE(records.length, 57)
  const batch = Buffer.concat([head, ...bodies], lengthBytes)
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

/** Cuts records into runs whose batches stay within `maxBytes`; a record larger than that is a run of its own. */
export function splitIntoBatches<T extends { readonly record: NewRecord }>(items: readonly T[], maxBytes: number): T[][] {
  const runs: T[][] = []
  let room = 0
  for (const item of items) {
    const bytes = recordBytesAtMost(item.record)
    if (bytes > room || runs.length === 0) {
      runs.push([])
      room = maxBytes - batchHeadBytes
    }
    runs.at(-1)!.push(item)
    room -= bytes
  }
  return runs
}

/** Throws one sentence that names what no broker would take. */
export function checkRecord(record: NewRecord, index: number): void {
  const where = `record ${index} of the transaction`
  if (!record.topic) throw new Error(`${where}: expected a topic`)
  if (!Number.isInteger(record.partition) || record.partition < 0 || record.partition > 0x7fffffff)
    throw new Error(`${where}: partition ${record.partition} of ${record.topic}: expected an integer from 0`)
  const { timestampMs } = record
  if (timestampMs !== undefined && (!Number.isInteger(timestampMs) || timestampMs < 0 || timestampMs > maxTimestampMs))
    throw new Error(`${where}: timestampMs ${timestampMs}: expected whole milliseconds since the epoch`)
}

function recordBytesAtMost({ key, value, headers }: NewRecord): number {
  const headerBytes = (headers ?? []).reduce((sum, header) => sum + 10 + Buffer.byteLength(header.key) + (header.value?.length ?? 0), 0)
  return 36 + (key?.length ?? 0) + (value?.length ?? 0) + headerBytes
}

function encodeRecord(record: NewRecord, offsetDelta: number, timestampDeltaMs: number): Buffer {
  const out = Buffer.allocUnsafe(recordBytesAtMost(record))
  let at = 5 // room for the length, which is known last
  out[at++] = 0 // attributes: none are defined
  at = writeVarint(out, at, timestampDeltaMs)
  at = writeVarint(out, at, offsetDelta)
  at = writeBytes(out, at, record.key)
  at = writeBytes(out, at, record.value)
  const headers = record.headers ?? []
  at = writeVarint(out, at, headers.length)
  for (const { key, value } of headers) {
    at = writeBytes(out, at, Buffer.from(key, 'utf8'))
    at = writeBytes(out, at, value)
  }
  const lengthBytes = at - 5
  const start = 5 - varintBytes(lengthBytes)
  writeVarint(out, start, lengthBytes)
  return out.subarray(start, at)
}

function writeBytes(out: Buffer, at: number, bytes: Buffer | null): number {
  if (bytes === null) return writeVarint(out, at, -1)
  const start = writeVarint(out, at, bytes.length)
  bytes.copy(out, start)
  return start + bytes.length
}

/** Zig-zag varint or varlong: both have the same bytes. Arithmetic instead of shifts, since shifts end at 32 bits. */
function writeVarint(out: Buffer, at: number, value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  while (rest > 0x7f) {
    out[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  out[at++] = rest
  return at
}

function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value * 2; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes++
  return bytes
}
