import { emptyRoot, type Hash, nodeHash } from './hash.ts'
import { ProofError } from './proof-error.ts'
import { requireSize } from './tree.ts'

/**
 * Hash of the complete subtree `index` of height `level`, both from 0: of the leaves from `index · 2^level` up to but without
 * `(index + 1) · 2^level`. Only complete ones are asked for. Throws where it does not have it.
 */
export type HashAt = (level: number, index: number) => Hash

/** Root of the first `size` leaves. */
export function rootOf(size: number, hashAt: HashAt): Hash {
  requireSize(size)
  return size === 0 ? emptyRoot : rangeHash(0, size, hashAt)
}

/** The audit path of a leaf in the tree of `size` leaves, from its sibling to the child of the root (RFC 9162 section 2.1.3.1). */
export function inclusionProof(index: number, size: number, hashAt: HashAt): Hash[] {
  requireIndex(index, size)
  const path: Hash[] = []
  let [from, to] = [0, size]
  while (to - from > 1) {
    const middle = from + largestPowerBelow(to - from)
    if (index < middle) {
      path.push(rangeHash(middle, to, hashAt))
      to = middle
    } else {
      path.push(rangeHash(from, middle, hashAt))
      from = middle
    }
  }
  return path.reverse()
}

/** Proof that the tree of `earlier` leaves is the beginning of the one of `later` (RFC 9162 section 2.1.4.1). Empty where both are the same, or the earlier is empty. */
export function consistencyProof(earlier: number, later: number, hashAt: HashAt): Hash[] {
  requireOrder(earlier, later)
  if (earlier === 0 || earlier === later) return []
  const path: Hash[] = []
  let [from, to] = [0, later]
  while (to !== earlier) {
    const middle = from + largestPowerBelow(to - from)
    if (earlier <= middle) {
      path.push(rangeHash(middle, to, hashAt))
      to = middle
    } else {
      path.push(rangeHash(from, middle, hashAt))
      from = middle
    }
  }
  // The earlier root itself is not sent where it is a subtree of the later tree: the verifier has it.
  if (from > 0) path.push(rangeHash(from, to, hashAt))
  return path.reverse()
}

/** Checks that `leaf` is leaf `index` of the tree of `size` leaves with this root (RFC 9162 section 2.1.3.2). Throws ProofError. */
export function verifyInclusion(
  claim: { readonly index: number; readonly size: number; readonly leaf: Hash; readonly root: Hash },
  path: readonly Hash[]
): void {
  const { index, size, leaf, root } = claim
  requireIndex(index, size)
  let [at, last] = [index, size - 1]
  let hash = leaf
  for (const sibling of path) {
    if (last === 0) throw new ProofError(`the proof for entry ${index} of ${size} is too long`, index)
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(sibling, hash)
      // Climbs past the levels at which this subtree has no sibling.
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)]
    } else hash = nodeHash(hash, sibling)
    ;[at, last] = [half(at), half(last)]
  }
  if (last !== 0) throw new ProofError(`the proof for entry ${index} of ${size} is too short`, index)
  if (hash !== root) throw new ProofError(`entry ${index} is not in the tree of size ${size}: its proof leads to another root`, index)
}

/** A tree by its size and root. */
export interface TreeHead {
  readonly size: number
  readonly root: Hash
}

/** Checks that the earlier tree is the beginning of the later one (RFC 9162 section 2.1.4.2). Throws ProofError. */
export function verifyConsistency(earlier: TreeHead, later: TreeHead, path: readonly Hash[]): void {
  requireOrder(earlier.size, later.size)
  const between = `the trees of sizes ${earlier.size} and ${later.size}`
  for (const { size, root } of [earlier, later]) if (size === 0 && root !== emptyRoot) throw new ProofError('an empty tree has another root')
  if (earlier.size === 0 || earlier.size === later.size) {
    if (path.length > 0) throw new ProofError(`the proof between ${between} is too long`)
    if (earlier.size === later.size && earlier.root !== later.root) throw new ProofError(`two different trees have the size ${earlier.size}: a fork`)
    return
  }
  const tooShort = `the proof between ${between} is too short`
  let [at, last] = [earlier.size - 1, later.size - 1]
  while (at % 2 === 1) [at, last] = [half(at), half(last)]
  const siblings = at === 0 ? [earlier.root, ...path] : [...path]
  if (siblings[0] === undefined) throw new ProofError(tooShort)
  let [earlierRoot, laterRoot] = [siblings[0], siblings[0]]
  for (const sibling of siblings.slice(1)) {
    if (last === 0) throw new ProofError(`the proof between ${between} is too long`)
    if (at % 2 === 1 || at === last) {
      earlierRoot = nodeHash(sibling, earlierRoot)
      laterRoot = nodeHash(sibling, laterRoot)
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)]
    } else laterRoot = nodeHash(laterRoot, sibling)
    ;[at, last] = [half(at), half(last)]
  }
  if (last !== 0) throw new ProofError(tooShort)
  if (earlierRoot !== earlier.root || laterRoot !== later.root)
    throw new ProofError(`${between} are not one log: the earlier is not the beginning of the later`)
}

/** Hash of the leaves [from, to), where `from` is a multiple of the largest power of two below their number. */
function rangeHash(from: number, to: number, hashAt: HashAt): Hash {
  const count = to - from
  const power = largestPowerBelow(count)
  if (power * 2 === count || count === 1) return hashAt(Math.log2(count), from / count)
  const middle = from + power
  return nodeHash(rangeHash(from, middle, hashAt), rangeHash(middle, to, hashAt))
}

/** The largest power of two that is smaller than a count above 1; 1 for 1. */
function largestPowerBelow(count: number): number {
  let power = 1
  while (power * 2 < count) power *= 2
  return power
}

function half(value: number): number {
  return Math.floor(value / 2)
}

function requireIndex(index: number, size: number): void {
  requireSize(size)
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) throw new ProofError(`there is no entry ${index} in a tree of size ${size}`)
}

function requireOrder(earlier: number, later: number): void {
  requireSize(earlier)
  requireSize(later)
  if (earlier > later) throw new ProofError(`a tree of size ${earlier} is not the beginning of one of size ${later}`)
}
