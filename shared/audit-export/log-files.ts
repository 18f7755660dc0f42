import { openLogJudge } from '../audit/judge.ts'
import type { NamedHead } from '../audit/together.ts'
import type { LogFault } from '../audit/verify-log.ts'
import { type LogPlace, originOf } from '../audit-log/place.ts'
import { openTileWriter, type TileFile } from '../proof/tile-writer.ts'
import { type ExportedLog, type ExportFile, paths } from './layout.ts'

/** Turns the records of one log into the files of its export. Holds what came since the newest checkpoint's last full tile, and 20 to 40 bytes an entry. */
export interface LogFiles {
  readonly size: number
  /** Whether the checkpoint came up to which it was to go: what follows is left out. */
  readonly isDone: boolean
  /** What the newest checkpoint names of all logs of the topic; null where there is one. */
  readonly heads: readonly NamedHead[] | null
  /** Takes the next record. Gives what is to be written at once: whole files, and lines to append to the trailers. */
  take(kind: string, value: Uint8Array): Written
  /** What the newest checkpoint still needs, and what must go because it holds entries behind it. */
  end(): { readonly files: readonly ExportFile[]; readonly gone: readonly string[]; readonly log: ExportedLog }
}

export interface Written {
  readonly files: readonly ExportFile[]
  readonly trailers: readonly Uint8Array[]
}

/** A log that cannot be exported as it is. */
export class NotExportable extends Error {
  override readonly name = 'NotExportable'
  readonly fault: LogFault

  constructor(origin: string, fault: LogFault) {
    super(`${origin}, sequence ${fault.sequence}: ${fault.reason}`)
    this.fault = fault
  }
}

/**
 * `take` and `end` throw NotExportable where the log is not right: what is wrong is named by `reeve audit verify`, and is no export. `firstAbove`: the first checkpoint
 * of more entries is the last; without it all are taken.
 */
export function openLogFiles(place: LogPlace, firstAbove = Infinity): LogFiles {
  const origin = originOf(place)
  const { partition } = place
  const path = String(partition)
  // Its keys are judged by whoever reads the export.
  const judge = openLogJudge(origin, [])
  const tiles = openTileWriter()
  let trailers: Uint8Array[] = []
  let beyond: string[] = []
  let newest: {
    readonly size: number
    readonly note: Uint8Array
    readonly partial: readonly TileFile[]
    readonly vkeys: readonly string[]
    readonly heads: readonly NamedHead[] | null
  } | null = null
  let leftOut = 0
  const within = (file: TileFile): ExportFile => ({ path: `${path}/${file.path}`, bytes: file.bytes })

  return {
    get size() {
      return tiles.size
    },
    get isDone() {
      return newest !== null && newest.size > firstAbove
    },
    get heads() {
      return newest?.heads ?? null
    },
    take(kind, value) {
      if (newest !== null && newest.size > firstAbove) {
        if (kind === 'event') leftOut++
        return { files: [], trailers: [] }
      }
      const fault = judge.take(kind, value)
      if (fault) throw new NotExportable(origin, fault)
      if (kind === 'event') {
        const files = tiles.append(value).map(within)
        beyond.push(...files.map(file => file.path))
        return { files, trailers: [] }
      }
      if (kind === 'trailer') {
        trailers.push(value)
        return { files: [], trailers: [] }
      }
      const covered = trailers
      trailers = []
      beyond = []
      if (newest?.size === tiles.size) return { files: [], trailers: [] }
      newest = { size: tiles.size, note: value, partial: tiles.partial(), vkeys: [...judge.vkeys], heads: judge.heads }
      return { files: [{ path: paths.checkpointOf(path, tiles.size), bytes: value }], trailers: covered }
    },
    end() {
      if (newest === null) throw new NotExportable(origin, { sequence: 0, reason: 'the log holds no checkpoint yet: nothing of it is signed' })
      const { size, note, partial, vkeys } = newest
      const files = [...partial.map(within), { path: paths.checkpoint(path), bytes: note }]
      return { files, gone: beyond, log: { origin, partition, path, size, behind: tiles.size - size + leftOut, vkeys } }
    }
  }
}
