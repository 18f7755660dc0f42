export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** JSON with sorted keys and no spaces, so that equal values have equal bytes. Throws on what JSON cannot carry. */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${value} has no JSON form`)
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const entries = Object.entries(value as Record<string, JsonValue>).filter(([, item]) => item !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`
}

/** Whether two values have the same canonical JSON, without writing it: a member that is undefined is none. */
export function sameJson(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one) || Array.isArray(other)) {
    if (!Array.isArray(one) || !Array.isArray(other)) return false
    return one.length === other.length && one.every((item, index) => sameJson(item as JsonValue, other[index] as JsonValue))
  }
  const [left, right] = [one, other] as [Readonly<Record<string, JsonValue | undefined>>, Readonly<Record<string, JsonValue | undefined>>]
  const missing = (key: string, of: typeof left): boolean => !Object.hasOwn(of, key) || of[key] === undefined
  for (const key of Object.keys(left)) if (left[key] !== undefined && (missing(key, right) || !sameJson(left[key], right[key]))) return false
  for (const key of Object.keys(right)) if (right[key] !== undefined && missing(key, left)) return false
  return true
}
