import { hash } from 'node:crypto'
import { z } from 'zod'
import type { JsonValue } from '../domain/json.ts'
import type { TreeState } from '../proof/tree.ts'
import { canonical } from './canonical.ts'
import type { Fault } from './entry.ts'

/** Where a source stands. Everything before `through` has its entries; reading begins at `resume`. Both are the source's own affair. */
export interface SourcePosition {
  readonly through: JsonValue
  readonly resume: JsonValue
}

export type SourcePositions = Readonly<Record<string, SourcePosition>>

/** The end of a transaction: README.md, section 6. All that a writer needs to go on. */
export interface Trailer {
  readonly origin: string
  /** Of the next entry: how many there are. */
  readonly sequence: number
  readonly fingerprint: string
  /** Producer epoch of the writer's fence. */
  readonly epoch: number
  /** Hash of the trailer before; null in the first. */
  readonly previous: string | null
  /** The right edge of the tree of `sequence` entries, the largest subtree first, in hexadecimal. */
  readonly frontier: readonly string[]
  /** Verifier keys of those who sign a checkpoint of `sequence` entries. */
  readonly signers: readonly string[]
  /** In source time: no entry about a moment before it is still to come. Null: not known. */
  readonly closedThroughMs: number | null
  readonly sources: SourcePositions
  /** Which transaction of the topic this is, from 1; absent where the topic has one log. */
  readonly turn?: number
}

const format = 'reeve.audit.trailer/1'
const hexHash = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits')
const count = z.number().int().nonnegative()
const shape = z.strictObject({
  format: z.literal(format),
  origin: z.string(),
  sequence: count.min(1),
  fingerprint: hexHash,
  epoch: count,
  previous: hexHash.nullable(),
  frontier: z.array(hexHash),
  signers: z.array(z.string()).min(1).max(2),
  closedThroughMs: z.number().int().nullable(),
  sources: z.record(z.string(), z.strictObject({ through: z.json(), resume: z.json() })),
  turn: count.min(1).optional()
})

/** The bytes of a trailer and their hash, by which the next one and the next `audit.checkpoint` name it. */
export function encodeTrailer(trailer: Trailer): { readonly bytes: Buffer; readonly hash: string } {
  const text = canonical({ format, ...trailer } as unknown as JsonValue)
  return { bytes: Buffer.from(text), hash: hash('sha256', text, 'hex') }
}

/** Total over all bytes. */
export function readTrailer(bytes: Uint8Array): (Trailer & { readonly hash: string }) | Fault {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value = JSON.parse(text) as JsonValue
    const read = shape.safeParse(value)
    if (!read.success) return { fault: read.error.issues.map(({ path, message }) => `${path.join('.') || 'the trailer'}: ${message}`).join('; ') }
    if (canonical(value) !== text) return { fault: 'the bytes are not the canonical form of what they say' }
    const { format: _, ...trailer } = value as unknown as Trailer & { format: string }
    return { ...trailer, hash: hash('sha256', bytes, 'hex') }
  } catch (error) {
    return { fault: `not canonical JSON in UTF-8: ${(error as Error).message}` }
  }
}

const recoded = (hashes: readonly string[], from: BufferEncoding, to: BufferEncoding): string[] => hashes.map(one => Buffer.from(one, from).toString(to))

/** The edge of a tree as trailers write it. */
export function frontierOf({ frontier }: TreeState): string[] {
  return recoded(frontier, 'base64', 'hex')
}

/** The tree at a trailer, to go on with. */
export function treeStateOf({ sequence, frontier }: Pick<Trailer, 'sequence' | 'frontier'>): TreeState {
  return { size: sequence, frontier: recoded(frontier, 'hex', 'base64') }
}
