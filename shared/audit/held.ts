import { type Checkpoint, openCheckpoint, parseCheckpoint } from '../proof/checkpoint.ts'
import { parseVerifier, type Verifier } from '../proof/note-key.ts'
import { unverifiedText } from '../proof/note.ts'
import { ProofError } from '../proof/proof-error.ts'
import type { JudgedLog } from './judge.ts'
import type { LogFault } from './verify-log.ts'

/** A checkpoint that an anchor holds. */
export interface HeldNote {
  /** By which name it lies there. */
  readonly size: number
  readonly location: string
  /** Somebody has laid a deletion or another version over it. */
  readonly hidden: boolean
  readonly note: Uint8Array
}

/** What comparing with one anchor gave. */
export interface Comparison {
  readonly checkpoints: number
  /** The largest size at which the anchor and the log have the same tree; 0: none. */
  readonly agreed: number
  readonly fault: LogFault | null
}

/**
 * Compares a log with what one anchor holds of it, README.md, section 10, point 6. `known` are verifier keys from outside. The sequence of a
 * fault is that of the first entry that may be gone or another.
 */
export function compareHeld(log: JudgedLog, known: readonly string[], held: readonly HeldNote[]): Comparison {
  const verifiers = [...new Set([...known, ...log.vkeys])].flatMap(verifierOf)
  let agreed = 0
  let fault: LogFault | null = null
  for (const { size, location, hidden, note } of held.toSorted((a, b) => a.size - b.size)) {
    const found = ((): string | null => {
      let checkpoint: Checkpoint
      try {
        checkpoint = parseCheckpoint(unverifiedText(note))
        if (checkpoint.size !== size || checkpoint.origin !== log.origin) return `${location} holds a checkpoint of another place`
        openCheckpoint(note, log.origin, verifiers)
      } catch (error) {
        return `${location} holds what no key of this log signed: ${(error as Error).message}`
      }
      if (size > log.size) return log.whole ? `CUT: ${location} holds a checkpoint of ${size} entries, the log has ${log.size}` : null
      // Behind a fault of the log itself nothing is known of its tree.
      if (log.roots.get(size) === undefined) return null
      if (log.roots.get(size) !== checkpoint.root) return `FORKED: ${location} holds another tree of ${size} entries than the log has`
      agreed = fault ? agreed : size
      return hidden ? `somebody has laid a deletion or another version over ${location}` : null
    })()
    if (found !== null && !fault) fault = { sequence: Math.min(size > log.size ? log.size : agreed, size), reason: found }
  }
  return { checkpoints: held.length, agreed, fault }
}

/** What a log that is wrong calls its key may be none. */
function verifierOf(vkey: string): Verifier[] {
  try {
    return [parseVerifier(vkey)]
  } catch (error) {
    if (error instanceof ProofError) return []
    throw error
  }
}
