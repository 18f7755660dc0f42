import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { localFolder } from '#deploy/local/folders.ts'
import { NoSuchKafka } from '#deploy/local/libraries.ts'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import { foldRecords, imageOf, type MetadataFold } from '#shared/kafka/metadata-log/decode/change.ts'
import { differences } from '#shared/kafka/metadata-log/decode/differences.ts'
import { emptyImage, type MetadataImage } from '#shared/kafka/metadata-log/decode/image.ts'
import { isSensitiveConfig } from '#shared/kafka/metadata-log/decode/secrets.ts'
import { configTypes, metadataJar, schemasOf } from '#shared/kafka/metadata-log/schemas/releases.ts'
import { compareWithDump, decodedRecords, wholeBatches } from '#test/support/metadata-log-dump.ts'

const versions = ['4.1.1', '4.4.0']
const planted = 'planted-secret-of-the-workload'
const tokenKey = 'planted-key-of-the-tokens'
/** What no client can ask a controller for: records of older metadata versions, and of a controller that failed amid a transaction. */
const unreachable = ['FenceBrokerRecord', 'UnfenceBrokerRecord', 'ZkMigrationStateRecord', 'AbortTransactionRecord']

async function start(kafkaVersion: string): Promise<LocalStack | NoSuchKafka> {
  const properties = { 'delegation.token.secret.key': tokenKey, 'metadata.log.max.record.bytes.between.snapshots': '12000' }
  const started = await startStack({ kafkaVersion, heapMb: 256, properties }).catch((error: unknown) => {
    const cause = error instanceof Error ? error.cause : undefined
    if (cause instanceof NoSuchKafka) return cause
    throw error
  })
  if (!(started instanceof NoSuchKafka)) onTestFinished(() => started.stop())
  return started
}

/** Runs one part of MetadataWorkload.java; gives its lines. */
async function workload(part: 'changes' | 'without-3', stack: LocalStack, libs: string): Promise<string[]> {
  const { brokers, saslBrokers, principals } = stack.description
  const program = join(import.meta.dirname, 'MetadataWorkload.java')
  const options = ['-cp', `${libs}/*`, program, part, brokers.slice(0, 2).join(','), saslBrokers[0]!, principals['admin']!, planted]
  const { stdout } = await promisify(execFile)('java', options)
  return stdout.trim().split('\n')
}

test.for(versions)('every record that the controllers of Kafka %s write is to its own decoder what it is to ours', async (version, context) => {
  const stack = await start(version)
  if (stack instanceof NoSuchKafka) {
    context.skip(stack.message)
    return
  }
  const libs = join(localFolder, `kafka-${version}/libs`)
  const lines = await workload('changes', stack, libs)
  await stack.stopNode('node-3')
  lines.push(...(await workload('without-3', stack, libs)))
  await stack.startNode('node-3')
  const refused = lines.filter(line => !line.startsWith('done: '))
  console.log(`Kafka ${version}: ${lines.length - refused.length} of ${lines.length} steps\n${refused.join('\n')}`)
  expect(refused.filter(line => !line.includes('unregister a controller') && !line.includes('cordon'))).toEqual([])

  const folder = join(dirname(stack.file), 'node-1/data/__cluster_metadata-0')
  // Before the log, so that it holds what they hold.
  const snapshots = (await readdir(folder)).filter(file => file.endsWith('.checkpoint') && !file.startsWith('00000000000000000000-'))
  const log = await wholeBatches(join(folder, '00000000000000000000.log'))
  const { records, types, secrets } = await compareWithDump(libs, log)
  console.log(
    `Kafka ${version}: ${records.length} records: ${Object.entries(types)
      .map(([type, count]) => `${type} ${count}`)
      .join(', ')}`
  )

  const reached = new Set(Object.keys(types).map(type => type.split(' ')[0]))
  const known = await schemasOf(metadataJar(version)!)
  expect([...known.keys()].filter(type => !reached.has(type) && !unreachable.includes(type))).toEqual([])

  const fold: MetadataFold = { image: emptyImage(), open: null }
  const { changes, routine } = foldRecords(fold, records)
  expect(fold.image.unapplied).toBe(0)
  const count = changes.flatMap(({ recordOffsets }) => recordOffsets).reduce((sum, [first, last]) => sum + last - first + 1, 0)
  expect(count + routine.reduce((sum, each) => sum + each.count, 0)).toBe(records.length)
  console.log(
    `Kafka ${version}: ${JSON.stringify(Object.fromEntries([...Map.groupBy(changes, ({ kind }) => kind)].map(([kind, each]) => [kind, each.length])))}`
  )

  const output = JSON.stringify([records, changes, routine, plain(fold.image)])
  expect(secrets.length).toBeGreaterThan(30)
  expect([...secrets, planted, tokenKey].filter(secret => output.includes(secret))).toEqual([])

  expect(snapshots.length).toBeGreaterThan(0)
  for (const file of snapshots) {
    const endOffset = Number(file.split('-')[0])
    const theirs = imageOf(decodedRecords(await wholeBatches(join(folder, file))).map(({ record }) => record))
    const ours = imageOf(records.filter(({ offset }) => offset < endOffset).map(({ record }) => record))
    expect(theirs.unapplied, file).toBe(0)
    expect(differences(ours, theirs), file).toEqual({ changes: [], leaderOrIsrChanged: 0 })
    expect(plain(ours).map(sorted), file).toEqual(plain(theirs).map(sorted))
  }
  console.log(`Kafka ${version}: ${snapshots.length} snapshots are what our image was at their offsets`)
})

const plain = (image: MetadataImage): unknown[] =>
  Object.values(image).map((section: unknown) => (section instanceof Map ? [...(section as Map<string, unknown>)] : section))
const sorted = (section: unknown): unknown =>
  Array.isArray(section) ? section.toSorted(([one]: string[], [other]: string[]) => (one! < other! ? -1 : 1)) : section

test.for(versions)(
  'a config of Kafka %s that its definitions call a password is dropped, and the others are kept but for addresses',
  async (version, context) => {
    const configs = await configTypes(version)
    if (!configs) context.skip(`the jars of Kafka ${version} are not here`)
    const codes = { topic: 2, broker: 4, 'client-metrics': 16, group: 32 } as const
    for (const [resource, code] of Object.entries(codes))
      for (const [name, type] of configs![resource as keyof typeof codes])
        expect(isSensitiveConfig(code, name), name).toBe(type === 'PASSWORD' || name.endsWith('.url'))
  }
)
