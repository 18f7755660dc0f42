import { type Hash, hashesToBytes, leafHash } from './hash.ts'
import { bundlePath, encodeBundle, hashInTile, requireEntry, tileHeight, tilePath, tileWidth } from './tiles.ts'
import { type Tree, treeOf } from './tree.ts'

/** One file of a log; the path is relative, with slashes. */
export interface TileFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/** Turns entries into the files of a log (C2SP tlog-tiles). It holds at most one bundle, and one tile a level. */
export interface TileWriter {
  readonly size: number
  /** Takes the next entry; gives the files that it completed. Throws ProofError for one above 65,535 bytes. */
  append(entry: Uint8Array): TileFile[]
  /** The partial files that a checkpoint over what was taken so far needs. */
  partial(): TileFile[]
  /** The tree over what was taken so far. */
  tree(): Tree
}

export function openTileWriter(): TileWriter {
  let size = 0
  let entries: Uint8Array[] = []
  const levels: Hash[][] = []

  function push(level: number, hash: Hash): TileFile[] {
    const tile = (levels[level] ??= [])
    tile.push(hash)
    if (tile.length < tileWidth) return []
    levels[level] = []
    // The tile that is complete is the last of those that the size holds.
    const file = { path: tilePath(level, size / tileWidth ** (level + 1) - 1), bytes: hashesToBytes(tile) }
    return [file, ...push(level + 1, hashInTile(tile, tileHeight, 0))]
  }

  return {
    get size() {
      return size
    },
    append(entry) {
      requireEntry(entry)
      size += 1
      entries.push(entry)
      const bundle = entries.length === tileWidth ? [{ path: bundlePath(size / tileWidth - 1), bytes: encodeBundle(entries) }] : []
      if (bundle.length > 0) entries = []
      return [...bundle, ...push(0, leafHash(entry))]
    },
    partial() {
      const files = levels.flatMap((tile, level) =>
        tile.length === 0 ? [] : [{ path: tilePath(level, Math.floor(size / tileWidth ** (level + 1)), tile.length), bytes: hashesToBytes(tile) }]
      )
      const bundle = { path: bundlePath(Math.floor(size / tileWidth), entries.length), bytes: encodeBundle(entries) }
      return entries.length === 0 ? files : [bundle, ...files]
    },
    tree: () => treeOf(size, edgeOf(levels))
  }
}

/** All files but the checkpoint of a log that holds these entries. */
export function* tilesOf(entries: Iterable<Uint8Array>): Generator<TileFile> {
  const writer = openTileWriter()
  for (const entry of entries) yield* writer.append(entry)
  yield* writer.partial()
}

/** The complete subtrees, the largest first, that the partial tiles of all levels (the lowest first) fall into. */
export function edgeOf(levels: readonly (readonly Hash[])[]): Hash[] {
  return levels.toReversed().flatMap(tile => {
    const edge: Hash[] = []
    let from = 0
    for (let level = tileHeight - 1; level >= 0; level--)
      if (Math.floor(tile.length / 2 ** level) % 2 === 1) {
        edge.push(hashInTile(tile, level, from / 2 ** level))
        from += 2 ** level
      }
    return edge
  })
}
