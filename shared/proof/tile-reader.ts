import { type Hash, hashToBase64, leafHash } from './hash.ts'
import { ProofError } from './proof-error.ts'
import { edgeOf } from './tile-writer.ts'
import { bundlePath, decodeBundle, decodeTile, hashesAtLevel, hashInTile, type ReadTile, tileHeight, tilePath, tileWidth } from './tiles.ts'
import type { HashAt, TreeHead } from './tree-proof.ts'
import { type Tree, treeOf } from './tree.ts'

/** One entry of a log that agrees with its tile. */
export interface ReadEntry {
  readonly index: number
  readonly entry: Uint8Array
}

/**
 * Gives every entry of a log from `minimumIndex` on, each checked against its tile, and checks then that the tiles lead up to the root. What
 * lies before `minimumIndex` may be gone (C2SP tlog-tiles, "Pruning"). Only a run that ends without a ProofError has proven anything: it
 * names the first entry and the file that are wrong. Returns the tree.
 */
export function* verifiedEntries(read: ReadTile, { size, root }: TreeHead, minimumIndex = 0): Generator<ReadEntry, Tree> {
  const tiles = openTiles(read, size)
  for (let bundle = Math.floor(minimumIndex / tileWidth); bundle < Math.ceil(size / tileWidth); bundle++) {
    const leaves = tiles(0, bundle)
    for (const [at, entry] of readBundle(read, bundle, size).entries()) {
      const index = bundle * tileWidth + at
      if (leafHash(entry) !== leaves[at]) throw new ProofError(`entry ${index} is not the one that its tile was made of (${bundlePath(bundle)})`, index)
      if (index >= minimumIndex) yield { index, entry }
    }
  }
  checkLevels(tiles, size, minimumIndex)
  const tree = treeOf(size, edgeOf(partialTiles(tiles, size)))
  if (tree.root() !== root)
    throw new ProofError(
      `the ${size} entries do not have the root ${hashToBase64(root)} but ${hashToBase64(tree.root())}: the log was rewritten, or it is another one`
    )
  return tree
}

/** Where a proof finds its hashes: in the tiles of a log of `size` entries. They are not checked: the proof that is made of them is. */
export function tileHashes(read: ReadTile, size: number): HashAt {
  const tiles = openTiles(read, size)
  return (level, index) => {
    const tileLevel = Math.floor(level / tileHeight)
    const within = level % tileHeight
    const perTile = tileWidth / 2 ** within
    return hashInTile(tiles(tileLevel, Math.floor(index / perTile)), within, index % perTile)
  }
}

type Tiles = (level: number, index: number) => Hash[]

/** The tiles of a log as one of its sizes sees them. One a level is kept, as readers go from left to right. */
function openTiles(read: ReadTile, size: number): Tiles {
  const kept = new Map<number, { readonly index: number; readonly hashes: Hash[] }>()
  return (level, index) => {
    const held = kept.get(level)
    if (held?.index === index) return held.hashes
    const width = Math.min(tileWidth, hashesAtLevel(level, size) - index * tileWidth)
    const hashes = readWidth(read, width, wide => tilePath(level, index, wide), decodeTile, index * tileWidth ** (level + 1))
    kept.set(level, { index, hashes })
    return hashes
  }
}

function readBundle(read: ReadTile, index: number, size: number): Uint8Array[] {
  const width = Math.min(tileWidth, size - index * tileWidth)
  return readWidth(read, width, wide => bundlePath(index, wide), decodeBundle, index * tileWidth)
}

/** A partial file may have given way to the full one, which begins with the same. */
function readWidth<T>(
  read: ReadTile,
  width: number,
  path: (width: number) => string,
  decode: (bytes: Uint8Array, width: number, count?: number) => T[],
  firstIndex: number
): T[] {
  const given = read(path(width))
  const bytes = given ?? (width < tileWidth ? read(path(tileWidth)) : null)
  if (!bytes) throw new ProofError(`${path(width)} is missing`, firstIndex)
  try {
    return given ? decode(bytes, width) : decode(bytes, tileWidth, width)
  } catch (error) {
    throw new ProofError(`${path(given ? width : tileWidth)}: ${(error as Error).message}`, firstIndex)
  }
}

/** Every full tile that was not pruned must have its hash in the tile above it. */
function checkLevels(tiles: Tiles, size: number, minimumIndex: number): void {
  for (let level = 0; hashesAtLevel(level + 1, size) > 0; level++) {
    const span = tileWidth ** (level + 1)
    for (let index = Math.floor(minimumIndex / span); index < hashesAtLevel(level + 1, size); index++) {
      const above = tiles(level + 1, Math.floor(index / tileWidth))[index % tileWidth]
      if (hashInTile(tiles(level, index), tileHeight, 0) !== above)
        throw new ProofError(
          `${tilePath(level, index)} does not have the hash that stands in ${tilePath(level + 1, Math.floor(index / tileWidth))}`,
          index * span
        )
    }
  }
}

/** The tiles at the right edge, the lowest level first; an empty one for a level whose tiles are all full. */
function partialTiles(tiles: Tiles, size: number): Hash[][] {
  const levels: Hash[][] = []
  for (let level = 0; hashesAtLevel(level, size) > 0; level++) {
    const count = hashesAtLevel(level, size)
    levels.push(count % tileWidth === 0 ? [] : tiles(level, Math.floor(count / tileWidth)))
  }
  return levels
}
