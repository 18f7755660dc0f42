import { hashFromBase64, hashToBase64 } from './hash.ts'
import { isKeyName, type Signer, type Verifier } from './note-key.ts'
import { openNote, signNote } from './note.ts'
import { ProofError } from './proof-error.ts'
import { requireSize } from './tree.ts'
import type { TreeHead } from './tree-proof.ts'

/** Which log, and its tree. */
export interface Checkpoint extends TreeHead {
  /** Identifies the log: a schema-less URL, no space, no plus. */
  readonly origin: string
}

/** A checkpoint that a known key signed. */
export interface OpenedCheckpoint extends Checkpoint {
  readonly by: readonly Verifier[]
}

/** The text that is signed (C2SP tlog-checkpoint): origin, size and base64 of the root, each with a newline. No further lines. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  requireSize(size)
  if (!isKeyName(origin)) throw new ProofError('the origin of a log must not be empty and must hold no space, no control character and no plus')
  return `${origin}\n${size}\n${hashToBase64(root)}\n`
}

/** Reads exactly what `formatCheckpoint` writes. Throws ProofError. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', root = '', ...rest] = text.split('\n')
  if (rest.length !== 1 || rest[0] !== '') throw new ProofError('a checkpoint has exactly three lines: origin, size and root')
  if (!isKeyName(origin)) throw new ProofError('the origin of a checkpoint is empty, or holds a space or a plus')
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(size)) throw new ProofError(`the size of a checkpoint of ${origin} is no decimal number without leading zeros`)
  requireSize(Number(size))
  return { origin, size: Number(size), root: hashFromBase64(root) }
}

/** A checkpoint as a signed note. The same keys give the same bytes each time. */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly Signer[]): Promise<string> {
  return signNote(formatCheckpoint(checkpoint), signers)
}

/** A checkpoint of `origin` out of a note that at least one known key signed. Throws ProofError. */
export function openCheckpoint(note: string | Uint8Array, origin: string, known: readonly Verifier[]): OpenedCheckpoint {
  const { text, by } = openNote(note, known)
  const checkpoint = parseCheckpoint(text)
  if (checkpoint.origin !== origin) throw new ProofError(`a checkpoint of ${checkpoint.origin}, where one of ${origin} was expected`)
  return { ...checkpoint, by }
}
