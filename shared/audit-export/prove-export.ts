import type { Anchor } from '../anchors/anchor.ts'
import type { HeldNote } from '../audit/held.ts'
import { type ProvenLog, proveLog } from '../audit-log/proving.ts'
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
  { upToSize, onEntry }: { readonly upToSize?: number; readonly onEntry?: (sequence: number) => void } = {}
): Promise<ProvenLog> {
  return proveLog(log.origin, known, anchors, sizes => judgeExport(files, log, known, { sizes, ...(onEntry && { onEntry }) }), {
    ...(upToSize !== undefined && { upToSize }),
    copies: copiesOf(files, log)
  })
}

/** What lies in the export of anchors' checkpoints: no evidence, but it must agree. */
function copiesOf(files: ExportFiles, log: ExportedLog): readonly { readonly name: string; readonly held: readonly HeldNote[] }[] {
  const folder = paths.anchors(log.path)
  const byAnchor = new Map<string, HeldNote[]>()
  for (const location of files.list(folder)) {
    const [, anchor, digits] = /^([^/]+)\/(\d{20})(?:\.\d+)?$/.exec(location.slice(folder.length + 1)) ?? []
    if (anchor === undefined) continue
    const held = byAnchor.get(anchor) ?? []
    byAnchor.set(anchor, held)
    held.push({ size: Number(digits), location, hidden: false, note: files.read(location) ?? new Uint8Array() })
  }
  return [...byAnchor].map(([name, held]) => ({ name: `copy of ${name}`, held }))
}
