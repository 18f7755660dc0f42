import { hash } from 'node:crypto'
import { z } from 'zod'
import type { JsonValue } from '../domain/json.ts'
import { canonical } from './canonical.ts'
import { eventSchema, eventVersion, fingerprintOf, longestEntryBytes, type Previous, withFingerprint } from './chain.ts'
import { eventIdOf } from './event-id.ts'

/** An entry that is what it says of itself: canonical, with its own fingerprint and id. Whether it follows the one before is verifyLog's question. */
export interface Entry extends Previous {
  readonly origin: string
  readonly sequence: number
  readonly previous: Previous | null
  readonly eventType: string
  readonly coordinate: string
  /** The whole entry. */
  readonly value: {
    readonly timestamp: string
    readonly payload: { readonly unmapped: { readonly [name: string]: JsonValue } } & { readonly [name: string]: JsonValue }
  } & {
    readonly [name: string]: JsonValue
  }
}

/** What is wrong with some bytes, in one sentence. */
export interface Fault {
  readonly fault: string
}

const text = z.string()
const count = z.number().int().nonnegative()
const hexHash = text.regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits')
const fingerprint = z.strictObject({
  algorithm: z.literal('SHA-256'),
  algorithm_id: z.literal(3),
  encoding_id: z.literal(1),
  serialization: z.literal(fingerprintOf('').serialization),
  serialization_id: z.literal(99),
  value: hexHash
})
const attestation = z.strictObject({
  chain_uid: text.regex(/^[^\s+:]+\/[^/\s+]+\/[^/\s+]+\/\d+$/, 'expected <prefix>/<cluster id>/<topic>/<partition>'),
  fingerprint,
  prev_event: z.strictObject({ fingerprint, type_uid: count, uid: text }).optional(),
  uid: text
})
const shape = z.strictObject({
  eventSchema: z.literal(eventSchema),
  eventVersion: z.literal(eventVersion),
  eventId: text,
  eventType: text.regex(/^[a-z]+(\.[a-z]+(-[a-z]+)*)+$/, 'expected a type as `topic.created`'),
  source: z.enum(['metadata-log', 'admin-scan', 'authorizer-log', 'request-log', 'server-log', 'journal', 'mirror']),
  timestamp: text.refine(value => isTime(value), 'expected ISO 8601 in UTC with milliseconds'),
  correlationId: text.nullable(),
  causationId: text.nullable(),
  metadata: z.strictObject({ userId: text.nullable(), sessionId: text.nullable(), traceId: text.nullable(), environment: text.nullable() }),
  payload: z.looseObject({
    class_uid: z.literal([6003, 3002, 6005, 1008]),
    type_uid: count,
    metadata: z.looseObject({ sequence: count }),
    unmapped: z.looseObject({ coordinate: text }),
    attestation_list: z.tuple([attestation])
  })
})
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads an entry and checks all that it says of itself: README.md, section 10, point 1, and the first half of point 2. Total over all bytes. */
export function readEntry(bytes: Uint8Array): Entry | Fault {
  if (bytes.length > longestEntryBytes) return { fault: `${bytes.length} bytes, at most ${longestEntryBytes} are allowed` }
  let whole: string
  let value: unknown
  try {
    whole = decoder.decode(bytes)
    value = JSON.parse(whole)
  } catch (error) {
    return { fault: `not JSON in UTF-8: ${(error as Error).message}` }
  }
  const read = shape.safeParse(value)
  if (!read.success) return { fault: read.error.issues.map(({ path, message }) => `${path.join('.') || 'the entry'}: ${message}`).join('; ') }
  const { eventId, eventType, payload } = read.data
  const [{ chain_uid: origin, fingerprint: own, prev_event: before, uid }] = payload.attestation_list
  const { sequence } = payload.metadata
  const { coordinate } = payload.unmapped
  try {
    const without = canonical(withoutFingerprint(value as Entry['value']))
    if (withFingerprint(without, origin, own.value) !== whole) return { fault: 'the bytes are not the canonical form of what they say' }
    const given = hash('sha256', without, 'hex')
    if (given !== own.value) return { fault: `the fingerprint is ${own.value}, the bytes give ${given}` }
  } catch (error) {
    return { fault: (error as Error).message }
  }
  if (uid !== `${origin}#${sequence}`) return { fault: `uid is ${uid}, expected ${origin}#${sequence}` }
  const expectedId = eventIdOf(eventType, coordinate)
  if (eventId !== expectedId) return { fault: `eventId is ${eventId}, its type and coordinate give ${expectedId}` }
  const previous = before === undefined ? null : { fingerprint: before.fingerprint.value, eventId: before.uid, typeUid: before.type_uid }
  return { origin, sequence, fingerprint: own.value, eventId, typeUid: payload.type_uid, previous, eventType, coordinate, value: value as Entry['value'] }
}

function withoutFingerprint(entry: Entry['value']): JsonValue {
  const [{ fingerprint: _, ...rest }] = entry.payload['attestation_list'] as unknown as [{ fingerprint: JsonValue; [name: string]: JsonValue }]
  return { ...entry, payload: { ...entry.payload, attestation_list: [rest] } }
}

function isTime(value: string): boolean {
  const ms = Date.parse(value)
  return !Number.isNaN(ms) && new Date(ms).toISOString() === value
}
