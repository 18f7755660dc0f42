import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ExportFiles, encodeManifest, type ExportedLog, manifestFile, paths } from '#shared/audit-export/layout.ts'
import { openLogFiles } from '#shared/audit-export/log-files.ts'
import type { LogPlace } from '#shared/audit-log/place.ts'
import type { LogRecord } from '#shared/kafka/ports.ts'
import { newSigner } from './audit-events.ts'
import { auditLogWorld, batchOf } from './audit-log-world.ts'
import { fakeKafka } from './fake-kafka.ts'

export interface ExportInMemory {
  readonly files: Map<string, Buffer>
  readonly log: ExportedLog
  /** The first key. */
  readonly vkey: string
}

/** A log of `entries` events or a few more, with four checkpoints and, before the last two, a change of its key: exported. */
export async function exportInMemory(entries: number): Promise<ExportInMemory> {
  const kafka = fakeKafka({ pollEntries: 10_000 })
  kafka.createTopic('audit')
  const world = auditLogWorld(kafka, 'audit')
  const part = (number: number): number => Math.floor((entries * number) / 4)
  const first = await world.open()
  for (const number of [0, 1]) {
    await first.offer(batchOf(part(number), part(number + 1)))
    await first.checkpoint()
  }
  await first.close()
  const second = await world.open({ signers: [world.signer, newSigner(world.signer.name)] })
  for (const number of [2, 3]) {
    await second.offer(batchOf(part(number), part(number + 1)))
    await second.checkpoint()
  }
  await second.offer(batchOf(entries, entries + 2))
  await second.flushed()
  const records = await world.records()
  await world.close()
  const { files, log } = exportOf(world.place, records)
  return { files, log, vkey: world.signer.vkey }
}

export function exportOf(place: LogPlace, records: readonly Pick<LogRecord, 'key' | 'value'>[]): { files: Map<string, Buffer>; log: ExportedLog } {
  const files = new Map<string, Buffer>()
  const writer = openLogFiles(place)
  const trailers: Uint8Array[] = []
  const put = (written: readonly { path: string; bytes: Uint8Array }[]): void => {
    for (const { path, bytes } of written) files.set(path, Buffer.from(bytes))
  }
  for (const { key, value } of records) {
    const written = writer.take(key!.toString(), value!)
    put(written.files)
    for (const line of written.trailers) trailers.push(line, Buffer.from('\n'))
  }
  const { files: last, gone, log } = writer.end()
  for (const path of gone) files.delete(path)
  put(last)
  const { clusterId, topic } = place
  put([
    { path: paths.trailers(log.path), bytes: Buffer.concat(trailers) },
    { path: manifestFile, bytes: encodeManifest({ clusterId, topic, logs: [log] }) }
  ])
  return { files, log }
}

export function filesOf(files: ReadonlyMap<string, Buffer>): ExportFiles {
  return {
    read: path => files.get(path) ?? null,
    chunks(path) {
      const bytes = files.get(path)
      // In pieces, so that a line may begin in one and end in another.
      return bytes === undefined
        ? null
        : Array.from({ length: Math.ceil(bytes.length / 1_000) }, (_, index) => bytes.subarray(index * 1_000, (index + 1) * 1_000))
    },
    list: folder => [...files.keys()].filter(path => path.startsWith(`${folder}/`))
  }
}

export function writeExport(files: ReadonlyMap<string, Buffer>, folder: string): void {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), bytes)
  }
}
