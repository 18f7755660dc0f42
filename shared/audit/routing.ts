import { createHash } from 'node:crypto'

/** How many logs a topic may have. */
export const mostChains = 16

/**
 * The log of a topic in which all events of a source are: README.md, section 13. Pure, and the same in every process. Null: what is about no
 * source, which is in the first.
 */
export function chainOf(sourceId: string | null, chains: number): number {
  if (sourceId === null || chains === 1) return 0
  return createHash('sha256').update(sourceId, 'utf8').digest().readUInt32BE(0) % chains
}
