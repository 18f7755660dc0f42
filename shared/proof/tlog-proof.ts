import { type OpenedCheckpoint, openCheckpoint } from './checkpoint.ts'
import { type Hash, hashFromBase64, hashToBase64, leafHash, strictBase64 } from './hash.ts'
import type { Verifier } from './note-key.ts'
import { ProofError } from './proof-error.ts'
import { verifyInclusion } from './tree-proof.ts'

/** That an entry is in a log, to be kept beside the entry and checked without the log (C2SP tlog-proof). */
export interface TlogProof {
  /** From 0. */
  readonly index: number
  /** From the sibling of the leaf to the child of the root. */
  readonly path: readonly Hash[]
  /** The signed note. */
  readonly checkpoint: string
  /** Bytes of the application, which nothing vouches for; null for none. */
  readonly extra: Uint8Array | null
}

const title = 'c2sp.org/tlog-proof@v1'
const longestPath = 63

export function formatProof({ index, path, checkpoint, extra }: TlogProof): string {
  const head = [title, ...(extra === null ? [] : [`extra ${Buffer.from(extra).toString('base64')}`]), `index ${index}`, ...path.map(hashToBase64)]
  return `${head.join('\n')}\n\n${checkpoint}`
}

/** Reads a proof; nothing of it is checked yet. Throws ProofError. */
export function parseProof(text: string): TlogProof {
  const end = text.indexOf('\n\n')
  const lines = end < 0 ? [] : text.slice(0, end).split('\n')
  if (lines.shift() !== title) throw new ProofError(`not a proof: expected the line ${title}, lines of a proof, an empty line and a checkpoint`)
  const extra = lines[0]?.startsWith('extra ') ? strictBase64(lines.shift()!.slice('extra '.length)) : null
  const index = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? '')?.[1]
  if (index === undefined) throw new ProofError('not a proof: expected a line "index" with a decimal number without leading zeros')
  if (lines.length > longestPath) throw new ProofError(`a proof has at most ${longestPath} hashes`)
  const proof = { index: Number(index), path: lines.map(hashFromBase64), checkpoint: text.slice(end + 2), extra }
  // One text for one proof.
  if (formatProof(proof) !== text) throw new ProofError('not a proof: its extra line is not base64')
  return proof
}

/**
 * Checks that the bytes of an entry are in the log `origin`, by a proof whose checkpoint a known key signed. Needs no network. Throws
 * ProofError.
 */
export function verifyProof(
  text: string,
  entry: Uint8Array,
  origin: string,
  known: readonly Verifier[]
): { readonly index: number; readonly checkpoint: OpenedCheckpoint } {
  const { index, path, checkpoint: note } = parseProof(text)
  const checkpoint = openCheckpoint(note, origin, known)
  const { size, root } = checkpoint
  verifyInclusion({ index, size, root, leaf: leafHash(entry) }, path)
  return { index, checkpoint }
}
