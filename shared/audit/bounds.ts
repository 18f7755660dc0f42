import { hash } from 'node:crypto'
import { canonicalJson, type JsonValue } from '../domain/json.ts'

/** Anything that is to become JSON: what JSON cannot carry is made into text or left out. */
export type Loose = null | undefined | boolean | number | bigint | string | readonly Loose[] | { readonly [name: string]: Loose }

/** How much of a value is kept. Bytes are those of canonical JSON. */
export interface Bounds {
  readonly textBytes: number
  readonly items: number
}

export interface Bounded {
  readonly value: JsonValue
  /** Whether anything of it was cut. */
  readonly cut: boolean
  /** Its JSON has no more bytes than that. */
  readonly mostBytes: number
}

interface Walk {
  cut: boolean
  mostBytes: number
}

/** What a character, a number, and the hash and length of what was cut take in JSON at most, with what stands around them. */
const [characterBytes, valueBytes, cutBytes] = [6, 28, 160]

/** Deeper JSON is not looked at: a line from outside may be nested as deep as it is long. */
const deepest = 24
const ellipsis = '…'

/**
 * Keeps a value within its bounds. Longer text becomes `{ cut, length, sha256 }`, a longer list or an object with more members
 * `{ cut, items, sha256 }`; numbers that are no integers within ±(2⁵³ − 1) become text, members that are undefined are left out.
 * The same value gives the same result.
 */
export function bounded(value: Loose, bounds: Bounds): Bounded {
  const state: Walk = { cut: false, mostBytes: 0 }
  const kept = walk(value, bounds, state, 0)
  return { value: kept, cut: state.cut, mostBytes: state.mostBytes }
}

function walk(value: Loose, bounds: Bounds, state: Walk, depth: number): JsonValue {
  state.mostBytes += valueBytes
  if (typeof value === 'string') return cutText(value, bounds.textBytes, state)
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : String(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : cutText(String(value), bounds.textBytes, state)
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean') return value
  if (depth >= deepest) {
    state.cut = true
    state.mostBytes += cutBytes
    return { cut: null, depth: deepest }
  }
  if (Array.isArray(value)) {
    const list = value as readonly Loose[]
    if (list.length <= bounds.items) return list.map(item => walk(item, bounds, state, depth + 1))
    state.cut = true
    state.mostBytes += cutBytes
    return { cut: list.slice(0, bounds.items).map(item => walk(item, bounds, state, depth + 1)), items: list.length, sha256: sha256Of(list) }
  }
  const names = Object.keys(value).filter(name => (value as Record<string, Loose>)[name] !== undefined)
  const kept = names.length <= bounds.items ? names : names.toSorted().slice(0, bounds.items)
  const members: Record<string, JsonValue> = {}
  for (const name of kept) {
    const [whole] = prefix(name, bounds.textBytes)
    state.mostBytes += whole.length * characterBytes
    if (whole !== name) {
      state.cut = true
      state.mostBytes += cutBytes
    }
    // defineProperty: a member of the name __proto__ is a member as any other.
    if (whole === '__proto__')
      Object.defineProperty(members, whole, { value: walk((value as Record<string, Loose>)[name], bounds, state, depth + 1), enumerable: true })
    else members[whole === name ? name : shortText(name, bounds.textBytes)] = walk((value as Record<string, Loose>)[name], bounds, state, depth + 1)
  }
  if (kept.length === names.length) return members
  state.cut = true
  state.mostBytes += cutBytes
  return { cut: members, items: names.length, sha256: sha256Of(value) }
}

/** How many bytes the JSON of a value that `bounded` would give back as it is has at most; Infinity where it would change anything. */
export function bytesAsIs(value: Loose, bounds: Bounds, depth = 0): number {
  if (typeof value === 'string') return isShort(value, bounds.textBytes) ? valueBytes + value.length * characterBytes : Infinity
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0) ? valueBytes : Infinity
  if (value === null || typeof value === 'boolean') return valueBytes
  if (typeof value !== 'object' || depth >= deepest) return Infinity
  let bytes = valueBytes
  if (Array.isArray(value)) {
    if (value.length > bounds.items) return Infinity
    for (const item of value as readonly Loose[]) bytes += bytesAsIs(item, bounds, depth + 1)
    return bytes
  }
  const names = Object.keys(value)
  if (names.length > bounds.items) return Infinity
  for (const name of names) {
    if (!isShort(name, bounds.textBytes)) return Infinity
    const member = (value as Readonly<Record<string, Loose>>)[name]
    if (member !== undefined) bytes += name.length * characterBytes + bytesAsIs(member, bounds, depth + 1)
  }
  return bytes
}

/** Text within so many bytes, or its first part with length and hash. Half of a surrogate pair counts as cut: UTF-8 cannot carry it. */
export function boundedText(text: string, mostBytes: number): JsonValue {
  return cutText(text, mostBytes, { cut: false, mostBytes: 0 })
}

function cutText(text: string, mostBytes: number, state: Walk): JsonValue {
  const [whole, bytes] = prefix(text, mostBytes)
  state.mostBytes += whole.length * characterBytes
  if (whole === text) return text
  state.cut = true
  state.mostBytes += cutBytes
  return { cut: whole, length: bytes ?? Buffer.byteLength(text), sha256: hash('sha256', text.toWellFormed(), 'hex') }
}

/** Where JSON is not allowed, a text that stands for the longer one: its first part, and a hash that tells it from others. */
export function shortText(text: string, mostBytes: number): string {
  const [whole] = prefix(text, mostBytes)
  return whole === text ? text : `${prefix(text, Math.max(0, mostBytes - 80))[0]}${ellipsis}sha256:${hash('sha256', text.toWellFormed(), 'hex')}`
}

/** Within the bound for certain, whatever characters it has: most text is. */
function isShort(text: string, mostBytes: number): boolean {
  return text.length * characterBytes <= mostBytes && text.isWellFormed()
}

/** The longest well-formed beginning whose JSON has at most so many bytes; the length of the whole where it was measured. */
function prefix(text: string, mostBytes: number): [string, number | null] {
  if (isShort(text, mostBytes)) return [text, null]
  const wellFormed = text.toWellFormed()
  let bytes = 0
  let at = 0
  while (at < wellFormed.length) {
    const code = wellFormed.codePointAt(at)!
    bytes += jsonBytes(code)
    if (bytes > mostBytes) return [wellFormed.slice(0, at), Buffer.byteLength(wellFormed)]
    at += code > 0xffff ? 2 : 1
  }
  return [wellFormed, null]
}

function jsonBytes(code: number): number {
  if (code < 0x20) return code === 8 || code === 9 || code === 10 || code === 12 || code === 13 ? 2 : 6
  if (code === 0x22 || code === 0x5c) return 2
  if (code < 0x80) return 1
  if (code < 0x800) return 2
  return code > 0xffff ? 4 : 3
}

/** Of the canonical JSON of the whole, with what JSON cannot carry made into text. */
function sha256Of(value: Loose): string {
  return hash('sha256', canonicalJson(walk(value, { textBytes: Infinity, items: Infinity }, { cut: false, mostBytes: 0 }, 0)), 'hex')
}
