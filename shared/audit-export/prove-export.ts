import type { Anchor } from '../anchors/anchor.ts'
import type { HeldNote } from '../audit/held.ts'
import { type AnchorCopy, type CheckStamp, type ProvenLog, proveLog } from '../audit-log/proving.ts'
import { type ExportedLog, type ExportFiles, type Manifest, manifestFile, paths, readManifest } from './layout.ts'
import { judgeExport } from './verify-export.ts'

/** The manifest of an export, or why there is none. */
export function openExport(files: ExportFiles): Manifest | { readonly fault: string } {
  const bytes = files.read(manifestFile)
  return bytes === null ? { fault: `there is no ${manifestFile}: this is no export, or one that was interrupted` } : readManifest(bytes)
}

/** Proves one log of an export by its files and what anchors say, offline but for these. `known` are verifier keys from outside. */
export function proveExport(
  files: ExportFiles,
  log: ExportedLog,
  known: readonly string[],
  anchors: readonly Anchor[],
  { onEntry, ...options }: { readonly upToSize?: number; readonly checkStamp?: CheckStamp | null; readonly onEntry?: (sequence: number) => void } = {}
): Promise<ProvenLog> {
  const judge = (sizes: ReadonlySet<number>) => judgeExport(files, log, known, { sizes, ...(onEntry && { onEntry }) })
  return proveLog(log.origin, known, anchors, judge, { ...options, copies: copiesOf(files, log) })
}

/** What lies in the export of anchors' checkpoints: no evidence, but it must agree. */
function copiesOf(files: ExportFiles, log: ExportedLog): readonly AnchorCopy[] {
  const folder = paths.anchors(log.path)
  const byAnchor = new Map<string, { held: HeldNote[]; stamps: { size: number; location: string; token: Uint8Array }[] }>()
  for (const location of files.list(folder)) {
    const [, anchor, digits, kind] = /^([^/]+)\/(\d{20})(?:\.\d+|(\..+\.tst))?$/.exec(location.slice(folder.length + 1)) ?? []
    if (anchor === undefined) continue
    const copy = byAnchor.get(anchor) ?? { held: [], stamps: [] }
    byAnchor.set(anchor, copy)
    const [size, bytes] = [Number(digits), files.read(location) ?? new Uint8Array()]
    if (kind === undefined) copy.held.push({ size, location, hidden: false, note: bytes })
    else copy.stamps.push({ size, location, token: bytes })
  }
  return [...byAnchor].map(([name, copy]) => ({ name: `copy of ${name}`, ...copy }))
}
