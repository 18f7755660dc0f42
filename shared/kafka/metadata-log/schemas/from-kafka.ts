import type { FieldSchema, FieldType, RecordSchema } from './schema.ts'

/** A field in Kafka's own words. */
interface KafkaField {
  readonly name: string
  readonly type: string
  readonly versions: string
  readonly nullableVersions?: string
  readonly taggedVersions?: string
  /** Some releases write it as a text. */
  readonly tag?: number | string
  readonly default?: string | number
  readonly fields?: readonly KafkaField[]
}

interface KafkaSchema {
  readonly apiKey: number
  readonly type: string
  readonly name: string
  readonly validVersions: string
  readonly flexibleVersions: string
  readonly fields: readonly KafkaField[]
}

const scalars: ReadonlySet<string> = new Set(['bool', 'int8', 'int16', 'uint16', 'int32', 'int64', 'float64', 'string', 'uuid', 'bytes'])
/** What is dropped, by record and field. */
const secrets: Readonly<Record<string, FieldSchema['secret']>> = {
  'UserScramCredentialRecord.salt': 'always',
  'UserScramCredentialRecord.storedKey': 'always',
  'UserScramCredentialRecord.serverKey': 'always',
  'ConfigRecord.value': 'by-config'
}
const soundsSecret = /secret|password|hmac|credential|private|salt|key$/i
/** Fields that only sound like it. */
const harmless: ReadonlySet<string> = new Set(['ClientQuotaRecord.key'])

/**
 * Reads one schema of a metadata record as Kafka ships it (JSON with comments). Throws for what this decoder does not know, and for a field
 * that may hold a secret and was not judged yet.
 */
export function schemaFromKafka(text: string): readonly [name: string, schema: RecordSchema] {
  const schema = JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, '')) as KafkaSchema
  const { name, type, validVersions, flexibleVersions } = schema
  const [, lowest = '', , highest = lowest] = /^(\d+)(-(\d+))?$/.exec(validVersions) ?? []
  if (type !== 'metadata' || flexibleVersions !== '0+' || lowest === '')
    throw new Error(`${name}: a ${type} of versions ${validVersions}, flexible ${flexibleVersions}`)
  const fields = schema.fields.map(field => fieldFromKafka(field, name))
  return [name, { apiKey: schema.apiKey, lowestVersion: Number(lowest), highestVersion: Number(highest), fields }]
}

function fieldFromKafka(field: KafkaField, owner: string): FieldSchema {
  const name = field.name.charAt(0).toLowerCase() + field.name.slice(1)
  const path = `${owner}.${name}`
  const array = field.type.startsWith('[]')
  const element = array ? field.type.slice(2) : field.type
  const type = (field.fields ? 'struct' : element) as FieldType
  if (!field.fields && !scalars.has(element)) throw new Error(`${path} has the type ${field.type}`)
  const since = firstVersion(field.versions, path)
  if (field.taggedVersions !== undefined && field.taggedVersions !== field.versions) throw new Error(`${path} is tagged in some versions only`)
  const secret = secrets[path]
  if (secret === undefined && !harmless.has(path) && (type === 'bytes' || soundsSecret.test(name))) throw new Error(`${path} may hold a secret: judge it`)
  return {
    name,
    type,
    ...(array && { array }),
    ...(since > 0 && { since }),
    ...(field.nullableVersions !== undefined && { nullableSince: firstVersion(field.nullableVersions, path) }),
    ...(field.tag !== undefined && { tag: Number(field.tag), default: defaultOf(field, array, type, path) }),
    ...(secret !== undefined && { secret }),
    ...(field.fields && { fields: field.fields.map(each => fieldFromKafka(each, path)) })
  }
}

function firstVersion(versions: string, path: string): number {
  const [, first] = /^(\d+)\+$/.exec(versions) ?? []
  if (first === undefined) throw new Error(`${path} is in versions ${versions}: expected a first one and all after it`)
  return Number(first)
}

function defaultOf({ default: given }: KafkaField, array: boolean, type: FieldType, path: string): Exclude<FieldSchema['default'], undefined> {
  if (given === 'null') return null
  if (given !== undefined) {
    if (type.includes('int')) return Number(given)
    throw new Error(`${path} has the default ${given}`)
  }
  if (array) return []
  if (type.includes('int')) return 0
  throw new Error(`${path} is tagged and has no default`)
}

/** One table from those of several releases, oldest first. Throws where a release gives a field of an earlier one another meaning. */
export function unionOf(releases: readonly ReadonlyMap<string, RecordSchema>[]): Map<string, RecordSchema> {
  const union = new Map<string, RecordSchema>()
  for (const release of releases) {
    for (const [name, schema] of release) {
      const known = union.get(name)
      const missing = known === undefined ? undefined : covers(schema, known)
      if (missing !== undefined) throw new Error(`${name} is no longer what it was: ${missing}`)
      union.set(name, schema)
    }
  }
  return new Map([...union].sort(([, one], [, other]) => one.apiKey - other.apiKey))
}

/** Undefined where `newer` reads every version of `older` the same way, else what differs. */
export function covers(newer: RecordSchema, older: RecordSchema): string | undefined {
  if (newer.apiKey !== older.apiKey) return `api key ${newer.apiKey}, was ${older.apiKey}`
  if (newer.lowestVersion > older.lowestVersion || newer.highestVersion < older.highestVersion) return `versions ${newer.lowestVersion}-${newer.highestVersion}`
  const left = newer.fields.filter(({ since = 0 }) => since <= older.highestVersion)
  return JSON.stringify(left) === JSON.stringify(older.fields) ? undefined : `fields ${JSON.stringify(left)}, were ${JSON.stringify(older.fields)}`
}
