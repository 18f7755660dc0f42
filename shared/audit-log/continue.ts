import type { AnchoredCheckpoint } from '../anchors/anchor.ts'
import type { Continued } from '../audit/checkpoint-entry.ts'
import { parseCheckpoint } from '../proof/checkpoint.ts'
import { unverifiedText } from '../proof/note.ts'

/** The end of a log, for the first entry of the one that goes on from it: its last checkpoint, as `checkpoint()` gives it. Throws ProofError. */
export function continuedFrom({ text }: Pick<AnchoredCheckpoint, 'text'>): Continued {
  const { origin, size, root } = parseCheckpoint(unverifiedText(text))
  return { origin, size, root: Buffer.from(root, 'latin1').toString('hex') }
}
