import { base64Of, type Bytes, hexOf, joined, sha256 } from './bytes.ts'

const leafMark = new Uint8Array([0])
const nodeMark = new Uint8Array([1])

/** A tree of RFC 6962 at its right edge: one root for each bit that is set in `size`, the largest subtree first. */
export interface Edge {
  readonly size: number
  readonly hashes: readonly Bytes[]
}

export function leafOf(entry: Bytes): Promise<Bytes> {
  return sha256(joined(leafMark, entry))
}

export async function grown({ size, hashes }: Edge, leaf: Bytes): Promise<Edge> {
  const left = [...hashes]
  let hash = leaf
  for (let bits = size; bits % 2 === 1; bits = (bits - 1) / 2) hash = await sha256(joined(nodeMark, left.pop()!, hash))
  return { size: size + 1, hashes: [...left, hash] }
}

/** In base64, as checkpoints write it. */
export async function rootOf({ hashes }: Edge): Promise<string> {
  let root: Bytes | null = null
  for (const hash of hashes.toReversed()) root = root === null ? hash : await sha256(joined(nodeMark, hash, root))
  return base64Of(root ?? (await sha256(new Uint8Array())))
}

/** As trailers write it. */
export function frontierOf({ hashes }: Edge): string {
  return hashes.map(hexOf).join()
}

/** The edge that a trailer holds. Throws where it is none of a tree of that size. */
export function edgeOf(size: number, frontier: readonly string[]): Edge {
  let bits = 0
  for (let left = size; left > 0; left = Math.floor(left / 2)) bits += left % 2
  if (frontier.length !== bits) throw new Error(`a tree of ${size} leaves has ${bits} hashes at its edge, not ${frontier.length}`)
  return { size, hashes: frontier.map(hex => Uint8Array.from(hex.match(/../g) ?? [], pair => Number.parseInt(pair, 16))) }
}
