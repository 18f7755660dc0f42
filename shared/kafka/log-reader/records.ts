import type { Header, LogRecord } from '../ports.ts'
import { type Batch, codecOf, hasLogAppendTime, headerBytes } from './batch.ts'
import { uncompress } from './compression.ts'

const noHeaders: readonly Header[] = Object.freeze([])

/**
 * Decodes the records of a batch at or above `fromOffset`, in order. Keys, values and header values are views into the batch (or
 * into what was uncompressed). Throws a RangeError or a codec's error when the bytes are not records.
 */
export function decodeRecords(
  batch: Batch,
  place: { readonly topic: string; readonly partition: number },
  options: { readonly fromOffset: number; readonly maxUncompressedBytes: number }
): { readonly records: LogRecord[]; readonly uncompressedBytes: number } {
  const { header } = batch
  const { topic, partition } = place
  const bytes = uncompress(codecOf(header), batch.bytes.subarray(headerBytes), options.maxUncompressedBytes)
  const appendTime = hasLogAppendTime(header)
  const decoder = new Varints(bytes)
  const records: LogRecord[] = []
  for (let index = 0; index < header.recordCount; index++) {
    const length = decoder.int32()
    const end = decoder.position + length
    if (length < 0 || end > bytes.length) throw new RangeError(`record ${index} of ${length} bytes at byte ${decoder.position} of ${bytes.length}`)
    decoder.position++
    const timestampDelta = decoder.int64()
    const offset = header.baseOffset + decoder.int32()
    if (offset < header.baseOffset || offset > header.lastOffset) throw new RangeError(`record ${index} has offset ${offset}, outside of its batch`)
    if (offset < options.fromOffset) {
      decoder.position = end
      continue
    }
    const key = decoder.nullableBytes(end)
    const value = decoder.nullableBytes(end)
    const headers = decoder.headers(end)
    if (decoder.position !== end) throw new RangeError(`record ${index} ends at byte ${decoder.position}, expected ${end}`)
    const timestampMs = appendTime ? header.maxTimestampMs : header.baseTimestampMs + timestampDelta
    records.push({ topic, partition, offset, timestampMs, key, value, headers })
  }
  if (decoder.position !== bytes.length) throw new RangeError(`${bytes.length - decoder.position} bytes are left after ${header.recordCount} records`)
  return { records, uncompressedBytes: bytes.length }
}

/** The type of the marker in a control batch: 0 abort, 1 commit; null when compaction has emptied it. */
export function controlType(batch: Batch): number | null {
  const marker = decodeRecords(batch, { topic: '', partition: 0 }, { fromOffset: 0, maxUncompressedBytes: batch.bytes.length }).records[0]
  if (!marker) return null
  if (!marker.key || marker.key.length < 4) throw new RangeError('a control record without a type')
  return marker.key.readInt16BE(2)
}

/** Zigzag varints, as records have them. Reading past the end gives undefined bytes, which the callers' bounds catch. */
class Varints {
  readonly bytes: Buffer
  position = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  int32(): number {
    const first = this.bytes[this.position]
    if (first !== undefined && first < 0x80) {
      this.position++
      return (first >>> 1) ^ -(first & 1)
    }
    let raw = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#next()
      raw |= (byte & 0x7f) << shift
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1)
    }
    throw new RangeError(`a varint at byte ${this.position} is longer than 32 bits`)
  }

  int64(): number {
    const start = this.position
    let raw = 0
    let scale = 1
    for (let index = 0; index < 7; index++) {
      const byte = this.#next()
      raw += (byte & 0x7f) * scale
      scale *= 128
      if (byte < 0x80) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
    }
    this.position = start
    return this.#wideInt64()
  }

  nullableBytes(end: number): Buffer | null {
    const length = this.int32()
    if (length === -1) return null
    const start = this.position
    if (length < 0 || length > end - start) throw new RangeError(`${length} bytes at byte ${start}, ${end - start} are left in the record`)
    this.position = start + length
    return this.bytes.subarray(start, start + length)
  }

  headers(end: number): readonly Header[] {
    const count = this.int32()
    if (count === 0) return noHeaders
    if (count < 0 || count > end - this.position)
      throw new RangeError(`${count} headers at byte ${this.position}, ${end - this.position} bytes are left in the record`)
    const headers: Header[] = []
    for (let index = 0; index < count; index++) {
      const key = this.nullableBytes(end)
      if (key === null) throw new RangeError(`a header without a key at byte ${this.position}`)
      headers.push({ key: key.toString('utf8'), value: this.nullableBytes(end) })
    }
    return headers
  }

  #wideInt64(): number {
    let raw = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#next()
      raw |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return Number(BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n)))
    }
    throw new RangeError(`a varint at byte ${this.position} is longer than 64 bits`)
  }

  #next(): number {
    const byte = this.bytes[this.position]
    if (byte === undefined) throw new RangeError(`the bytes end at byte ${this.position}, within a number`)
    this.position++
    return byte
  }
}
