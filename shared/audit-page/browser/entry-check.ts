import { type Bytes, hexOf, sha256, textOf, utf8 } from './bytes.ts'
import { canonicalOf, hasExactly, isCount, isHexHash, isMembers, type Members } from './json.ts'

/** An entry that is what it says of itself. */
export interface CheckedEntry {
  readonly origin: string
  readonly sequence: number
  readonly fingerprint: string
  readonly eventId: string
  readonly typeUid: number
  readonly eventType: string
  readonly previous: { readonly fingerprint: string; readonly eventId: string; readonly typeUid: number } | null
  readonly unmapped: Members
}

export interface Doubt {
  readonly doubt: string
}

const longestEntryBytes = 65_535
const serialization = 'RFC 8785 of the whole entry without this fingerprint'
const anchor = '"attestation_list":[{"chain_uid":'
const beforeValue = `"fingerprint":{"algorithm":"SHA-256","algorithm_id":3,"encoding_id":1,"serialization":"${serialization}","serialization_id":99,"value":"`
const sources = ['metadata-log', 'admin-scan', 'authorizer-log', 'request-log', 'server-log', 'journal', 'mirror']
const envelope = ['eventSchema', 'eventVersion', 'eventId', 'eventType', 'source', 'timestamp', 'correlationId', 'causationId', 'metadata', 'payload']

/** Reads an entry and checks all that it says of itself: the format's section 10, point 1, and the first half of point 2. Total over all bytes. */
export async function checkEntry(bytes: Bytes): Promise<CheckedEntry | Doubt> {
  if (bytes.length > longestEntryBytes) return { doubt: `${bytes.length} bytes, at most ${longestEntryBytes} are allowed` }
  let whole: string
  let value: unknown
  try {
    whole = textOf(bytes)
    value = JSON.parse(whole)
  } catch (error) {
    return { doubt: `not JSON in UTF-8: ${(error as Error).message}` }
  }
  const read = membersOf(value)
  if ('doubt' in read) return read
  const { entry, coordinate } = read
  const { origin, sequence, fingerprint, eventType, eventId } = entry
  try {
    const without = withoutFingerprint(whole, origin, fingerprint)
    delete (value as { payload: { attestation_list: [{ fingerprint?: unknown }] } }).payload.attestation_list[0].fingerprint
    if (without === null || canonicalOf(value) !== without) return { doubt: 'the bytes are not the canonical form of what they say' }
    const given = hexOf(await sha256(utf8(without)))
    if (given !== fingerprint) return { doubt: `the fingerprint is ${fingerprint}, the bytes give ${given}` }
  } catch (error) {
    return { doubt: (error as Error).message }
  }
  if (read.uid !== `${origin}#${sequence}`) return { doubt: `uid is ${read.uid}, expected ${origin}#${sequence}` }
  const expectedId = await eventIdOf(eventType, coordinate)
  if (eventId !== expectedId) return { doubt: `eventId is ${eventId}, its type and coordinate give ${expectedId}` }
  return entry
}

/** The bytes of the entry without the text of its fingerprint, as text: the format's section 4. */
function withoutFingerprint(whole: string, origin: string, fingerprint: string): string | null {
  const found = whole.indexOf(anchor)
  const chainUid = `${JSON.stringify(origin)},`
  if (found < 0 || !whole.startsWith(chainUid, found + anchor.length)) return null
  const at = found + anchor.length + chainUid.length
  const text = `${beforeValue}${fingerprint}"},`
  return whole.startsWith(text, at) ? whole.slice(0, at) + whole.slice(at + text.length) : null
}

async function eventIdOf(eventType: string, coordinate: string): Promise<string> {
  const hex = hexOf(await sha256(utf8(`${eventType}\n${coordinate}`)))
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0b11) | 0b1000).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function membersOf(value: unknown): { readonly entry: CheckedEntry; readonly coordinate: string; readonly uid: string } | Doubt {
  if (!hasExactly(value, envelope)) return { doubt: 'the entry: it has other members than an entry' }
  const { eventId, eventType, correlationId, causationId, metadata, payload, timestamp } = value
  if (value['eventSchema'] !== 'reeve.audit.event' || value['eventVersion'] !== 1) return { doubt: 'it is not of the schema reeve.audit.event, version 1' }
  if (typeof eventId !== 'string') return { doubt: 'eventId: expected text' }
  if (typeof eventType !== 'string' || !/^[a-z]+(\.[a-z]+(-[a-z]+)*)+$/.test(eventType)) return { doubt: 'eventType: expected a type as `topic.created`' }
  if (!sources.includes(value['source'] as string)) return { doubt: 'source: none of those there are' }
  if (typeof timestamp !== 'string' || !isTime(timestamp)) return { doubt: 'timestamp: expected ISO 8601 in UTC with milliseconds' }
  if (![correlationId, causationId].every(isTextOrNull)) return { doubt: 'correlationId, causationId: expected text or null' }
  const about = ['userId', 'sessionId', 'traceId', 'environment']
  if (!hasExactly(metadata, about) || !about.every(name => isTextOrNull(metadata[name]))) return { doubt: 'metadata: it has other members than expected' }
  if (!isMembers(payload)) return { doubt: 'payload: expected an object' }
  const { class_uid: classUid, type_uid: typeUid, metadata: own, unmapped, attestation_list: list } = payload
  if (![6003, 3002, 6005, 1008].includes(classUid as number)) return { doubt: 'payload.class_uid: none of those there are' }
  if (!isCount(typeUid)) return { doubt: 'payload.type_uid: expected a count' }
  if (!isMembers(own) || !isCount(own['sequence'])) return { doubt: 'payload.metadata.sequence: expected a count' }
  if (!isMembers(unmapped) || typeof unmapped['coordinate'] !== 'string') return { doubt: 'payload.unmapped.coordinate: expected text' }
  const one: unknown = Array.isArray(list) && list.length === 1 ? list[0] : null
  if (!hasExactly(one, ['chain_uid', 'fingerprint', 'uid'], ['prev_event'])) return { doubt: 'payload.attestation_list: expected one member' }
  const { chain_uid: origin, uid, prev_event: before } = one
  if (typeof origin !== 'string' || !/^[^\s+:]+\/[^/\s+]+\/[^/\s+]+\/\d+$/.test(origin) || typeof uid !== 'string')
    return { doubt: 'payload.attestation_list.0.chain_uid: expected <prefix>/<cluster id>/<topic>/<partition>' }
  const fingerprint = fingerprintIn(one['fingerprint'])
  if (fingerprint === null) return { doubt: 'payload.attestation_list.0.fingerprint: expected SHA-256 as this format writes it' }
  const previous = before === undefined ? null : previousIn(before)
  if (before !== undefined && previous === null) return { doubt: 'payload.attestation_list.0.prev_event: it has other members than expected' }
  return {
    entry: { origin, sequence: own['sequence'], fingerprint, eventId, typeUid, eventType, previous, unmapped },
    coordinate: unmapped['coordinate'],
    uid
  }
}

function previousIn(value: unknown): CheckedEntry['previous'] {
  if (!hasExactly(value, ['fingerprint', 'type_uid', 'uid'])) return null
  const { type_uid: typeUid, uid } = value
  const fingerprint = fingerprintIn(value['fingerprint'])
  return fingerprint !== null && isCount(typeUid) && typeof uid === 'string' ? { fingerprint, eventId: uid, typeUid } : null
}

function fingerprintIn(value: unknown): string | null {
  if (!hasExactly(value, ['algorithm', 'algorithm_id', 'encoding_id', 'serialization', 'serialization_id', 'value'])) return null
  const { algorithm, algorithm_id: id, encoding_id: encoding, serialization: form, serialization_id: formId, value: hash } = value
  const known = algorithm === 'SHA-256' && id === 3 && encoding === 1 && form === serialization && formId === 99
  return known && isHexHash(hash) ? hash : null
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string'
}

function isTime(value: string): boolean {
  const ms = Date.parse(value)
  return !Number.isNaN(ms) && new Date(ms).toISOString() === value
}
