import { hash, randomUUID } from 'node:crypto'
import type { JsonValue } from '../domain/json.ts'
import { canonical } from './canonical.ts'
import type { AuditEvent } from './event.ts'

/** What an entry says of the one before it. */
export interface Previous {
  readonly fingerprint: string
  readonly eventId: string
  readonly typeUid: number
}

/** The place of an entry: README.md, section 4. `previous` is null in the entry of sequence 0 alone. */
export interface Place {
  readonly origin: string
  readonly sequence: number
  readonly previous: Previous | null
}

/** An entry as bytes, and what the next one says of it. */
export interface Sealed extends Previous {
  readonly bytes: Buffer
}

export const longestEntryBytes = 65_535
export const eventSchema = 'reeve.audit.event'
export const eventVersion = 1

const serialization = 'RFC 8785 of the whole entry without this fingerprint'
const anchor = '"attestation_list":[{"chain_uid":'
const beforeValue = `"fingerprint":{"algorithm":"SHA-256","algorithm_id":3,"encoding_id":1,"serialization":${JSON.stringify(serialization)},"serialization_id":99,"value":"`
const behindValue = '"},'

// Written as text, which takes half the time of giving it to the canonicaliser. Nobody can have guessed the place's mark in a member before it.
const placeholder = randomUUID()
const placeholderText = `"${placeholder}"`

export const fingerprintOf = (value: string) => ({ algorithm: 'SHA-256', algorithm_id: 3, encoding_id: 1, serialization, serialization_id: 99, value })

/**
 * Gives an event its place in the chain. The same event at the same place gives the same bytes.
 * Throws Unsealable where the event cannot be an entry of this format.
 */
export function seal(draft: AuditEvent, { origin, sequence, previous }: Place): Sealed {
  const { eventId, payload } = draft
  try {
    if ((previous === null) !== (sequence === 0)) throw new RangeError(`sequence ${sequence} ${previous === null ? 'without' : 'with'} an entry before it`)
    const text = canonical(withoutAttestation(draft, sequence)).replace(placeholderText, () => attestation({ origin, sequence, previous }))
    const fingerprint = hash('sha256', text, 'hex')
    const bytes = Buffer.from(withFingerprint(text, origin, fingerprint))
    if (bytes.length > longestEntryBytes) throw new RangeError(`${bytes.length} bytes: expected at most ${longestEntryBytes}; cut long text before`)
    return { bytes, fingerprint, eventId, typeUid: payload.type_uid }
  } catch (error) {
    throw new Unsealable(`${draft.eventType} of ${payload.unmapped.coordinate.slice(0, 200)}: ${(error as Error).message}`, { cause: error })
  }
}

/** An event that no entry can hold: a mistake of whoever made it. */
export class Unsealable extends Error {
  override readonly name = 'Unsealable'
}

/**
 * Puts a fingerprint into the canonical text of an entry without one. Throws where the text has another attestation before the entry's own, so that
 * a reader would look for it at another place.
 */
export function withFingerprint(text: string, origin: string, fingerprint: string): string {
  const found = text.indexOf(anchor)
  const chainUid = `${JSON.stringify(origin)},`
  const at = found + anchor.length + chainUid.length
  if (found < 0 || !text.startsWith(chainUid, found + anchor.length))
    throw new RangeError(`expected the first text ${anchor} to be followed by the origin ${origin}`)
  return text.slice(0, at) + beforeValue + fingerprint + behindValue + text.slice(at)
}

/** The attestation without its fingerprint. */
function attestation({ origin, sequence, previous }: Place): string {
  const uid = JSON.stringify(`${origin}#${sequence}`)
  const before =
    previous && `"prev_event":{${beforeValue}${previous.fingerprint}${behindValue}"type_uid":${previous.typeUid},"uid":${JSON.stringify(previous.eventId)}},`
  return `[{"chain_uid":${JSON.stringify(origin)},${before ?? ''}"uid":${uid}}]`
}

function withoutAttestation(draft: AuditEvent, sequence: number): JsonValue {
  const { eventId, eventType, source, timestampMs, correlationId, causationId, metadata, payload } = draft
  return {
    eventSchema,
    eventVersion,
    eventId,
    eventType,
    source,
    timestamp: new Date(timestampMs).toISOString(),
    correlationId,
    causationId,
    metadata,
    payload: { ...payload, metadata: { ...payload.metadata, sequence }, attestation_list: placeholder }
  }
}
