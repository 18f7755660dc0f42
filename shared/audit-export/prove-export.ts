import { hash } from 'node:crypto'
import type { Anchor } from '../anchors/anchor.ts'
import type { HeldNote } from '../audit/held.ts'
import { type AnchorCopy, type CheckStamp, type ProvenLog, proveLog } from '../audit-log/proving.ts'
import { type Earlier, type ProvenTogether, proveTogether } from '../audit-log/proving-together.ts'
import { type ExportedLog, type ExportFiles, type Manifest, manifestFile, paths, readManifest } from './layout.ts'
import { judgeExport } from './verify-export.ts'

export interface ProveExportOptions {
  /** Larger checkpoints that anchors hold are left out. `exported`: those beyond what each log has here, of an export that is older than they are. */
  readonly upToSize?: number | 'exported'
  readonly checkStamp?: CheckStamp | null
  readonly onEntry?: (sequence: number) => void
}

/** The manifest of an export, or why there is none. */
export function openExport(files: ExportFiles): Manifest | { readonly fault: string } {
  const bytes = files.read(manifestFile)
  return bytes === null ? { fault: `there is no ${manifestFile}: this is no export, or one that was interrupted` } : readManifest(bytes)
}

/**
 * Proves all logs of an export by its files and what anchors say, offline but for these: each by itself, then with each other and with an earlier
 * topic. `known` are verifier keys from outside.
 */
export async function proveExport(
  files: ExportFiles,
  manifest: Manifest,
  known: readonly string[],
  anchors: readonly Anchor[],
  { earlier = { unseen: 'no export of it is at hand' }, ...options }: ProveExportOptions & { readonly earlier?: Earlier } = {}
): Promise<ProvenTogether[]> {
  const proven: ProvenLog[] = []
  for (const log of manifest.logs) proven.push(await proveOne(files, log, known, anchors, options))
  return proveTogether(proven, { exact: true, earlier })
}

function proveOne(
  files: ExportFiles,
  log: ExportedLog,
  known: readonly string[],
  anchors: readonly Anchor[],
  { onEntry, upToSize, checkStamp = null }: ProveExportOptions
): Promise<ProvenLog> {
  const judge = (sizes: ReadonlySet<number>) => judgeExport(files, log, known, { sizes, ...(onEntry && { onEntry }) })
  return proveLog(log.origin, known, anchors, judge, {
    checkStamp,
    upToSize: upToSize === 'exported' ? log.size : (upToSize ?? Infinity),
    copies: copiesOf(files, log)
  })
}

/** How the logs of an export end, for the topic that goes on behind them. Each is judged on the way, by its own keys or those that are known. */
export function endsOfExport(files: ExportFiles, { logs }: Manifest, known: readonly string[]): Earlier {
  const judged = logs.map(log => ({ log, found: judgeExport(files, log, [...known, ...log.vkeys.slice(0, 1)]) }))
  const wrong = judged.find(({ found }) => found.fault !== null)?.found
  if (wrong) return { unseen: `the earlier export is not right: ${wrong.origin}, sequence ${wrong.fault!.sequence}: ${wrong.fault!.reason}` }
  return {
    logs: judged.map(({ log, found: { origin, size, root, fingerprint, chains, continuedIn } }) => ({
      origin,
      size,
      root: Buffer.from(root!, 'latin1').toString('hex'),
      fingerprint: fingerprint!,
      checkpoint: hash('sha256', files.read(paths.checkpoint(log.path))!, 'hex'),
      chains,
      continuedIn
    }))
  }
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
