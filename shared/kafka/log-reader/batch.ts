import { crc32c } from '@node-rs/crc32'
import { ByteCursor, safeInt64 } from '../byte-cursor.ts'

/** The header of a record batch, message format v2 (KIP-98). */
export interface BatchHeader {
  readonly baseOffset: number
  /** Last offset that the batch covers, also when compaction removed the record that had it. */
  readonly lastOffset: number
  readonly partitionLeaderEpoch: number
  readonly crc: number
  readonly attributes: number
  /** Milliseconds since the epoch; inexact above 2^53, where no clock is. */
  readonly baseTimestampMs: number
  readonly maxTimestampMs: number
  /** -1 for a producer that is neither idempotent nor transactional. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  /** Records still in the batch. */
  readonly recordCount: number
}

export interface Batch {
  readonly header: BatchHeader
  /** The whole batch as it lies in the log, header included; a view into the answer: copy it to keep it. */
  readonly bytes: Buffer
}

export const headerBytes = 61
const lengthPrefixBytes = 12
const crcStart = 21
const magicAt = 16
const currentMagic = 2

export const codecOf = (header: BatchHeader): number => header.attributes & 0b111
export const hasLogAppendTime = (header: BatchHeader): boolean => (header.attributes & 0b1000) !== 0
export const isTransactional = (header: BatchHeader): boolean => (header.attributes & 0b1_0000) !== 0
export const isControl = (header: BatchHeader): boolean => (header.attributes & 0b10_0000) !== 0

/**
 * Walks the headers of the whole batches in some records; a batch cut off at the end is left out, as brokers cut there.
 * Checks lengths and format, not the CRC. Throws a RangeError that names the byte where something else than a batch begins.
 */
export function walkBatches(records: readonly Buffer[]): Batch[] {
  const batches: Batch[] = []
  const cursor = new ByteCursor(records)
  while (cursor.remaining > magicAt) {
    const { position } = cursor
    const prefix = cursor.peek(magicAt + 1)
    const magic = prefix[magicAt]
    if (magic !== currentMagic) throw new RangeError(`byte ${position}: message format ${magic}, expected ${currentMagic}`)
    const sizeBytes = lengthPrefixBytes + prefix.readInt32BE(8)
    if (sizeBytes < headerBytes) throw new RangeError(`byte ${position}: a batch of ${sizeBytes} bytes, expected at least ${headerBytes}`)
    if (sizeBytes > cursor.remaining) break
    const bytes = cursor.take(sizeBytes)
    batches.push({ header: readHeader(bytes, position), bytes })
  }
  return batches
}

/** False when the bytes from the attributes on are not those that the producer (or the broker) summed. */
export function crcHolds({ header, bytes }: Batch): boolean {
  return crc32c(bytes.subarray(crcStart)) === header.crc
}

function readHeader(bytes: Buffer, position: number): BatchHeader {
  const baseOffset = safeInt64(bytes, 0)
  const lastOffsetDelta = bytes.readInt32BE(23)
  const recordCount = bytes.readInt32BE(57)
  const lastOffset = baseOffset + lastOffsetDelta
  if (baseOffset < 0 || lastOffsetDelta < 0 || !Number.isSafeInteger(lastOffset))
    throw new RangeError(`byte ${position}: a batch from offset ${baseOffset} with last offset delta ${lastOffsetDelta}`)
  if (recordCount < 0) throw new RangeError(`byte ${position}: a batch of ${recordCount} records`)
  return {
    baseOffset,
    lastOffset,
    partitionLeaderEpoch: bytes.readInt32BE(12),
    crc: bytes.readUInt32BE(17),
    attributes: bytes.readInt16BE(21),
    baseTimestampMs: timestamp(bytes, 27),
    maxTimestampMs: timestamp(bytes, 35),
    producerId: bytes.readBigInt64BE(43),
    producerEpoch: bytes.readInt16BE(51),
    baseSequence: bytes.readInt32BE(53),
    recordCount
  }
}

// Producers may write any int64 here, so a nonsense time must not stop the reader as a nonsense offset does.
const timestamp = (bytes: Buffer, at: number): number => bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)
