import { describe, expect, test } from 'vitest'
import { covers, schemaFromKafka, unionOf } from './from-kafka.ts'
import { metadataRecords } from './records.ts'
import { metadataJar, releases, schemasOf } from './releases.ts'
import type { RecordSchema } from './schema.ts'

const table = new Map<string, RecordSchema>(Object.entries(metadataRecords))

describe.each(releases)('Kafka %s', release => {
  const jar = metadataJar(release)
  test(`has no metadata record or version that the table reads in another way`, async context => {
    if (jar === undefined) context.skip(`kafka-metadata-${release}.jar is not here`)
    const schemas = await schemasOf(jar!)
    expect(schemas.size).toBeGreaterThanOrEqual(26)
    const wrong = [...schemas].map(([name, schema]) => [name, table.has(name) ? covers(table.get(name)!, schema) : 'not in the table'] as const)
    expect(wrong.filter(([, why]) => why !== undefined)).toEqual([])
  })
})

test('the table is what its newest release says, and no record more', async context => {
  const jar = metadataJar(releases[releases.length - 1]!)
  if (jar === undefined) context.skip('the newest jar is not here')
  expect(unionOf([await schemasOf(jar!)])).toEqual(table)
})

const schema = (fields: string, more = '"validVersions": "0-1", "flexibleVersions": "0+"') =>
  schemaFromKafka(`// a licence\n{ "apiKey": 99, "type": "metadata", "name": "MadeUpRecord", ${more}, "fields": [${fields}] }`)

describe('a schema is refused', () => {
  test.each(['"name": "Blob", "type": "bytes"', '"name": "ClientSecret", "type": "string"', '"name": "SigningKey", "type": "string"'])(
    'where a field may hold a secret that nobody has judged: %s',
    field => expect(() => schema(`{ ${field}, "versions": "0+" }`)).toThrow('may hold a secret')
  )
  test.each([
    ['of a type that the decoder does not read', '{ "name": "A", "type": "float32", "versions": "0+" }', undefined],
    ['with a field that ends', '{ "name": "A", "type": "int8", "versions": "0" }', undefined],
    ['with a field that became a tag', '{ "name": "A", "type": "int8", "versions": "0+", "taggedVersions": "1+", "tag": 0 }', undefined],
    ['in a version that is not flexible', '', '"validVersions": "0", "flexibleVersions": "1+"']
  ])('%s', (_, fields, more) => expect(() => schema(fields, more)).toThrow('MadeUpRecord'))
})

test('two releases that say different things of one version are no union', () => {
  const one = new Map([schema('{ "name": "A", "type": "int8", "versions": "0+" }')])
  const other = new Map([schema('{ "name": "A", "type": "int16", "versions": "0+" }')])
  const later = new Map([
    schema(
      '{ "name": "A", "type": "int8", "versions": "0+" }, { "name": "B", "type": "[]uuid", "versions": "2+", "taggedVersions": "2+", "tag": "0" }',
      '"validVersions": "0-2", "flexibleVersions": "0+"'
    )
  ])
  expect(() => unionOf([one, other])).toThrow('no longer what it was')
  expect(unionOf([one, later])).toEqual(later)
})
