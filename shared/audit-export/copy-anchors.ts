import type { Anchor } from '../anchors/anchor.ts'
import { notesOf } from '../audit-log/proving.ts'
import { type ExportedLog, type ExportFile, paths } from './layout.ts'

/**
 * Copies of what the anchors hold of a log, up to the size that is exported. One that does not answer is told of, and left out: the copies
 * are no evidence.
 */
export async function copyAnchors(
  anchors: readonly Anchor[],
  { origin, path, size }: ExportedLog,
  write: (files: readonly ExportFile[]) => void,
  onTrouble: (message: string) => void
): Promise<void> {
  for (const anchor of anchors) {
    if (anchor.held === null) continue
    try {
      const held = (await anchor.held.list(origin)).filter(one => one.size <= size)
      const seen = new Map<number, number>()
      for (const { size: at, note } of await notesOf(anchor, held)) {
        const version = seen.get(at) ?? 0
        seen.set(at, version + 1)
        write([{ path: paths.anchored(path, anchor.name, at, version), bytes: note }])
      }
      for (const stamp of (await anchor.held.stamps?.list(origin)) ?? [])
        if (seen.has(stamp.size)) write([{ path: paths.stamp(path, anchor.name, stamp.size, stamp.by), bytes: await anchor.held.stamps!.read(stamp) }])
    } catch (error) {
      onTrouble(`anchor ${anchor.name} does not say what it holds of ${origin}: ${(error as Error).message}`)
    }
  }
}
