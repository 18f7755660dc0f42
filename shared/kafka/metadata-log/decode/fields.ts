import type { KeyObject } from 'node:crypto'
import type { ByteCursor } from '../../byte-cursor.ts'
import type { FieldSchema } from '../schemas/schema.ts'
import type { Dropped, RecordType, UnknownTag } from './record.ts'
import { drop, isSensitiveConfig, keyedHash } from './secrets.ts'

export type Value = null | boolean | number | string | Dropped | readonly Value[] | { readonly [name: string]: Value }
type Fields = Record<string, Value>

/** Where a record is being read. */
export interface Reading {
  readonly type: RecordType
  readonly version: number
  readonly hashKey: KeyObject
  readonly unknownTags: UnknownTag[]
}

/** Kafka's generated readers refuse longer strings. */
const longestStringBytes = 0x7fff
/** More is no Kafka's: each costs a hash. */
const mostUnknownTags = 64

/** A value that is not what its schema says. Its words name places only: a length that was misread is content. */
export class Malformed extends Error {}

/** Reads the fields of a struct in a flexible version: those without a tag in their order, then the tagged ones. */
export function readFields(cursor: ByteCursor, schema: readonly FieldSchema[], reading: Reading, path = ''): Fields {
  const fields: Fields = {}
  const there = inVersion(schema, reading.version)
  for (const field of there) fields[field.name] = field.tag === undefined ? readField(cursor, field, reading, fields, path) : field.default!
  cursor.taggedFields((tag, value) => {
    const field = there.find(each => each.tag === tag)
    if (!field) {
      reading.unknownTags.push(unknownTag(value, tag, reading, path))
      return
    }
    fields[field.name] = readField(value, field, reading, fields, path)
    if (value.remaining > 0) throw new Malformed(`${path}${field.name}: its tag is longer than it`)
  })
  return fields
}

const kept = new WeakMap<readonly FieldSchema[], (readonly FieldSchema[])[]>()

/** The fields that a version has. A snapshot has 50,000 records of one. */
function inVersion(schema: readonly FieldSchema[], version: number): readonly FieldSchema[] {
  let versions = kept.get(schema)
  if (!versions) kept.set(schema, (versions = []))
  return (versions[version] ??= schema.filter(({ since = 0 }) => version >= since))
}

function unknownTag(value: ByteCursor, tag: number, { unknownTags, hashKey, type }: Reading, path: string): UnknownTag {
  if (unknownTags.length === mostUnknownTags) throw new Malformed(`more than ${mostUnknownTags} unknown tags`)
  const bytes = value.take(value.remaining)
  return { path: path.slice(0, -1), tag, lengthBytes: bytes.length, keyedHash: keyedHash(hashKey, [type, path, tag], bytes) }
}

function readField(cursor: ByteCursor, field: FieldSchema, reading: Reading, before: Fields, path: string): Value {
  if (!field.array) return readElement(cursor, field, reading, before, path)
  const place = `${path}${field.name}`
  const length = cursor.compactLength()
  if (length === null) return nullFor(field, reading, place)
  // Each element takes at least a byte, so a length beyond the bytes is refused before anything is made for it.
  if (length * leastBytes(field, reading.version) > cursor.remaining) throw new Malformed(`${place}: more elements than bytes`)
  return Array.from({ length }, (_, index) => readElement(cursor, field, reading, before, `${place}[${index}].`))
}

function nullFor({ nullableSince = Infinity }: FieldSchema, { version }: Reading, place: string): null {
  if (version < nullableSince) throw new Malformed(`${place} is null`)
  return null
}

function readElement(cursor: ByteCursor, field: FieldSchema, reading: Reading, before: Fields, path: string): Value {
  const place = field.array ? path : `${path}${field.name}`
  switch (field.type) {
    case 'bool':
      return cursor.int8() !== 0
    case 'int8':
      return cursor.int8()
    case 'int16':
      return cursor.int16()
    case 'uint16':
      return cursor.take(2).readUInt16BE()
    case 'int32':
      return cursor.int32()
    case 'int64':
      return jsonInteger(cursor.int64())
    case 'float64':
      return jsonNumber(cursor.take(8).readDoubleBE())
    case 'uuid':
      return cursor.uuid()
    case 'struct':
      return readFields(cursor, field.fields ?? [], reading, field.array ? path : `${place}.`)
    default: {
      const length = cursor.compactLength()
      if (length === null) return nullFor(field, reading, place)
      if (field.type === 'string' && length > longestStringBytes) throw new Malformed(`${place}: longer than ${longestStringBytes} bytes`)
      const bytes = cursor.take(length)
      if (field.type === 'bytes' || field.secret === 'always' || (field.secret === 'by-config' && holdsSecret(before)))
        return drop(reading.hashKey, [reading.type, ...identity(before), field.name], bytes)
      return bytes.toString('utf8')
    }
  }
}

const holdsSecret = ({ resourceType, name }: Fields): boolean => isSensitiveConfig(resourceType as number, name as string)

/** Whose secret it is: the texts and numbers that come before it in the record. */
function identity(before: Fields): (string | number)[] {
  return Object.values(before).filter(value => typeof value === 'string' || typeof value === 'number')
}

function jsonInteger(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

/** JSON has no -0 either. */
const jsonNumber = (value: number): number | string => (Number.isFinite(value) ? value + 0 : String(value))

const scalarBytes = { bool: 1, int8: 1, int16: 2, uint16: 2, int32: 4, int64: 8, float64: 8, string: 1, uuid: 16, bytes: 1 } as const

/** The fewest bytes that one element takes. */
function leastBytes(field: FieldSchema, version: number): number {
  if (field.type !== 'struct') return scalarBytes[field.type]
  const there = inVersion(field.fields ?? [], version).filter(({ tag }) => tag === undefined)
  return there.reduce((sum, each) => sum + (each.array ? 1 : leastBytes(each, version)), 1)
}
