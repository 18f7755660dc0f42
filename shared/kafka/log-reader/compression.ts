import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/**
 * Uncompresses the records of a batch, by the codec number of its attributes.
 * Throws when they are not of that codec, or would be larger than `maxBytes`: that is known before the memory is taken.
 */
export function uncompress(codec: number, bytes: Buffer, maxBytes: number): Buffer {
  switch (codecs[codec]) {
    case 'none':
      return bytes
    case 'gzip':
      return gunzipSync(bytes, { maxOutputLength: maxBytes })
    case 'zstd':
      return zstdDecompressSync(bytes, { maxOutputLength: maxBytes })
    case 'lz4':
      checkSize(lz4FrameBound(bytes), maxBytes)
      return compressionsAlgorithms.lz4.decompressSync(bytes)
    case 'snappy':
      return unsnappy(bytes, maxBytes)
    default:
      throw new RangeError(`compression codec ${codec} is not known`)
  }
}

function checkSize(size: number, maxBytes: number): void {
  if (size > maxBytes) throw new RangeError(`uncompressed it may be ${size} bytes, more than the limit of ${maxBytes}`)
}

const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const xerialHeaderBytes = 16

/** Snappy, bare or in the chunks of snappy-java that Kafka's Java clients write. */
function unsnappy(bytes: Buffer, maxBytes: number): Buffer {
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) {
    checkSize(snappyLength(bytes), maxBytes)
    return compressionsAlgorithms.snappy.decompressSync(bytes)
  }
  const chunks: Buffer[] = []
  let total = 0
  for (let position = xerialHeaderBytes; position < bytes.length;) {
    const length = bytes.readUInt32BE(position)
    const chunk = bytes.subarray(position + 4, position + 4 + length)
    if (chunk.length !== length) throw new RangeError(`a snappy chunk of ${length} bytes at byte ${position}, ${chunk.length} are there`)
    total += snappyLength(chunk)
    checkSize(total, maxBytes)
    chunks.push(compressionsAlgorithms.snappy.decompressSync(chunk))
    position += 4 + length
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

/** The uncompressed length that a snappy block begins with. */
function snappyLength(bytes: Buffer): number {
  let length = 0
  for (let index = 0; index < 5; index++) {
    const byte = bytes[index]
    if (byte === undefined) break
    length += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return length
  }
  throw new RangeError('a snappy block without its length')
}

const lz4Magic = 0x184d2204

/** Upper bound of an LZ4 frame's content, from the sizes of its blocks. */
function lz4FrameBound(bytes: Buffer): number {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== lz4Magic) throw new RangeError('not an LZ4 frame')
  const flags = bytes[4]!
  const blockMaxBytes = 2 ** (8 + 2 * ((bytes[5]! >> 4) & 7))
  let position = 7 + ((flags & 0b1000) !== 0 ? 8 : 0) + ((flags & 1) !== 0 ? 4 : 0)
  let bound = 0
  for (;;) {
    const word = bytes.readUInt32LE(position)
    position += 4
    if (word === 0) return bound
    const stored = word >= 0x8000_0000
    const length = word & 0x7fff_ffff
    if (length > bytes.length - position) throw new RangeError(`an LZ4 block of ${length} bytes at byte ${position}, ${bytes.length - position} are there`)
    // No LZ4 sequence makes more than 255 bytes of one.
    bound += stored ? length : Math.min(blockMaxBytes, length * 255)
    position += length + ((flags & 0b1_0000) !== 0 ? 4 : 0)
  }
}
