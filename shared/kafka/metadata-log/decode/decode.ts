import { createSecretKey, type KeyObject } from 'node:crypto'
import { ByteCursor } from '../../byte-cursor.ts'
import { metadataRecords } from '../schemas/records.ts'
import type { RecordSchema } from '../schemas/schema.ts'
import { Malformed, readFields } from './fields.ts'
import type { DecodedRecord, KnownRecord, RecordType, UnknownRecord, UnknownTag } from './record.ts'
import { keyedHash } from './secrets.ts'

export interface DecodeOptions {
  readonly hashKey: KeyObject
}

const frameVersion = 1
const leastKeyBytes = 32
const largestInt16 = 0x7fff
const types = new Map<number, readonly [RecordType, RecordSchema]>(
  Object.entries<RecordSchema>(metadataRecords).map(([type, schema]) => [schema.apiKey, [type as RecordType, schema]])
)

/** The key of the hashes from its bytes: at least 32, and known to nobody who reads the audit topic, because who has it can try passwords. */
export function hashKeyFrom(bytes: Buffer): KeyObject {
  if (bytes.length < leastKeyBytes) throw new Error(`the key of the hashes has ${bytes.length} bytes, expected at least ${leastKeyBytes}`)
  return createSecretKey(bytes)
}

/**
 * Decodes the value of one record of `__cluster_metadata` (frame of KIP-631: frame version, api key and version, each an unsigned varint; then
 * the fields). Secrets are dropped here. Never throws for what the bytes hold: what cannot be read is an unknown record.
 */
export function decodeMetadataRecord(value: Buffer, options: DecodeOptions): DecodedRecord {
  const seen: { type: RecordType | null; apiKey: number | null; version: number | null } = { type: null, apiKey: null, version: null }
  const unknown = (reason: UnknownRecord['reason'], why: string): UnknownRecord => {
    return { kind: 'unknown', reason, ...seen, lengthBytes: value.length, keyedHash: keyedHash(options.hashKey, ['record'], value), why }
  }
  try {
    const cursor = new ByteCursor([value])
    if (cursor.unsignedVarint() !== frameVersion) return unknown('malformed', `not of frame version ${frameVersion}`)
    const apiKey = cursor.unsignedVarint()
    const version = cursor.unsignedVarint()
    if (apiKey > largestInt16 || version > largestInt16) return unknown('malformed', 'its api key or version is larger than Kafka writes one')
    seen.apiKey = apiKey
    seen.version = version
    const [type, schema] = types.get(apiKey) ?? []
    if (type === undefined || schema === undefined) return unknown('type', `no record of Kafka 4.0 to 4.4 has the api key ${apiKey}`)
    seen.type = type
    if (version < schema.lowestVersion || version > schema.highestVersion)
      return unknown('version', `${type} is known in the versions ${schema.lowestVersion} to ${schema.highestVersion}, this is ${version}`)
    const unknownTags: UnknownTag[] = []
    const fields = readFields(cursor, schema.fields, { type, version, hashKey: options.hashKey, unknownTags })
    if (cursor.remaining > 0) return unknown('malformed', `${type}: ${cursor.remaining} bytes come after its fields`)
    return { kind: 'known', type, apiKey, version, fields, unknownTags } as unknown as KnownRecord
  } catch (error) {
    if (error instanceof Malformed) return unknown('malformed', error.message)
    // A length in the cursor's own words may be content.
    if (error instanceof RangeError) return unknown('malformed', `${seen.type ?? 'a record'} ends within a field`)
    throw error
  }
}
