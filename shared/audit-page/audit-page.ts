import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { readTrailer } from '../audit/trailer.ts'
import type { ExportedLog, ExportFiles, Manifest } from '../audit-export/layout.ts'
import { type ExportedRecord, recordsOf } from '../audit-export/log-records.ts'
import { recordKinds, type PageData, type PageLog } from './browser/data.ts'
import { dataMark, templateFile } from './template.ts'

/** Bytes of entries that a page holds at most, before they are compressed, all logs together. */
const mostPageBytes = 24 * 1024 * 1024

/**
 * An export as one page of HTML, which shows and verifies it in a browser and loads nothing. Where the export is larger than `mostBytes`, each log is
 * held from one of its trailers on, with the edge of the tree as its proof, and the page says so. Throws ExportFault where a file is missing.
 */
export function auditPage(files: ExportFiles, manifest: Manifest, mostBytes = mostPageBytes): Buffer {
  const { clusterId, topic } = manifest
  const logs = manifest.logs.map(log => pageLog(files, log, Math.floor(mostBytes / manifest.logs.length)))
  const data: PageData = { clusterId, topic, logs }
  const text = JSON.stringify(data).replaceAll('<', '\\u003c')
  return Buffer.from(readFileSync(templateFile, 'utf8').replace(dataMark, () => text))
}

interface Held {
  readonly kind: (typeof recordKinds)[number]
  readonly value: Uint8Array
}

function pageLog(files: ExportFiles, log: ExportedLog, mostBytes: number): PageLog {
  const { origin, partition, size, behind } = log
  const records = newest(recordsOf(files, log), mostBytes)
  const first = firstOf(records)
  return { origin, partition, size, behind, first, records: gzipSync(packed(records)).toString('base64') }
}

/** The last records of a log that fit: all of them, or those behind a trailer and that trailer, which holds what is needed to go on from it. */
function newest(records: Iterable<ExportedRecord>, mostBytes: number): Held[] {
  let held: Held[] = []
  let bytes = 0
  for (const record of records) {
    // Its bytes may share the memory of a whole file.
    held.push({ kind: record.kind, value: Buffer.from(record.value) })
    bytes += record.value.length
    if (bytes <= mostBytes || record.kind === 'event') continue
    const start = startWithin(held, bytes - mostBytes)
    if (start === 0) continue
    bytes -= held.slice(0, start).reduce((sum, { value }) => sum + value.length, 0)
    held = [{ kind: 'start', value: held[start]!.value }, ...held.slice(start + 1)]
  }
  return held
}

/** The first trailer before which there is at least so much, or the last one that has an entry behind it; 0: there is none. */
function startWithin(held: readonly Held[], excess: number): number {
  const lastEntry = held.findLastIndex(({ kind }) => kind === 'event')
  let before = 0
  let start = 0
  for (const [index, { kind, value }] of held.entries()) {
    if (index > lastEntry) break
    if (kind === 'trailer') {
      start = index
      if (before >= excess) break
    }
    before += value.length
  }
  return start
}

function firstOf([record]: readonly Held[]): number {
  if (record?.kind !== 'start') return 0
  const trailer = readTrailer(record.value)
  return 'fault' in trailer ? 0 : trailer.sequence
}

function packed(records: readonly Held[]): Buffer {
  return Buffer.concat(
    records.flatMap(({ kind, value }) => {
      const head = Buffer.alloc(5)
      head.writeUInt8(recordKinds.indexOf(kind))
      head.writeUInt32BE(value.length, 1)
      return [head, value]
    })
  )
}
