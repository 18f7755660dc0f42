import type { metadataRecords } from '../schemas/records.ts'
import type { FieldSchema } from '../schemas/schema.ts'

type Table = typeof metadataRecords
export type RecordType = keyof Table

/** What stands where a secret was. The hash tells whether two values of one place are equal to who has the key, and nothing to others. */
export interface Dropped {
  readonly dropped: 'secret'
  readonly lengthBytes: number
  /** HMAC-SHA-256 in hex over the place and the value, so that equal secrets of two users do not look equal. */
  readonly keyedHash: string
}

/** An int64 is a number where that is exact, else its decimal digits. */
export type Int64 = number | string

interface Values {
  bool: boolean
  int8: number
  int16: number
  uint16: number
  int32: number
  int64: Int64
  /** `NaN`, `Infinity` or `-Infinity` where JSON has no number for it. */
  float64: number | string
  string: string
  /** With hyphens, as the scan has topic ids. */
  uuid: string
  bytes: Dropped
}

type ElementOf<Field> = Field extends { readonly type: 'struct'; readonly fields: infer Fields extends readonly FieldSchema[] }
  ? FieldsIn<Fields>
  : Field extends { readonly type: infer Type extends keyof Values }
    ? Values[Type]
    : never
type ValueOf<Field> =
  | (Field extends { readonly array: true } ? readonly ElementOf<Field>[] : ElementOf<Field>)
  | (Field extends { readonly nullableSince: number } ? null : never)
  | (Field extends { readonly secret: 'by-config' } ? Dropped : never)
type FieldsIn<Fields extends readonly FieldSchema[]> = {
  readonly [Field in Fields[number] as Field extends { readonly since: number } ? never : Field['name']]: ValueOf<Field>
} & {
  readonly [Field in Fields[number] as Field extends { readonly since: number } ? Field['name'] : never]?: ValueOf<Field>
}

/** The fields of one record. One that the record's version does not have yet is absent; a tagged one that was not written is its default. */
export type FieldsOf<Type extends RecordType> = FieldsIn<Table[Type]['fields']>

/** A tagged field (KIP-482) that no known release has. */
export interface UnknownTag {
  /** Where in the record: '' or, for example, `endPoints[0]`. */
  readonly path: string
  readonly tag: number
  readonly lengthBytes: number
  readonly keyedHash: string
}

/** A record that was read to its last byte. */
export type KnownRecord = {
  readonly [Type in RecordType]: {
    readonly kind: 'known'
    readonly type: Type
    readonly apiKey: number
    readonly version: number
    readonly fields: FieldsOf<Type>
    readonly unknownTags: readonly UnknownTag[]
  }
}[RecordType]

/** A record of a later Kafka, or bytes that are none. Nothing of its content is kept. */
export interface UnknownRecord {
  readonly kind: 'unknown'
  readonly reason: 'type' | 'version' | 'malformed'
  /** Where the api key is known. */
  readonly type: RecordType | null
  readonly apiKey: number | null
  readonly version: number | null
  readonly lengthBytes: number
  /** HMAC-SHA-256 in hex over the whole value. */
  readonly keyedHash: string
  /** Names places and lengths, never content. */
  readonly why: string
}

export type DecodedRecord = KnownRecord | UnknownRecord
