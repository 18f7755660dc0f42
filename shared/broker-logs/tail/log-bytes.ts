import { open, type FileHandle } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createGunzip, type Gunzip } from 'node:zlib'

/** The bytes of a log file as the broker wrote them, whatever it is stored as. */
export interface LogBytes {
  /** As of FileHandle: fills from `position`, with fewer bytes than asked for at the end alone or wherever a piece ends; 0 at the end. */
  read(into: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>
  /** How many there are now. Null where what is compressed is not whole. */
  sizeBytes(): Promise<number | null>
  close(): Promise<void>
}

/** Opens a file. `knownSizeBytes` of a compressed one saves reading it for that. Throws as `open` does. */
export async function openLogBytes(path: string, compressed: boolean, knownSizeBytes: number | null = null): Promise<LogBytes> {
  const file = await open(path, 'r')
  if (compressed) return new GzipBytes(file, knownSizeBytes)
  return {
    read: (into, offset, length, position) => file.read(into, offset, length, position),
    sizeBytes: async () => (await file.stat()).size,
    close: () => file.close()
  }
}

/** What is read last stays at hand, for a batch is read, proven and looked at once more from where it began. */
const WINDOW_BYTES = 4_194_304
const HEAD_BYTES = 4_096
const PIECE_BYTES = 65_536

/**
 * A file that gzip made, read as a stream: going on is cheap, going back further than the window begins anew. Damaged or cut off, it ends there.
 */
class GzipBytes implements LogBytes {
  readonly #file: FileHandle
  #stream: Gunzip | null = null
  #pieces: AsyncIterator<Buffer> | null = null
  #head: Buffer = Buffer.alloc(0)
  /** The last pieces, and where the first of them begins. */
  #window: Buffer[] = []
  #windowBytes = 0
  #end = 0
  #ended: 'whole' | 'damaged' | null = null
  #size: number | null

  constructor(file: FileHandle, knownSizeBytes: number | null) {
    this.#file = file
    this.#size = knownSizeBytes
  }

  async read(into: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    if (position < this.#end - this.#windowBytes) {
      if (position < this.#head.length) return { bytesRead: this.#head.copy(into, offset, position, position + length) }
      this.#rewind()
    }
    while (this.#end <= position) if (!(await this.#next())) return { bytesRead: 0 }
    let at = this.#end - this.#windowBytes
    for (const piece of this.#window) {
      if (position < at + piece.length) return { bytesRead: piece.copy(into, offset, position - at, position - at + length) }
      at += piece.length
    }
    return { bytesRead: 0 }
  }

  async sizeBytes(): Promise<number | null> {
    if (this.#size !== null) return this.#size
    while (await this.#next());
    if (this.#ended === 'whole') this.#size = this.#end
    return this.#size
  }

  async close(): Promise<void> {
    this.#stream?.destroy()
    await this.#file.close()
  }

  #rewind(): void {
    this.#stream?.destroy()
    this.#stream = this.#pieces = this.#ended = null
    this.#window = []
    this.#windowBytes = this.#end = 0
  }

  async #next(): Promise<boolean> {
    if (this.#ended !== null) return false
    if (this.#pieces === null) {
      // What goes wrong ends the iteration too.
      this.#stream = pipeline(Readable.from(this.#compressed()), createGunzip({ chunkSize: PIECE_BYTES }), () => undefined)
      this.#pieces = this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    }
    try {
      const { done, value } = await this.#pieces.next()
      if (done) {
        this.#ended = 'whole'
        return false
      }
      this.#take(value)
      return true
    } catch {
      this.#ended = 'damaged'
      return false
    }
  }

  /** By its own places, so that the handle serves again after a rename and after a new beginning. */
  async *#compressed(): AsyncGenerator<Buffer> {
    for (let at = 0; ;) {
      const { bytesRead, buffer } = await this.#file.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES, at)
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  }

  #take(piece: Buffer): void {
    if (this.#end < HEAD_BYTES && this.#head.length < HEAD_BYTES) this.#head = Buffer.concat([this.#head.subarray(0, this.#end), piece]).subarray(0, HEAD_BYTES)
    this.#window.push(piece)
    this.#windowBytes += piece.length
    this.#end += piece.length
    while (this.#windowBytes - this.#window[0]!.length >= WINDOW_BYTES) this.#windowBytes -= this.#window.shift()!.length
  }
}
