import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { type ExportFile, type ExportFiles, manifestFile, readManifest } from './layout.ts'

const chunkBytes = 1024 * 1024
const unfinishedMark = 'unfinished'

/** An export that lies in a folder. */
export function openFolder(folder: string): ExportFiles {
  return {
    read: path => ifThere(() => readFileSync(join(folder, path))),
    chunks: path => (existsSync(join(folder, path)) ? chunksOf(join(folder, path)) : null),
    list: path =>
      (ifThere(() => readdirSync(join(folder, path), { withFileTypes: true, recursive: true })) ?? []).flatMap(entry =>
        entry.isFile() ? [relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/')] : []
      )
  }
}

/** Why an export cannot be written to a folder, and what to do. */
export class FolderRefused extends Error {
  override readonly name = 'FolderRefused'
}

/** An export that is being written: beside its folder, under whose name it appears when it is whole. */
export interface NewFolder {
  /** Where it is until then. */
  readonly path: string
  write(files: readonly ExportFile[]): void
  /** Appends lines to a file. */
  append(path: string, lines: readonly Uint8Array[]): void
  remove(paths: readonly string[]): void
  /** Puts it in its place, instead of the one that lies there. */
  finish(): void
}

/**
 * Begins an export in `<folder>.partial`. What an interrupted one has left there, and an export that lies in the folder itself, is replaced
 * with `force` alone; anything else is never touched. Throws FolderRefused.
 */
export function newFolder(given: string, force: boolean): NewFolder {
  const folder = resolve(given)
  const path = `${folder}.partial`
  if (existsSync(folder) && !isEmpty(folder)) {
    if (!isExport(folder)) throw new FolderRefused(`${folder} holds something that is no export: name a folder that is empty or not there`)
    if (!force) throw new FolderRefused(`${folder} holds an export already: --force replaces it`)
  }
  if (existsSync(path)) {
    if (!existsSync(join(path, unfinishedMark))) throw new FolderRefused(`${path} is in the way, and no interrupted export: remove it`)
    if (!force) throw new FolderRefused(`${path} was left by an export that was interrupted, or is still running: --force begins anew`)
    rmSync(path, { recursive: true })
  }
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, unfinishedMark), 'An export that is not whole yet. It is of no use until this file is gone.\n')
  const made = new Set<string>()
  const placeOf = (file: string): string => {
    const place = join(path, file)
    const above = dirname(place)
    if (!made.has(above)) mkdirSync(above, { recursive: true })
    made.add(above)
    return place
  }
  return {
    path,
    write(files) {
      for (const { path: file, bytes } of files) writeFileSync(placeOf(file), bytes)
    },
    append(file, lines) {
      if (lines.length > 0) appendFileSync(placeOf(file), Buffer.concat(lines.flatMap(line => [line, Buffer.from('\n')])))
    },
    remove(paths) {
      for (const file of paths) rmSync(join(path, file))
    },
    finish() {
      if (existsSync(folder)) rmSync(folder, { recursive: true })
      rmSync(join(path, unfinishedMark))
      renameSync(path, folder)
    }
  }
}

function isEmpty(folder: string): boolean {
  return statSync(folder).isDirectory() && readdirSync(folder).length === 0
}

function isExport(folder: string): boolean {
  const manifest = openFolder(folder).read(manifestFile)
  return manifest !== null && !('fault' in readManifest(manifest))
}

function* chunksOf(file: string): Generator<Uint8Array> {
  const handle = openSync(file, 'r')
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(chunkBytes)
      const read = readSync(handle, buffer)
      if (read === 0) return
      yield buffer.subarray(0, read)
    }
  } finally {
    closeSync(handle)
  }
}

function ifThere<T>(work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
}
