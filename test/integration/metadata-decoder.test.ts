import fc from 'fast-check'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { foldRecords, type MetadataFold } from '#shared/kafka/metadata-log/decode/change.ts'
import { emptyImage } from '#shared/kafka/metadata-log/decode/image.ts'
import { metadataJar, schemasOf } from '#shared/kafka/metadata-log/schemas/releases.ts'
import { compareWithDump, wholeBatches } from '#test/support/metadata-log-dump.ts'
import { anyRecordOf, encodeRecord, recordSchemas } from '#test/support/metadata-records.ts'
import { brokerBatch } from '#test/support/record-batches.ts'
import { stack } from '#test/support/stack.ts'

// The long form, with a workload on two releases, is test/faults/metadata-decoder.test.ts.

test("any record of each type and version is to Kafka's own decoder what it is to ours", async context => {
  const { kafkaLibs, kafkaVersion } = stack()
  const jar = metadataJar(kafkaVersion)
  if (!existsSync(kafkaLibs) || jar === undefined) context.skip('the jars of the stack are not here')
  const known = await schemasOf(jar!)
  const values = recordSchemas.flatMap(([type]) => {
    const schema = known.get(type)
    if (!schema) return []
    const versions = Array.from({ length: schema.highestVersion - schema.lowestVersion + 1 }, (_, index) => schema.lowestVersion + index)
    return versions.flatMap(version => fc.sample(anyRecordOf(type, version), { numRuns: 20, seed: 5 }).map(fields => encodeRecord(type, version, fields)))
  })
  const batch = brokerBatch({ records: values.map(value => ({ key: null, value })) })
  const { types, secrets } = await compareWithDump(kafkaLibs, batch)
  expect(Object.keys(types).length).toBe([...known.values()].reduce((sum, { lowestVersion, highestVersion }) => sum + highestVersion - lowestVersion + 1, 0))
  expect(secrets.length).toBeGreaterThan(100)
})

test("the log of the stack's controller is to Kafka's own decoder what it is to ours, no record is unaccounted for, and no secret comes out", async context => {
  const file = join(dirname(process.env['REEVE_TEST_STACK']!), 'node-1/data/__cluster_metadata-0/00000000000000000000.log')
  const { kafkaLibs } = stack()
  if (!existsSync(file) || !existsSync(kafkaLibs)) context.skip('the log of the stack is not on this machine')
  const { records, types, secrets } = await compareWithDump(kafkaLibs, await wholeBatches(file))
  for (const type of ['RegisterBrokerRecord v3', 'UserScramCredentialRecord v0', 'TopicRecord v0', 'NoOpRecord v0'])
    expect(types[type], type).toBeGreaterThan(0)
  const fold: MetadataFold = { image: emptyImage(), open: null }
  const folded = foldRecords(fold, records)
  expect(fold.image.unapplied).toBe(0)
  const inChanges = folded.changes.flatMap(({ recordOffsets }) => recordOffsets.map(([first, last]) => last - first + 1)).reduce((sum, count) => sum + count, 0)
  expect(inChanges + folded.routine.reduce((sum, { count }) => sum + count, 0)).toBe(records.length)
  const output = JSON.stringify([records, folded, Object.values(fold.image).map(section => (section instanceof Map ? [...section] : section))])
  expect(secrets.length).toBeGreaterThan(30)
  // A shorter one, such as the number that some test has set, stands in the output as something else too.
  const telling = secrets.filter(({ length }) => length >= 8)
  expect(telling.length).toBeGreaterThan(10)
  expect(telling.filter(secret => output.includes(secret))).toEqual([])
})
