import { type Hash, hashAtByte, hashBytes, nodeHash } from './hash.ts'
import { ProofError } from './proof-error.ts'

/** How many hashes or entries a full tile or bundle holds (C2SP tlog-tiles). */
export const tileWidth = 256
/** Levels of the tree from one level of tiles to the next: 2^8 is 256. */
export const tileHeight = 8
export const largestEntryBytes = 65_535

/** Reads a file of a log by its path, such as `tile/0/x001/067`; null where there is none. */
export type ReadTile = (path: string) => Uint8Array | null

/** `tile/<level>/<index>`, and `.p/<width>` behind it where the tile is not full. */
export function tilePath(level: number, index: number, width = tileWidth): string {
  return `tile/${level}/${pathOf(index, width)}`
}

/** `tile/entries/<index>`, and `.p/<width>` behind it where the bundle is not full. */
export function bundlePath(index: number, width = tileWidth): string {
  return `tile/entries/${pathOf(index, width)}`
}

/** 1234067 is `x001/x234/067`. */
function pathOf(index: number, width: number): string {
  const parts = [index % 1000]
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) parts.unshift(rest % 1000)
  const path = parts.map((part, at) => `${at < parts.length - 1 ? 'x' : ''}${String(part).padStart(3, '0')}`).join('/')
  return width === tileWidth ? path : `${path}.p/${width}`
}

/** How many hashes stand at a level of tiles in a tree of `size` leaves. */
export function hashesAtLevel(level: number, size: number): number {
  return Math.floor(size / tileWidth ** level)
}

/** Entries as a bundle holds them: the length of each in two bytes, big-endian, and its bytes. Throws ProofError for one that is longer. */
export function encodeBundle(entries: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.allocUnsafe(entries.reduce((sum, { length }) => sum + 2 + length, 0))
  let at = 0
  for (const entry of entries) {
    requireEntry(entry)
    at = bytes.writeUInt16BE(entry.length, at)
    bytes.set(entry, at)
    at += entry.length
  }
  return bytes
}

/** The first `count` entries of a bundle, which must hold exactly `width`. They share its memory. Throws ProofError. */
export function decodeBundle(bytes: Uint8Array, width: number, count = width): Uint8Array[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const entries: Uint8Array[] = []
  let at = 0
  while (at < buffer.length && entries.length < width) {
    const start = at + 2
    const end = start > buffer.length ? Infinity : start + buffer.readUInt16BE(at)
    if (end > buffer.length) throw new ProofError(`entry ${entries.length} of a bundle is cut off at byte ${at} of ${buffer.length}`)
    entries.push(buffer.subarray(start, end))
    at = end
  }
  if (entries.length !== width || at !== buffer.length) throw new ProofError(`a bundle of ${buffer.length} bytes does not hold exactly ${width} entries`)
  return entries.slice(0, count)
}

/** The first `count` hashes of a tile, which must hold exactly `width`. Throws ProofError. */
export function decodeTile(bytes: Uint8Array, width: number, count = width): Hash[] {
  if (bytes.length !== width * hashBytes) throw new ProofError(`a tile of ${bytes.length} bytes does not hold exactly ${width} hashes`)
  return Array.from({ length: count }, (_, index) => hashAtByte(bytes, index * hashBytes))
}

/** Hash of the complete subtree of height `level` within a tile, `index` counted in such subtrees. */
export function hashInTile(tile: readonly Hash[], level: number, index: number): Hash {
  let hashes = tile.slice(index * 2 ** level, (index + 1) * 2 ** level)
  if (hashes.length !== 2 ** level) throw new ProofError(`a tile of ${tile.length} hashes has no complete subtree ${index} of height ${level}`)
  while (hashes.length > 1) hashes = Array.from({ length: hashes.length / 2 }, (_, pair) => nodeHash(hashes[2 * pair]!, hashes[2 * pair + 1]!))
  return hashes[0]!
}

export function requireEntry(entry: Uint8Array): void {
  if (entry.length > largestEntryBytes) throw new ProofError(`an entry is at most ${largestEntryBytes} bytes long, not ${entry.length}`)
}
