/**
 * Reads Kafka's flexible encoding (KIP-482) from one contiguous buffer: the answers with an item for each partition are
 * large, and this is several times faster than the driver's reader. Throws RangeError when the bytes end early.
 */
export interface Cursor {
  int8(): number
  int16(): number
  int32(): number
  /** Refuses what a number cannot hold exactly. */
  int64(): number
  uuid(): string
  string(): string
  nullableString(): string | null
  /** Calls `item` for each element; a null array has none. */
  array<T>(item: () => T): T[]
  skip(bytes: number): void
  skipString(): void
  skipTags(): void
}

export function cursor(bytes: Buffer): Cursor {
  let at = 0

  const take = (length: number): number => {
    const start = at
    if (length < 0 || start + length > bytes.length) throw new RangeError(`the answer ends at byte ${bytes.length}, but byte ${start + length} is asked for`)
    at = start + length
    return start
  }

  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[take(1)]!
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new RangeError(`the length at byte ${at} has more than 5 bytes`)
  }

  const nullableString = (): string | null => {
    const length = varint() - 1
    if (length < 0) return null
    const start = take(length)
    return bytes.toString('utf8', start, start + length)
  }

  return {
    int8: () => bytes.readInt8(take(1)),
    int16: () => bytes.readInt16BE(take(2)),
    int32: () => bytes.readInt32BE(take(4)),
    int64: () => safeInt64(bytes, take(8)),
    uuid: () => {
      const hex = bytes.toString('hex', take(16), at)
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
    },
    string: () => nullableString() ?? '',
    nullableString,
    array: item => {
      const length = varint() - 1
      const items: ReturnType<typeof item>[] = []
      for (let index = 0; index < length; index++) items.push(item())
      return items
    },
    skip: length => void take(length),
    skipString: () => void take(Math.max(varint() - 1, 0)),
    skipTags: () => {
      for (let count = varint(); count > 0; count--) {
        varint()
        take(varint())
      }
    }
  }
}

/** A 64-bit integer as a plain number. Throws RangeError beyond 2^53 - 1: a rounded offset is a wrong offset. */
function safeInt64(bytes: Buffer, start: number): number {
  const value = bytes.readInt32BE(start) * 2 ** 32 + bytes.readUInt32BE(start + 4)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${bytes.readBigInt64BE(start)} is beyond 2^53 - 1, the largest number that is kept exactly`)
  return value
}
