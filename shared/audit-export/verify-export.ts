import { type JudgedLog, openLogJudge } from '../audit/judge.ts'
import type { LogFault } from '../audit/verify-log.ts'
import { hashBytes } from '../proof/hash.ts'
import { openTileWriter, type TileFile } from '../proof/tile-writer.ts'
import { hashesAtLevel, tilePath, tileWidth } from '../proof/tiles.ts'
import { type ExportedLog, type ExportFiles, paths } from './layout.ts'
import { ExportFault, recordsOf } from './log-records.ts'

/**
 * Judges one log of an export by its files alone: README.md of shared/audit, section 10, points 1 to 5. `known` are verifier keys from
 * outside; `sizes` those of which the root is wanted. Takes whatever the files are. Holds 20 to 40 bytes an entry.
 */
export function judgeExport(
  files: ExportFiles,
  log: ExportedLog,
  known: readonly string[],
  { sizes, onEntry }: { readonly sizes?: ReadonlySet<number>; readonly onEntry?: (sequence: number) => void } = {}
): JudgedLog {
  const judge = openLogJudge(log.origin, known, sizes)
  const writer = openTileWriter()
  const expected = new Set<string>()
  let found: LogFault | null = null
  const compare = (file: TileFile, read = files.read(`${log.path}/${file.path}`)): void => {
    expected.add(`${log.path}/${file.path}`)
    found = earlier(found, tileFault(log, file, read, writer.size))
  }
  let ended = false
  try {
    for (const { kind, value } of recordsOf(files, log)) {
      if (judge.take(kind, value)) break
      if (kind !== 'event') continue
      onEntry?.(writer.size)
      for (const file of writer.append(value)) compare(file)
    }
    ended = judge.fault === null
  } catch (error) {
    if (!(error instanceof ExportFault)) throw error
    const { sequence, message: reason } = error
    if (!judge.fault) found = earlier(found, { sequence, reason })
  }
  for (const file of writer.partial()) compare(file, ended ? undefined : beginning(files, log, file, writer.size))
  // What ends too early has that as its fault, and not what is missing behind it.
  const own = earlier(found, judge.fault)
  const judged = judge.end()
  return { ...judged, whole: own === null, fault: own ?? judged.fault ?? agreementFault(files, log, judged, expected) }
}

function earlier(one: LogFault | null, other: LogFault | null): LogFault | null {
  return one === null || (other !== null && other.sequence < one.sequence) ? other : one
}

/** Whether a tile or bundle is the one that the entries give, when `size` of them have been read. A hash counts for the last entry below it. */
function tileFault({ path: folder }: ExportedLog, { path, bytes }: TileFile, read: Uint8Array | null, size: number): LogFault | null {
  if (read !== null && Buffer.compare(read, bytes) === 0) return null
  const file = `${folder}/${path}`
  const level = levelOf(path) ?? 0
  const span = tileWidth ** (level + 1)
  const first = Math.floor((size - 1) / span) * span
  if (read === null) return { sequence: levelOf(path) === null ? first : first + tileWidth ** level - 1, reason: `${file} is missing` }
  const differs = bytes.findIndex((byte, index) => byte !== read[index])
  const at = Math.floor((differs < 0 ? bytes.length - 1 : differs) / hashBytes)
  return { sequence: first + (at + 1) * tileWidth ** level - 1, reason: `${file} is not what the entries give` }
}

/** What the whole tile there begins with, as much as a partial one of the entries before a bad one holds. Bundles have been read themselves. */
function beginning(files: ExportFiles, log: ExportedLog, { path, bytes }: TileFile, size: number): Uint8Array | null {
  const level = levelOf(path)
  if (level === null) return bytes
  const index = Math.floor(hashesAtLevel(level, size) / tileWidth)
  const width = Math.min(tileWidth, hashesAtLevel(level, log.size) - index * tileWidth)
  return files.read(`${log.path}/${tilePath(level, index, width)}`)?.subarray(0, bytes.length) ?? null
}

/** Null: a bundle of entries. */
function levelOf(path: string): number | null {
  const [, level] = /^tile\/(\d+)\//.exec(path) ?? []
  return level === undefined ? null : Number(level)
}

/** Whether what the export says beside the log agrees with it, and nothing lies among its tiles that belongs to another. */
function agreementFault(files: ExportFiles, log: ExportedLog, judged: JudgedLog, expected: ReadonlySet<string>): LogFault | null {
  const { path, size, vkeys } = log
  const last = Math.max(0, size - 1)
  if (judged.checkpointed !== size) return { sequence: last, reason: `the newest checkpoint covers ${judged.checkpointed} of ${size} entries` }
  const newest = files.read(paths.checkpoint(path))
  if (newest === null) return { sequence: last, reason: `${paths.checkpoint(path)} is missing` }
  const same = files.read(paths.checkpointOf(path, size))
  if (same === null || Buffer.compare(newest, same) !== 0)
    return { sequence: last, reason: `${paths.checkpoint(path)} is another than ${paths.checkpointOf(path, size)}` }
  if (vkeys.join() !== judged.vkeys.join())
    return { sequence: 0, reason: `the manifest names the keys ${vkeys.join(', ')}, the log ${judged.vkeys.join(', ')}` }
  const stray = files.list(paths.tiles(path)).find(file => !expected.has(file))
  return stray === undefined ? null : { sequence: last, reason: `${stray} is no file of this log` }
}
