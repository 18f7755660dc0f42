/** A place in some bytes. Every read is bounds-checked, and a length read from the bytes is checked before it is believed. */
export class ByteCursor {
  readonly bytes: Buffer
  position: number

  constructor(bytes: Buffer, position = 0) {
    this.bytes = bytes
    this.position = position
  }

  get remaining(): number {
    return this.bytes.length - this.position
  }

  int8(): number {
    return this.bytes.readInt8(this.#advance(1))
  }

  int16(): number {
    return this.bytes.readInt16BE(this.#advance(2))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.#advance(4))
  }

  /** An int64 that must be exact as a number: offsets, sizes. Throws a RangeError above 2^53 - 1. */
  safeInt64(): number {
    return safeInt64(this.bytes, this.#advance(8))
  }

  int64(): bigint {
    return this.bytes.readBigInt64BE(this.#advance(8))
  }

  /** UNSIGNED_VARINT of at most 32 bits. */
  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.#advance(1)]!
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

  /** A view, not a copy. */
  take(length: number): Buffer {
    const start = this.#advance(length)
    return this.bytes.subarray(start, start + length)
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
      known?.(tag, new ByteCursor(field))
    }
  }

  #advance(length: number): number {
    const start = this.position
    if (length < 0 || length > this.bytes.length - start)
      throw new RangeError(`${length} bytes expected at byte ${start}, ${this.bytes.length - start} are there`)
    this.position = start + length
    return start
  }
}

/** Reads an int64 that must be exact as a number. Throws a RangeError above 2^53 - 1. */
export function safeInt64(bytes: Buffer, position: number): number {
  const value = bytes.readInt32BE(position) * 0x1_0000_0000 + bytes.readUInt32BE(position + 4)
  if (!Number.isSafeInteger(value)) throw new RangeError(`the number at byte ${position} is ${bytes.readBigInt64BE(position)}, more than a safe integer`)
  return value
}
