import canonicalize from 'canonicalize'
import type { JsonValue } from '../domain/json.ts'

/**
 * The canonical form of RFC 8785, in which equal values have equal bytes. Throws what the format does not carry: a number that is no integer
 * within ±(2⁵³ − 1), and text with half of a surrogate pair.
 */
export function canonical(value: JsonValue): string {
  requireIntegers(value)
  return canonicalize(value)!
}

function requireIntegers(value: JsonValue | undefined): void {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new RangeError(`the number ${value}: expected an integer within ±(2^53 − 1)`)
  } else if (Array.isArray(value)) for (const item of value) requireIntegers(item as JsonValue)
  else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) requireIntegers(item)
}
