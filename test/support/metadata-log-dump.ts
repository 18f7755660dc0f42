import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { isControl, walkBatches } from '#shared/kafka/log-reader/batch.ts'
import { decodeRecords } from '#shared/kafka/log-reader/records.ts'
import type { CommittedRecord } from '#shared/kafka/metadata-log/decode/change.ts'
import { decodeMetadataRecord, hashKeyFrom } from '#shared/kafka/metadata-log/decode/decode.ts'
import type { KnownRecord } from '#shared/kafka/metadata-log/decode/record.ts'
import { metadataRecords } from '#shared/kafka/metadata-log/schemas/records.ts'
import type { FieldSchema, RecordSchema } from '#shared/kafka/metadata-log/schemas/schema.ts'

/** A record as kafka-dump-log has it: `{"type":"TOPIC_RECORD","version":0,"data":{…}}`. */
export interface Dumped {
  readonly type: string
  readonly version: number
  readonly data: unknown
}

const hashKey = hashKeyFrom(Buffer.alloc(32, 1))

/** The bytes of a segment or snapshot up to its last whole batch: a controller may be writing it. */
export async function wholeBatches(file: string): Promise<Buffer> {
  return Buffer.concat(walkBatches([await readFile(file)]).map(({ bytes }) => bytes))
}

/** The records of a segment or snapshot of `__cluster_metadata`, decoded, without its control records. */
export function decodedRecords(bytes: Buffer): CommittedRecord[] {
  return walkBatches([bytes]).flatMap(batch => {
    if (isControl(batch.header)) return []
    const { records } = decodeRecords(batch, { topic: '__cluster_metadata', partition: 0 }, { fromOffset: 0, maxUncompressedBytes: 64 * 1024 * 1024 })
    const epoch = batch.header.partitionLeaderEpoch
    return records.map(({ offset, timestampMs, value }) => ({ offset, epoch, timestampMs, record: decodeMetadataRecord(value!, { hashKey }) }))
  })
}

/** What kafka-dump-log with the classes of `libs` says of the same bytes, by offset. Throws where it leaves out any of `offsets`. */
export async function dumpedRecords(libs: string, bytes: Buffer, offsets: readonly number[]): Promise<Map<number, Dumped>> {
  const folder = await mkdtemp(join(tmpdir(), 'reeve-dump-'))
  try {
    const file = join(folder, '00000000000000000000.log')
    await writeFile(file, bytes)
    const { output, errors } = await dumpWith(await dumpTool(libs), libs, file)
    const found = new Map<number, Dumped>()
    for (const line of output.split('\n')) {
      const [, offset, payload] = /^\| offset: (\d+) .*? payload: (\{.*\})$/.exec(line) ?? []
      if (payload !== undefined) found.set(Number(offset), parseExactly(payload))
    }
    const missing = offsets.filter(offset => !found.has(offset))
    if (missing.length > 0) throw new Error(`kafka-dump-log leaves out the offsets ${missing.slice(0, 5).join(', ')}…: ${errors}`)
    return found
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** It moved in 4.3. That of 4.3.1 fails with the jars of 4.4.0 when it closes the file, after its last line: what counts is that no offset is missing. */
async function dumpTool(libs: string): Promise<string> {
  const tools = (await readdir(libs)).find(name => /^kafka-tools-\d/.test(name)) ?? ''
  const [, minor] = /^kafka-tools-4\.(\d+)/.exec(tools) ?? []
  return Number(minor) < 3 ? 'kafka.tools.DumpLogSegments' : 'org.apache.kafka.tools.DumpLogSegments'
}

async function dumpWith(tool: string, libs: string, file: string): Promise<{ readonly output: string; readonly errors: string }> {
  const options = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', `${libs}/*`, tool, '--cluster-metadata-decoder', '--files', file]
  const child = spawn('java', options, { stdio: ['ignore', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  await new Promise((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', reject)
  })
  return { output: Buffer.concat(output).toString('utf8'), errors }
}

/** Whole numbers that a double cannot carry stay as they are written; -0 is 0. */
function parseExactly(text: string): Dumped {
  const exact = (_: string, value: unknown, { source = '' }: { source?: string } = {}): unknown =>
    typeof value === 'number' && /^-?\d+$/.test(source) && !Number.isSafeInteger(value) ? source : value === 0 ? 0 : value
  return JSON.parse(text, exact) as Dumped
}

/** Our record in the words of kafka-dump-log. */
function asDumped({ type, version, fields }: KnownRecord): Dumped {
  const schema: RecordSchema = metadataRecords[type]
  const name = type.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()
  return { type: name, version, data: dumpedFields(schema.fields, fields) }
}

/** Tagged fields at their default are not written, and are not in the dump. */
function dumpedFields(schema: readonly FieldSchema[], fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const written = schema.filter(
    ({ name, tag, default: usual }) => name in fields && (tag === undefined || JSON.stringify(fields[name]) !== JSON.stringify(usual))
  )
  return Object.fromEntries(
    written.map(field => {
      const value = fields[field.name]
      return [field.name, Array.isArray(value) ? value.map(item => dumpedElement(field, item)) : dumpedElement(field, value)]
    })
  )
}

function dumpedElement({ type, fields = [] }: FieldSchema, value: unknown): unknown {
  if (type === 'struct') return dumpedFields(fields, value as Readonly<Record<string, unknown>>)
  if (type === 'uuid') return Buffer.from((value as string).replaceAll('-', ''), 'hex').toString('base64url')
  if (value !== null && typeof value === 'object' && 'dropped' in value) return `dropped: ${(value as unknown as { lengthBytes: number }).lengthBytes} bytes`
  return value
}

/** The dump with what we drop put as we put it; the secrets themselves, to look for. */
function withoutSecrets({ type, version, data }: Dumped, ours: KnownRecord): { readonly dumped: Dumped; readonly secrets: string[] } {
  const secrets: string[] = []
  const hidden = Object.entries(data as Readonly<Record<string, unknown>>).map(([name, value]) => {
    const our = (ours.fields as Readonly<Record<string, unknown>>)[name]
    if (our === null || typeof our !== 'object' || !('dropped' in our)) return [name, value]
    const bytes = Buffer.from(value as string, ours.type === 'ConfigRecord' ? 'utf8' : 'base64')
    if (bytes.length > 0) secrets.push(value as string, bytes.toString('base64'), bytes.toString('hex'))
    return [name, `dropped: ${bytes.length} bytes`]
  })
  return { dumped: { type, version, data: Object.fromEntries(hidden) }, secrets }
}

/** Fails where our record is not the dumped one; gives the secrets that the dump holds and we dropped. */
export function compareRecord(record: KnownRecord, dumped: Dumped, place: string): string[] {
  const theirs = withoutSecrets(dumped, record)
  expect(asDumped(record), place).toEqual(theirs.dumped)
  expect(record.unknownTags, place).toEqual([])
  return theirs.secrets
}

/** Compares what we decode with what Kafka's own tool says of the same bytes, record by record. `types` counts what was compared. */
export async function compareWithDump(
  libs: string,
  bytes: Buffer
): Promise<{ readonly records: CommittedRecord[]; readonly types: Record<string, number>; readonly secrets: string[] }> {
  const records = decodedRecords(bytes)
  const dump = await dumpedRecords(
    libs,
    bytes,
    records.map(({ offset }) => offset)
  )
  expect(dump.size).toBe(records.length)
  const types: Record<string, number> = {}
  const secrets: string[] = []
  for (const { offset, record } of records) {
    if (record.kind !== 'known') throw new Error(`offset ${offset}: ${record.why}`)
    secrets.push(...compareRecord(record, dump.get(offset)!, `offset ${offset}`))
    types[`${record.type} v${record.version}`] = (types[`${record.type} v${record.version}`] ?? 0) + 1
  }
  return { records, types, secrets }
}
