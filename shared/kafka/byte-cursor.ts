const nothing = Buffer.alloc(0)

/**
 * A place in some bytes, which may lie in several pieces, as they come from a socket: only what lies across a seam is copied.
 * Every read is bounds-checked, and a length read from the bytes is checked before it is believed.
 */
export class ByteCursor {
  readonly #pieces: readonly Buffer[]
  #nextPiece = 0
  /** What a join has taken of the next piece. */
  #nextAt = 0
  /** Where reading goes on: the rest of one piece, or what was joined across a seam. */
  #window: Buffer = nothing
  #at = 0
  /** Bytes behind the window. */
  #later = 0
  #before = 0

  constructor(pieces: readonly Buffer[]) {
    this.#pieces = pieces
    for (const piece of pieces) this.#later += piece.length
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#before + this.#at
  }

  get remaining(): number {
    return this.#window.length - this.#at + this.#later
  }

  int8(): number {
    const at = this.#advance(1)
    return this.#window.readInt8(at)
  }

  int16(): number {
    const at = this.#advance(2)
    return this.#window.readInt16BE(at)
  }

  int32(): number {
    const at = this.#advance(4)
    return this.#window.readInt32BE(at)
  }

  /** An int64 that must be exact as a number: offsets, sizes. Throws a RangeError above 2^53 - 1. */
  safeInt64(): number {
    const at = this.#advance(8)
    return safeInt64(this.#window, at)
  }

  int64(): bigint {
    const at = this.#advance(8)
    return this.#window.readBigInt64BE(at)
  }

  /** UNSIGNED_VARINT of at most 32 bits. */
  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const at = this.#advance(1)
      const byte = this.#window[at]!
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new RangeError(`a varint at byte ${this.position} is longer than 32 bits`)
  }

  /** COMPACT_ARRAY or COMPACT_BYTES length: null for null. */
  compactLength(): number | null {
    const length = this.unsignedVarint()
    return length === 0 ? null : length - 1
  }

  /** COMPACT_STRING; null reads as ''. */
  string(): string {
    return this.nullableString() ?? ''
  }

  /** COMPACT_NULLABLE_STRING. */
  nullableString(): string | null {
    const length = this.compactLength()
    if (length === null) return null
    const start = this.#advance(length)
    return this.#window.toString('utf8', start, start + length)
  }

  /** COMPACT_ARRAY: calls `item` for each element; null has none. */
  array<T>(item: () => T): T[] {
    const items: T[] = []
    for (let left = this.compactLength() ?? 0; left > 0; left--) items.push(item())
    return items
  }

  skip(length: number): void {
    this.#advance(length)
  }

  /** Goes over a COMPACT_STRING or COMPACT_BYTES, null included. */
  skipString(): void {
    this.#advance(this.compactLength() ?? 0)
  }

  /** A view where the bytes lie in one piece, else a copy. */
  take(length: number): Buffer {
    const start = this.#advance(length)
    return this.#window.subarray(start, start + length)
  }

  /** The same without going on. */
  peek(length: number): Buffer {
    this.#need(length)
    return this.#window.subarray(this.#at, this.#at + length)
  }

  /** Views only, as many as there are seams. */
  takePieces(length: number): Buffer[] {
    this.#check(length)
    const taken: Buffer[] = []
    for (let left = length; left > 0;) {
      if (this.#at === this.#window.length) this.#need(1)
      const piece = this.take(Math.min(left, this.#window.length - this.#at))
      taken.push(piece)
      left -= piece.length
    }
    return taken
  }

  /** UUID in its hyphenated form. */
  uuid(): string {
    const hex = this.take(16).toString('hex')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }

  /** Calls `known` with the cursor of each tagged field (KIP-482); fields it does not read are skipped. */
  taggedFields(known?: (tag: number, field: ByteCursor) => void): void {
    for (let left = this.unsignedVarint(); left > 0; left--) {
      const tag = this.unsignedVarint()
      const field = this.take(this.unsignedVarint())
      known?.(tag, new ByteCursor([field]))
    }
  }

  #advance(length: number): number {
    this.#need(length)
    const start = this.#at
    this.#at = start + length
    return start
  }

  /** Makes the next bytes lie side by side in the window. */
  #need(length: number): void {
    const there = this.#window.length - this.#at
    if (length >= 0 && length <= there) return
    this.#check(length)
    const before = this.position
    const next = this.#pieces[this.#nextPiece]!
    if (there === 0 && next.length - this.#nextAt >= length) {
      this.#window = next.subarray(this.#nextAt)
      this.#nextPiece++
      this.#nextAt = 0
      this.#later -= this.#window.length
    } else this.#window = this.#join(length)
    this.#at = 0
    this.#before = before
  }

  #join(length: number): Buffer {
    const joined = Buffer.allocUnsafe(length)
    let filled = this.#window.copy(joined, 0, this.#at)
    while (filled < length) {
      const piece = this.#pieces[this.#nextPiece]!
      const copied = piece.copy(joined, filled, this.#nextAt)
      filled += copied
      this.#later -= copied
      this.#nextAt += copied
      if (this.#nextAt === piece.length) {
        this.#nextPiece++
        this.#nextAt = 0
      }
    }
    return joined
  }

  #check(length: number): void {
    if (length < 0 || length > this.remaining) throw new RangeError(`${length} bytes expected at byte ${this.position}, ${this.remaining} are there`)
  }
}

/** Reads an int64 that must be exact as a number. Throws a RangeError above 2^53 - 1. */
export function safeInt64(bytes: Buffer, position: number): number {
  const value = bytes.readInt32BE(position) * 0x1_0000_0000 + bytes.readUInt32BE(position + 4)
  if (!Number.isSafeInteger(value)) throw new RangeError(`the number at byte ${position} is ${bytes.readBigInt64BE(position)}, more than a safe integer`)
  return value
}
