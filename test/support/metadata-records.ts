import fc from 'fast-check'
import type { DecodedRecord, RecordType } from '#shared/kafka/metadata-log/decode/record.ts'
import { metadataRecords } from '#shared/kafka/metadata-log/schemas/records.ts'
import type { FieldSchema, RecordSchema } from '#shared/kafka/metadata-log/schemas/schema.ts'

export const recordSchemas: readonly (readonly [RecordType, RecordSchema])[] = Object.entries<RecordSchema>(metadataRecords).map(([type, schema]) => [
  type as RecordType,
  schema
])

/** A field's value before it is written: bytes are bytes, and int64 is a bigint. */
export type Plain = null | boolean | number | bigint | string | Buffer | readonly Plain[] | { readonly [name: string]: Plain }
export type PlainFields = Readonly<Record<string, Plain>>

/** A tag that no release has, by the tag. */
export type ExtraTags = readonly (readonly [tag: number, value: Buffer])[]

/** The value of a record in the log, as Kafka's generated writers make it; `extraTags` as a later Kafka would. A field left out is null, 0 or empty. */
export function encodeRecord(type: RecordType, version: number, fields: PlainFields, extraTags: ExtraTags = []): Buffer {
  const schema: RecordSchema = metadataRecords[type]
  return Buffer.concat([varint(1), varint(schema.apiKey), varint(version), encodeFields(schema.fields, version, fields, extraTags)])
}

export function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80)
  return Buffer.from([...bytes, rest])
}

const there = (schema: readonly FieldSchema[], version: number): FieldSchema[] => schema.filter(({ since = 0 }) => version >= since)

function encodeFields(schema: readonly FieldSchema[], version: number, fields: PlainFields, extraTags: ExtraTags): Buffer {
  const plain = there(schema, version)
    .filter(({ tag }) => tag === undefined)
    .map(field => encodeField(field, version, fields[field.name]))
  const tagged = there(schema, version)
    .filter(({ tag, name }) => tag !== undefined && fields[name] !== undefined)
    .map(field => [field.tag!, encodeField(field, version, fields[field.name])] as const)
  const tags = [...tagged, ...extraTags].toSorted(([one], [other]) => one - other)
  return Buffer.concat([...plain, varint(tags.length), ...tags.flatMap(([tag, value]) => [varint(tag), varint(value.length), value])])
}

function encodeField(field: FieldSchema, version: number, value: Plain | undefined): Buffer {
  if (!field.array) return encodeElement(field, version, value)
  if (value === null) return varint(0)
  const items = (value ?? []) as readonly Plain[]
  return Buffer.concat([varint(items.length + 1), ...items.map(item => encodeElement(field, version, item))])
}

function encodeElement({ type, fields = [] }: FieldSchema, version: number, value: Plain | undefined): Buffer {
  if (type === 'struct') return encodeFields(fields, version, value as PlainFields, [])
  if (type === 'string' || type === 'bytes') {
    if (value === null) return varint(0)
    const bytes = Buffer.isBuffer(value) ? value : Buffer.from((value ?? '') as string)
    return Buffer.concat([varint(bytes.length + 1), bytes])
  }
  if (type === 'uuid') return Buffer.from(((value as string | undefined) ?? '0'.repeat(32)).replaceAll('-', ''), 'hex')
  const sizes = { bool: 1, int8: 1, int16: 2, uint16: 2, int32: 4, int64: 8, float64: 8 }
  const bytes = Buffer.alloc(sizes[type])
  if (type === 'float64') bytes.writeDoubleBE(Number(value ?? 0))
  else if (type === 'int64') bytes.writeBigInt64BE(BigInt((value as number | bigint | undefined) ?? 0))
  else if (type === 'uint16') bytes.writeUInt16BE(Number(value ?? 0))
  else bytes.writeIntBE(Number(value ?? 0), 0, bytes.length)
  return bytes
}

/** What a decoder that drops nothing would say. */
export function asDecoded(type: RecordType, version: number, fields: PlainFields): Extract<DecodedRecord, { kind: 'known' }> {
  const { apiKey, fields: schema }: RecordSchema = metadataRecords[type]
  return { kind: 'known', type, apiKey, version, fields: decodedFields(schema, version, fields), unknownTags: [] } as unknown as Extract<
    DecodedRecord,
    { kind: 'known' }
  >
}

function decodedFields(schema: readonly FieldSchema[], version: number, fields: PlainFields): Record<string, unknown> {
  return Object.fromEntries(
    there(schema, version).map(field => {
      const value = fields[field.name]
      if (value === undefined) return [field.name, field.default]
      return [field.name, Array.isArray(value) ? value.map((item: Plain) => decodedElement(field, version, item)) : decodedElement(field, version, value)]
    })
  )
}

function decodedElement({ type, fields = [] }: FieldSchema, version: number, value: Plain): unknown {
  if (type === 'struct') return decodedFields(fields, version, value as PlainFields)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (type === 'float64') return Number.isFinite(value) ? (value as number) + 0 : `${value as number}`
  return value
}

/** Any fields that a version may have. */
function anyFields(schema: readonly FieldSchema[], version: number): fc.Arbitrary<PlainFields> {
  const fields = there(schema, version)
  const required = fields.filter(({ tag }) => tag === undefined).map(({ name }) => name)
  return fc.record(Object.fromEntries(fields.map(field => [field.name, anyField(field, version)])), { requiredKeys: required, noNullPrototype: true })
}

function anyField(field: FieldSchema, version: number): fc.Arbitrary<Plain> {
  const { array = false, nullableSince = Infinity } = field
  const value: fc.Arbitrary<Plain> = array ? fc.array(anyElement(field, version), { maxLength: 4 }) : anyElement(field, version)
  return version >= nullableSince ? fc.option(value, { nil: null, freq: 4 }) : value
}

const integer = (bits: number, signed = true): fc.Arbitrary<number> =>
  signed ? fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 }) : fc.integer({ min: 0, max: 2 ** bits - 1 })

function anyElement({ type, fields = [] }: FieldSchema, version: number): fc.Arbitrary<Plain> {
  const scalars: Record<Exclude<FieldSchema['type'], 'struct'>, fc.Arbitrary<Plain>> = {
    bool: fc.boolean(),
    int8: integer(8),
    int16: integer(16),
    uint16: integer(16, false),
    int32: integer(32),
    int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    float64: fc.double(),
    string: fc.string({ unit: 'grapheme', maxLength: 20 }),
    uuid: fc.uuid(),
    bytes: fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes))
  }
  return type === 'struct' ? anyFields(fields, version) : scalars[type]
}

/** Any fields of one version of a record. */
export function anyRecordOf(type: RecordType, version: number): fc.Arbitrary<PlainFields> {
  const { fields }: RecordSchema = metadataRecords[type]
  return anyFields(fields, version)
}

/** Any record of any version that the table has. */
export const anyRecord: fc.Arbitrary<{ readonly type: RecordType; readonly version: number; readonly fields: PlainFields }> = fc
  .constantFrom(...recordSchemas)
  .chain(([type, { lowestVersion, highestVersion }]) =>
    fc.integer({ min: lowestVersion, max: highestVersion }).chain(version => anyRecordOf(type, version).map(fields => ({ type, version, fields })))
  )
