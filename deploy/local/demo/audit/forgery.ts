import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFolder, newFolder } from '#shared/audit-export/folder.ts'
import { encodeManifest, type ExportedLog, type ExportFiles, manifestFile, type Manifest, paths, readManifest } from '#shared/audit-export/layout.ts'
import { openLogFiles } from '#shared/audit-export/log-files.ts'
import { entriesOf, recordsOf } from '#shared/audit-export/log-records.ts'
import { bundlePath, tileWidth } from '#shared/proof/tiles.ts'

/**
 * Copies an export, and in the copy flips the lowest bit of one byte: the first behind `text` in the entry of that sequence. Everything else stays
 * what it was. Throws where the entry does not hold the text.
 */
export function flipByte(from: string, to: string, sequence: number, text: string): void {
  const { files, log } = openLog(from)
  const first = sequence - (sequence % tileWidth)
  let at = 0
  let index = 0
  for (const entry of entriesOf(files, log)) {
    if (index++ < first) continue
    if (index <= sequence) {
      at += 2 + entry.length
      continue
    }
    const within = Buffer.from(entry).indexOf(text)
    if (within < 0) throw new Error(`the entry ${sequence} of ${from} does not hold ${text}`)
    cpSync(from, to, { recursive: true })
    const bundle = join(to, log.path, bundlePath(first / tileWidth, Math.min(tileWidth, log.size - first)))
    const bytes = readFileSync(bundle)
    const place = at + 2 + within + text.length
    bytes[place] = bytes[place]! ^ 1
    writeFileSync(bundle, bytes)
    return
  }
  throw new Error(`${from} holds ${log.size} entries, not ${sequence}`)
}

/**
 * Copies an export as it was at its newest checkpoint of at most `size` entries, with tiles, trailers and copies of the anchors to match: by itself the copy
 * is without fault. Returns how many entries it has. Throws where no checkpoint is that small.
 */
export function cutBack(from: string, to: string, size: number): number {
  const { files, log, manifest } = openLog(from)
  const checkpoints = files.list(paths.checkpoints(log.path)).map(sizeIn)
  const keep = Math.max(0, ...checkpoints.filter(each => each <= size))
  if (keep === 0) throw new Error(`${from} has no checkpoint of at most ${size} entries`)
  const { clusterId, topic } = manifest
  const prefix = log.origin.slice(0, -`/${clusterId}/${topic}/${log.partition}`.length)
  const forged = openLogFiles({ prefix, clusterId, topic, partition: log.partition })
  const folder = newFolder(to, false)
  for (const { kind, value } of recordsOf(files, log)) {
    const written = forged.take(kind, value)
    folder.write(written.files)
    folder.append(paths.trailers(log.path), written.trailers)
    if (kind === 'note' && forged.size === keep) break
  }
  const { files: last, gone, log: cut } = forged.end()
  folder.remove(gone)
  const copies = files.list(paths.anchors(log.path)).filter(file => sizeIn(file) <= keep)
  folder.write([
    ...last,
    ...copies.map(path => ({ path, bytes: files.read(path)! })),
    { path: manifestFile, bytes: encodeManifest({ clusterId, topic, logs: [cut] }) }
  ])
  folder.finish()
  return keep
}

function openLog(folder: string): { readonly files: ExportFiles; readonly log: ExportedLog; readonly manifest: Manifest } {
  const files = openFolder(folder)
  const bytes = files.read(manifestFile)
  const manifest = bytes === null ? { fault: `there is no ${manifestFile}` } : readManifest(bytes)
  if ('fault' in manifest) throw new Error(`${folder}: ${manifest.fault}`)
  return { files, log: manifest.logs[0]!, manifest }
}

/** Names of checkpoints are sizes in 20 digits, with a version behind where there are several. */
function sizeIn(file: string): number {
  return Number(/\/(\d{20})(?:\.\d+)?$/.exec(file)?.[1] ?? Infinity)
}
