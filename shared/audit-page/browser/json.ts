export type Members = { readonly [name: string]: unknown }

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

export function isHexHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

/** Whether an object has all of these members, and no other but the optional ones. */
export function hasExactly(value: unknown, names: readonly string[], optional: readonly string[] = []): value is Members {
  if (!isMembers(value)) return false
  return names.every(name => Object.hasOwn(value, name)) && Object.keys(value).every(name => names.includes(name) || optional.includes(name))
}

/** The canonical form of RFC 8785 of parsed JSON. Throws what the format of the log does not carry: numbers that are no integers, half surrogate pairs. */
export function canonicalOf(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new RangeError(`the number ${value}: expected an integer within ±(2^53 − 1)`)
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map(canonicalOf).join(',')}]`
  if (!isMembers(value)) return JSON.stringify(value)
  const names = Object.keys(value).sort()
  return `{${names.map(name => `${quoted(name)}:${canonicalOf(value[name])}`).join(',')}}`
}

function quoted(text: string): string {
  if (!text.isWellFormed()) throw new RangeError('text with half of a surrogate pair')
  return JSON.stringify(text)
}
