import { hash as digest } from 'node:crypto'
import { ProofError } from './proof-error.ts'

declare const sha256: unique symbol

/**
 * A SHA-256 hash as a string of 32 characters U+0000 to U+00FF, one a byte: what `crypto.hash` gives fastest (as a Buffer it takes three
 * times as long), compared with `===`. Not for printing: see `hashToBase64`.
 */
export type Hash = string & { readonly [sha256]: true }

export const hashBytes = 32

// Filled anew for each hash, and read by it before anything else runs. `binary` is another name of `latin1`, the one that has a type.
const node = Buffer.alloc(1 + 2 * hashBytes, 0x01)
let leaf = Buffer.alloc(1 + 65_536)

/** Hash of a leaf, RFC 6962 section 2.1: SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Uint8Array): Hash {
  const { length } = entry
  if (length >= leaf.length) leaf = Buffer.alloc(2 * length)
  leaf.set(entry, 1)
  return digest('sha256', leaf.subarray(0, length + 1), 'binary') as Hash
}

/** Hash of an inner node, RFC 6962 section 2.1: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Hash, right: Hash): Hash {
  node.write(left, 1, 'latin1')
  node.write(right, 1 + hashBytes, 'latin1')
  return digest('sha256', node, 'binary') as Hash
}

/** Root of the tree without leaves: SHA-256 of nothing. */
export const emptyRoot = digest('sha256', '', 'binary') as Hash

/** The hash whose bytes stand at `offset`. Throws ProofError where there are not 32. */
export function hashAtByte(bytes: Uint8Array, offset = 0): Hash {
  if (offset < 0 || bytes.length < offset + hashBytes)
    throw new ProofError(`expected a hash of ${hashBytes} bytes at byte ${offset}, the end is at ${bytes.length}`)
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, hashBytes).toString('latin1') as Hash
}

/** The bytes of hashes, one after the other. */
export function hashesToBytes(hashes: readonly Hash[]): Buffer {
  return Buffer.from(hashes.join(''), 'latin1')
}

export function hashToBase64(hash: Hash): string {
  return Buffer.from(hash, 'latin1').toString('base64')
}

/** The hash of a base64 text (RFC 4648 section 4) that is written in the one right way. Throws ProofError. */
export function hashFromBase64(text: string): Hash {
  const bytes = strictBase64(text)
  if (bytes?.length !== hashBytes) throw new ProofError('expected a hash: 32 bytes in base64')
  return hashAtByte(bytes)
}

/** The bytes of a base64 text, padded and without a bit too many; null where it is not written so. */
export function strictBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : null
}
