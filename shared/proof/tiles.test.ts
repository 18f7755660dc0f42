import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Hash, hashesToBytes, leafHash } from './hash.ts'
import { ProofError } from './proof-error.ts'
import { tileHashes, verifiedEntries } from './tile-reader.ts'
import { openTileWriter, tilesOf } from './tile-writer.ts'
import { bundlePath, decodeBundle, decodeTile, encodeBundle, tilePath } from './tiles.ts'
import { consistencyProof, inclusionProof, rootOf, type TreeHead, verifyConsistency, verifyInclusion } from './tree-proof.ts'
import { openTree } from './tree.ts'

const entryAt = (index: number) => Buffer.from(`entry ${index}`)
const entriesOf = (size: number) => Array.from({ length: size }, (_, index) => entryAt(index))
const filesOf = (size: number) => new Map([...tilesOf(entriesOf(size))].map(({ path, bytes }) => [path, bytes]))
const leaves: Hash[] = []
const heads = new Map<number, TreeHead>()
/** Of the log whose entries are `entryAt`. */
const headOf = (size: number): TreeHead => {
  const known = heads.get(size)
  if (known) return known
  const tree = openTree()
  for (let index = 0; index < size; index++) tree.append((leaves[index] ??= leafHash(entryAt(index))))
  heads.set(size, { size, root: tree.root() })
  return heads.get(size)!
}
const reading = (files: ReadonlyMap<string, Uint8Array>) => (path: string) => files.get(path) ?? null
/** The large log that several tests look at: three levels of tiles. */
const large = { size: 70_000, files: filesOf(70_000), head: headOf(70_000) }
const fault = (work: () => unknown): ProofError => {
  try {
    work()
  } catch (error) {
    if (error instanceof ProofError) return error
    throw error
  }
  throw new Error('nothing was found')
}
const walk = (files: ReadonlyMap<string, Uint8Array>, head: TreeHead, minimumIndex = 0) => [...verifiedEntries(reading(files), head, minimumIndex)]

describe('the files of a log', () => {
  test('have the paths of the specification', () => {
    expect(tilePath(0, 1_234_067)).toBe('tile/0/x001/x234/067')
    expect(tilePath(2, 0, 1)).toBe('tile/2/000.p/1')
    expect(bundlePath(999, 255)).toBe('tile/entries/999.p/255')
    expect(bundlePath(1000)).toBe('tile/entries/x001/000')
  })

  test('are those that the specification lists for its example of 70,000 entries, and for 256', () => {
    const paths = [...large.files.keys()]
    const of = (pattern: RegExp) => paths.filter(path => pattern.test(path))
    expect(of(/^tile\/0\/(?!.*\.p)/)).toHaveLength(273)
    expect(of(/^tile\/0\/.*\.p/)).toEqual(['tile/0/273.p/112'])
    expect(of(/^tile\/1\//)).toEqual(['tile/1/000', 'tile/1/001.p/17'])
    expect(of(/^tile\/2\//)).toEqual(['tile/2/000.p/1'])
    expect(of(/^tile\/entries\//)).toHaveLength(274)
    expect(paths).toHaveLength(273 + 1 + 2 + 1 + 274)
    expect([...filesOf(256).keys()].toSorted()).toEqual(['tile/0/000', 'tile/1/000.p/1', 'tile/entries/000'])
    expect([...filesOf(0).keys()]).toEqual([])
  })

  test('are read back to the entries and the root, for any size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_100 }), size => {
        expect(walk(filesOf(size), headOf(size)).map(({ entry }) => Buffer.from(entry).toString())).toEqual(entriesOf(size).map(String))
      }),
      { numRuns: 10, examples: [[0], [1], [255], [256], [257], [512]] }
    )
    const read = verifiedEntries(reading(large.files), large.head)
    let count = 0
    let next = read.next()
    for (; !next.done; next = read.next()) count += 1
    expect(count).toBe(70_000)
    expect(next.value.state()).toEqual(openTree(next.value.state()).state())
    expect(next.value.root()).toBe(large.head.root)
  })

  test('give the tree at any time, and a later state needs only the later files', () => {
    const writer = openTileWriter()
    const files = new Map<string, Uint8Array>()
    const keep = (made: readonly { path: string; bytes: Uint8Array }[]) => {
      for (const { path, bytes } of made) files.set(path, bytes)
    }
    for (const size of [0, 1, 3, 256, 300, 520]) {
      while (writer.size < size) keep(writer.append(entryAt(writer.size)))
      keep(writer.partial())
      expect(writer.tree().root()).toBe(headOf(size).root)
      expect(writer.tree().state()).toMatchObject({ size })
    }
    for (const size of [0, 1, 3, 256, 300, 520]) expect(walk(files, headOf(size))).toHaveLength(size)
    // A partial file may be gone once the full one is there.
    files.delete('tile/0/001.p/44')
    files.delete('tile/entries/001.p/44')
    expect(walk(files, headOf(300))).toHaveLength(300)
  })

  test('hold what proofs are made of', () => {
    const at = tileHashes(reading(large.files), large.size)
    expect(rootOf(large.size, at)).toBe(large.head.root)
    for (const index of [0, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999])
      verifyInclusion({ index, ...large.head, leaf: leafHash(entryAt(index)) }, inclusionProof(index, large.size, at))
    for (const size of [1, 256, 600, 65_536]) verifyConsistency(headOf(size), large.head, consistencyProof(size, large.size, at))
  })

  test('may lack what lies before the minimum index, and no more', () => {
    const pruned = new Map([...large.files].filter(([path]) => !/^tile\/(?:0|entries)\/(?:[01]\d\d|2[0-4]\d|25[0-4])$/.test(path)))
    expect(pruned.size).toBe(large.files.size - 2 * 255)
    const entries = walk(pruned, large.head, 65_400)
    expect([entries[0]!.index, entries.length]).toEqual([65_400, 4_600])
    expect(fault(() => walk(pruned, large.head))).toMatchObject({ message: 'tile/0/000 is missing', index: 0 })
    expect(fault(() => walk(pruned, large.head, 65_279))).toMatchObject({ message: 'tile/0/254 is missing', index: 65_024 })
  })
})

describe('what was altered is found', () => {
  const small = { files: filesOf(600), head: headOf(600) }
  const flipped = (path: string, at: number, files = small.files) => {
    const bytes = Buffer.from(files.get(path)!)
    bytes[at]! ^= 1
    return new Map(files).set(path, bytes)
  }

  test('an entry, by its number', () => {
    // Entries of 256 and after are 9 bytes long, 11 with their length.
    expect(fault(() => walk(flipped('tile/entries/001', 11 * 5 + 2), small.head))).toMatchObject({
      index: 261,
      message: expect.stringContaining('entry 261 is not') as string
    })
    expect(fault(() => walk(flipped('tile/entries/001', 1), small.head))).toMatchObject({
      index: 256,
      message: expect.stringContaining('tile/entries/001') as string
    })
  })

  test('a hash in a tile of any level', () => {
    expect(fault(() => walk(flipped('tile/0/001', 32 * 3), small.head)).index).toBe(259)
    expect(fault(() => walk(flipped('tile/0/002.p/88', 0), small.head)).index).toBe(512)
    expect(fault(() => walk(flipped('tile/1/000.p/2', 33), small.head))).toMatchObject({ index: 256, message: expect.stringContaining('tile/1/000') as string })
    expect(fault(() => walk(flipped('tile/2/000.p/1', 0, large.files), large.head)).index).toBe(0)
  })

  test('an entry that was altered with its tile, or with all tiles', () => {
    const files = flipped('tile/entries/001', 2)
    const forged = leafHash(decodeBundle(files.get('tile/entries/001')!, 256)[0]!)
    files.set('tile/0/001', hashesToBytes(decodeTile(small.files.get('tile/0/001')!, 256).with(0, forged)))
    expect(fault(() => walk(files, small.head))).toMatchObject({ index: 256, message: expect.stringContaining('tile/1/000') as string })
    const rewritten = entriesOf(300).with(7, Buffer.from('forged'))
    const all = new Map([...tilesOf(rewritten)].map(file => [file.path, file.bytes]))
    expect(fault(() => walk(all, headOf(300)))).toMatchObject({ index: null, message: expect.stringContaining('was rewritten') as string })
  })

  test('entries left out, added, or in another order', () => {
    const entries = entriesOf(300)
    const files = (given: readonly Buffer[]) => new Map([...tilesOf(given)].map(file => [file.path, file.bytes]))
    expect(fault(() => walk(files(entries.slice(0, 290)), headOf(300))).message).toBe('tile/0/001.p/44 is missing')
    expect(fault(() => walk(files(entries.toSpliced(3, 2, entries[4]!, entries[3]!)), headOf(300))).message).toContain('was rewritten')
    const longer = encodeBundle([...entries.slice(256), Buffer.from('one more')])
    expect(fault(() => walk(files(entries).set('tile/entries/001.p/44', longer), headOf(300))).message).toContain('does not hold exactly 44 entries')
    expect(fault(() => walk(files(entries).set('tile/0/000', Buffer.alloc(31)), headOf(300))).message).toContain('does not hold exactly 256 hashes')
  })

  test('in any byte of any file', () => {
    const { files, head } = small
    const paths = [...files.keys()]
    fc.assert(
      fc.property(fc.nat(paths.length - 1), fc.nat(), fc.integer({ min: 1, max: 255 }), (which, at, by) => {
        const bytes = Buffer.from(files.get(paths[which]!)!)
        bytes[at % bytes.length]! ^= by
        const found = fault(() => walk(new Map(files).set(paths[which]!, bytes), head))
        expect(found.index).not.toBeNull()
      }),
      { numRuns: 100 }
    )
  })
})

test('a bundle holds entries of 0 to 65,535 bytes, and is read for what it is', () => {
  const entries = [Buffer.alloc(0), Buffer.alloc(65_535, 1), Buffer.from('a')]
  expect(decodeBundle(encodeBundle(entries), 3).map(({ length }) => length)).toEqual([0, 65_535, 1])
  expect(() => encodeBundle([Buffer.alloc(65_536)])).toThrow('at most 65535 bytes long, not 65536')
  expect(() => openTileWriter().append(Buffer.alloc(65_536))).toThrow('at most 65535 bytes')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), fc.nat(4), (bytes, width) => {
      let read: Uint8Array[]
      try {
        read = decodeBundle(bytes, width)
      } catch (error) {
        expect(error).toBeInstanceOf(ProofError)
        return
      }
      expect(read).toHaveLength(width)
      expect(encodeBundle(read)).toEqual(Buffer.from(bytes))
    }),
    { numRuns: 300 }
  )
})
