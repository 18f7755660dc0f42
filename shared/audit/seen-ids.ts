const words = 4
const firstSlots = 1 << 12

/** Whether ids of 16 bytes occur once: open addressing over their own bits, which are a hash's. A Set ends at 2²⁴ members, and takes four times as much. */
export interface SeenIds {
  /** False: it was there. */
  add(id: Buffer): boolean
}

export function openSeenIds(): SeenIds {
  let slots = firstSlots
  let table = new Uint32Array(words * slots)
  let count = 0
  const word = new Uint32Array(words)

  /** Puts `word` into its place; false where it is there. */
  function put(): boolean {
    for (let slot = word[0]! % slots; ; slot = (slot + 1) % slots) {
      const at = slot * words
      if (table[at] === 0 && table[at + 1] === 0 && table[at + 2] === 0 && table[at + 3] === 0) {
        table.set(word, at)
        return true
      }
      if (table[at] === word[0] && table[at + 1] === word[1] && table[at + 2] === word[2] && table[at + 3] === word[3]) return false
    }
  }

  function grow(): void {
    const before = table
    slots *= 2
    table = new Uint32Array(words * slots)
    for (let at = 0; at < before.length; at += words) {
      word.set(before.subarray(at, at + words))
      // Version and variant are bits of every id: only an empty slot has none.
      if (word.some(part => part !== 0)) put()
    }
  }

  return {
    add(id) {
      if (count * 4 >= slots * 3) grow()
      for (let part = 0; part < words; part++) word[part] = id.readUInt32LE(part * 4)
      const isNew = put()
      if (isNew) count++
      return isNew
    }
  }
}
