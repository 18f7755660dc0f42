import { emptyRoot, type Hash, hashFromBase64, hashToBase64, nodeHash } from './hash.ts'
import { ProofError } from './proof-error.ts'

/**
 * All that is needed to go on with a tree: how many leaves, and the roots of the complete subtrees that they fall into (one for each
 * bit that is set in `size`), the largest first, in base64.
 */
export interface TreeState {
  readonly size: number
  readonly frontier: readonly string[]
}

/** A Merkle tree of RFC 6962 (SHA-256) that grows at its right edge. It holds at most 53 hashes. */
export interface Tree {
  readonly size: number
  /** Takes the hash of the next leaf (`leafHash`), in constant time on average. */
  append(leaf: Hash): void
  root(): Hash
  state(): TreeState
  /** The same tree as it is now, to go on with on its own. */
  copy(): Tree
}

/** An empty tree, or the one of `state`. Throws ProofError where that is none. */
export function openTree(state: TreeState = { size: 0, frontier: [] }): Tree {
  requireSize(state.size)
  const expected = bitsSet(state.size)
  if (state.frontier.length !== expected)
    throw new ProofError(`a tree of ${state.size} leaves has ${expected} hashes at its edge, not ${state.frontier.length}`)
  return treeOf(state.size, state.frontier.map(hashFromBase64))
}

/** The tree whose complete subtrees, the largest first, have these roots. */
export function treeOf(startSize: number, edge: Hash[]): Tree {
  let size = startSize
  return {
    get size() {
      return size
    },
    append(leaf) {
      let hash = leaf
      for (let left = size; left % 2 === 1; left = (left - 1) / 2) hash = nodeHash(edge.pop()!, hash)
      edge.push(hash)
      size += 1
    },
    root: () => edge.reduceRight<Hash | null>((right, left) => (right === null ? left : nodeHash(left, right)), null) ?? emptyRoot,
    state: () => ({ size, frontier: edge.map(hashToBase64) }),
    copy: () => treeOf(size, [...edge])
  }
}

/** Throws ProofError where it is no number of leaves: whole, not negative, exact as a number. */
export function requireSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new ProofError(`expected a size from 0 to ${Number.MAX_SAFE_INTEGER}, not ${size}`)
}

function bitsSet(size: number): number {
  let bits = 0
  for (let left = size; left > 0; left = Math.floor(left / 2)) bits += left % 2
  return bits
}
