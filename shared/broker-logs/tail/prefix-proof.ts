import { createHash, hash, type Hash } from 'node:crypto'
import type { LogBytes } from './log-bytes.ts'

export const CHUNK_BYTES = 65_536
const ZEROS = Buffer.alloc(32)

/**
 * Hashes of the part of a file that was read, by chunks of 64 KiB, so that a change in it is seen. The position holds the chain's head and the
 * rest's hash: with them the whole part is proven at a start, and when a file is rotated. In between the chunk at the end and one other are
 * looked at whenever the file has changed. Takes 32 bytes of memory for each 64 KiB of the file.
 */
export class PrefixProof {
  #chunks: Buffer = Buffer.alloc(32 * 16)
  #count = 0
  #chain: Buffer = ZEROS
  #rest: Hash = createHash('sha256')
  #offset = 0
  #next = 0

  get offset(): number {
    return this.#offset
  }

  get chainSha256(): string {
    return this.#chain.toString('hex')
  }

  get restSha256(): string {
    return this.#rest.copy().digest('hex')
  }

  /** Gives back how it is now, for bytes that should not have been taken in. */
  mark(): () => void {
    const [rest, count, chain, offset] = [this.#rest.copy(), this.#count, this.#chain, this.#offset]
    return () => {
      this.#rest = rest
      this.#count = count
      this.#chain = chain
      this.#offset = offset
    }
  }

  /** Takes in the bytes up to `to`. False when the file ends before. */
  async advance(file: LogBytes, to: number): Promise<boolean> {
    const block = Buffer.allocUnsafe(CHUNK_BYTES)
    while (this.#offset < to) {
      const room = (this.#count + 1) * CHUNK_BYTES - this.#offset
      const { bytesRead } = await file.read(block, 0, Math.min(room, to - this.#offset), this.#offset)
      if (bytesRead === 0) return false
      this.#rest.update(block.subarray(0, bytesRead))
      this.#offset += bytesRead
      if (bytesRead === room) this.#endChunk()
    }
    return true
  }

  /** The first range that is not what it was: that of the chunk at the end, or of the next in turn; null when both are as they were. */
  async changedRange(file: LogBytes): Promise<{ from: number; to: number } | null> {
    const start = this.#count * CHUNK_BYTES
    if ((await sha256Of(file, start, this.#offset)) !== this.restSha256) return { from: start, to: this.#offset }
    if (this.#count === 0) return null
    const index = this.#next % this.#count
    this.#next = index + 1
    return this.#chunkChanged(file, index)
  }

  /** As changedRange, over everything: from the first chunk that changed to the last. */
  async changedAnywhere(file: LogBytes): Promise<{ from: number; to: number } | null> {
    const changed: { from: number; to: number }[] = []
    const start = this.#count * CHUNK_BYTES
    // Forwards: what is compressed cannot be read otherwise.
    for (let index = 0; index < this.#count; index++) {
      const here = await this.#chunkChanged(file, index)
      if (here !== null) changed.push(here)
    }
    if ((await sha256Of(file, start, this.#offset)) !== this.restSha256) changed.push({ from: start, to: this.#offset })
    const [first] = changed
    return first === undefined ? null : { from: first.from, to: changed.at(-1)!.to }
  }

  async #chunkChanged(file: LogBytes, index: number): Promise<{ from: number; to: number } | null> {
    const from = index * CHUNK_BYTES
    const expected = this.#chunks.subarray(index * 32, index * 32 + 32).toString('hex')
    return (await sha256Of(file, from, from + CHUNK_BYTES)) === expected ? null : { from, to: from + CHUNK_BYTES }
  }

  #endChunk(): void {
    const digest = this.#rest.digest()
    if (this.#chunks.length === this.#count * 32) this.#chunks = Buffer.concat([this.#chunks, Buffer.alloc(this.#chunks.length)])
    digest.copy(this.#chunks, this.#count * 32)
    this.#chain = hash('sha256', Buffer.concat([this.#chain, digest]), 'buffer')
    this.#count++
    this.#rest = createHash('sha256')
  }
}

async function sha256Of(file: LogBytes, from: number, to: number): Promise<string> {
  const block = Buffer.allocUnsafe(CHUNK_BYTES)
  const digest = createHash('sha256')
  for (let at = from; at < to;) {
    const { bytesRead } = await file.read(block, 0, Math.min(block.length, to - at), at)
    if (bytesRead === 0) break
    digest.update(block.subarray(0, bytesRead))
    at += bytesRead
  }
  return digest.digest('hex')
}
