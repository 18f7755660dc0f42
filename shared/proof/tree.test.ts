import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptyRoot, type Hash, hashAtByte, hashFromBase64, hashToBase64, hashesToBytes, leafHash, nodeHash } from './hash.ts'
import { consistencyProof, type HashAt, inclusionProof, rootOf, verifyConsistency, verifyInclusion } from './tree-proof.ts'
import { openTree } from './tree.ts'

const hex = (hash: Hash) => hashesToBytes([hash]).toString('hex')

/** The inputs and roots of the Certificate Transparency project's tests of RFC 6962. */
const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(text => Buffer.from(text, 'hex'))
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'
]

/** RFC 6962 section 2.1 word for word, slow, with Node's other hash interface. */
function definition(leaves: readonly Uint8Array[]): Buffer {
  const sha = (...parts: readonly Uint8Array[]) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
  if (leaves.length === 0) return sha()
  if (leaves.length === 1) return sha(Buffer.from([0]), leaves[0]!)
  let k = 1
  while (k * 2 < leaves.length) k *= 2
  return sha(Buffer.from([1]), definition(leaves.slice(0, k)), definition(leaves.slice(k)))
}

const entriesOf = (size: number) => Array.from({ length: size }, (_, index) => Buffer.from(`entry ${index}`))
const sourceOf =
  (entries: readonly Uint8Array[]): HashAt =>
  (level, index) => {
    const part = entries.slice(index * 2 ** level, (index + 1) * 2 ** level)
    if (part.length !== 2 ** level) throw new Error(`subtree ${index} of height ${level} is not complete`)
    return hashAtByte(definition(part))
  }
const headOf = (entries: readonly Uint8Array[]) => ({ size: entries.length, root: hashAtByte(definition(entries)) })
const sizes = fc.integer({ min: 1, max: 40 })

describe('the tree', () => {
  test('has the published roots', () => {
    expect(hex(emptyRoot)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    const tree = openTree()
    expect(tree.root()).toBe(emptyRoot)
    for (const [index, input] of inputs.entries()) {
      tree.append(leafHash(input))
      expect(hex(tree.root())).toBe(roots[index])
      expect(rootOf(index + 1, sourceOf(inputs))).toBe(tree.root())
    }
  })

  test('grows to the root that the definition gives, from any state that was put away', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 40 }), fc.nat(40), (entries, cut) => {
        const tree = openTree()
        for (const entry of entries.slice(0, cut)) tree.append(leafHash(entry))
        const later = openTree(JSON.parse(JSON.stringify(tree.state())) as ReturnType<typeof tree.state>)
        const before = tree.root()
        for (const entry of entries.slice(cut)) later.append(leafHash(entry))
        expect(hex(later.root())).toBe(definition(entries).toString('hex'))
        expect(later.size).toBe(entries.length)
        expect(tree.root()).toBe(before)
      }),
      { numRuns: 60 }
    )
  })

  test('hashes leaves of any length', () => {
    for (const length of [0, 1, 65_535, 65_536, 65_537, 2_000_000])
      expect(hex(leafHash(Buffer.alloc(length, 7)))).toBe(definition([Buffer.alloc(length, 7)]).toString('hex'))
  })

  test('refuses a state that is none', () => {
    const { frontier } = openTree({ size: 1, frontier: [hashToBase64(emptyRoot)] }).state()
    expect(() => openTree({ size: 2, frontier: [] })).toThrow('has 1 hashes at its edge, not 0')
    expect(() => openTree({ size: 3, frontier })).toThrow('has 2 hashes')
    expect(() => openTree({ size: 0.5, frontier })).toThrow('expected a size')
    expect(() => openTree({ size: -1, frontier })).toThrow('expected a size')
    expect(() => openTree({ size: 1, frontier: ['AAAA'] })).toThrow('expected a hash')
    expect(() => hashFromBase64(`${hashToBase64(emptyRoot)}\n`)).toThrow('expected a hash')
    expect(() => hashFromBase64(hashToBase64(emptyRoot).replace(/.=$/, '/='))).toThrow('expected a hash')
  })

  test('goes on beyond 2^32 leaves', () => {
    const ones = 2 ** 33 - 1
    const edge = Array.from({ length: 33 }, (_, index) => leafHash(Buffer.from([index])))
    const tree = openTree({ size: ones, frontier: edge.map(hashToBase64) })
    const before = tree.copy()
    tree.append(leafHash(Buffer.from('d')))
    // Every bit carries: all that there was is one complete subtree now.
    expect(tree.state()).toEqual({
      size: 2 ** 33,
      frontier: [hashToBase64(edge.reduceRight((right, left) => nodeHash(left, right), leafHash(Buffer.from('d'))))]
    })
    expect(before.state()).toEqual({ size: ones, frontier: edge.map(hashToBase64) })
  })
})

/** A log whose entries are all the same: of any size, and one hash a level. */
const uniform: Hash[] = [leafHash(Buffer.from('same'))]
while (uniform.length < 53) uniform.push(nodeHash(uniform.at(-1)!, uniform.at(-1)!))
const sameEverywhere: HashAt = level => uniform[level]!
const hugeSizes = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })

test('proofs hold in trees of any size that a number can say exactly', () => {
  fc.assert(
    fc.property(hugeSizes, hugeSizes, hugeSizes, (one, other, place) => {
      const [earlier, later] = [Math.min(one, other), Math.max(one, other)]
      const [root, index] = [rootOf(later, sameEverywhere), place % later]
      verifyInclusion({ index, size: later, leaf: uniform[0]!, root }, inclusionProof(index, later, sameEverywhere))
      verifyConsistency({ size: earlier, root: rootOf(earlier, sameEverywhere) }, { size: later, root }, consistencyProof(earlier, later, sameEverywhere))
    })
  )
  expect(rootOf(2 ** 49 - 1, sameEverywhere)).not.toBe(uniform[49])
})

describe('a proof of inclusion', () => {
  test('is as published for seven leaves (RFC 9162 section 2.1.5)', () => {
    const d = entriesOf(7)
    const at = sourceOf(d)
    const named = (path: readonly Hash[]) => path.map(hex)
    expect(named(inclusionProof(0, 7, at))).toEqual([at(0, 1), at(1, 1), headOf(d.slice(4)).root].map(hex))
    expect(named(inclusionProof(3, 7, at))).toEqual([at(0, 2), at(1, 0), headOf(d.slice(4)).root].map(hex))
    expect(named(inclusionProof(4, 7, at))).toEqual([at(0, 5), at(0, 6), at(2, 0)].map(hex))
    expect(named(inclusionProof(6, 7, at))).toEqual([at(1, 2), at(2, 0)].map(hex))
    expect(named(consistencyProof(3, 7, at))).toEqual([at(0, 2), at(0, 3), at(1, 0), headOf(d.slice(4)).root].map(hex))
    expect(named(consistencyProof(4, 7, at))).toEqual([headOf(d.slice(4)).root].map(hex))
    expect(named(consistencyProof(6, 7, at))).toEqual([at(1, 2), at(0, 6), at(2, 0)].map(hex))
  })

  test('holds for every entry of every tree', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (size, at) => {
        const entries = entriesOf(size)
        const index = at % size
        const path = inclusionProof(index, size, sourceOf(entries))
        verifyInclusion({ index, leaf: leafHash(entries[index]!), ...headOf(entries) }, path)
        expect(path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)))
      }),
      { numRuns: 60 }
    )
  })

  test('fails for anything else: another entry, place, size, root or path', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), fc.constantFrom('entry', 'place', 'size', 'root', 'hash', 'short', 'long'), (size, at, other, what) => {
        const entries = entriesOf(size)
        const index = at % size
        const leaf = leafHash(entries[index]!)
        const { root } = headOf(entries)
        const path = inclusionProof(index, size, sourceOf(entries))
        const wrong = leafHash(Buffer.from('another'))
        const claim = { index, size, leaf, root }
        const [given, proof] = {
          entry: [{ ...claim, leaf: wrong }, path],
          place: [{ ...claim, index: (index + 1 + (other % size)) % (size + 1) }, path],
          // A larger tree whose path has the same shape has the same path to this root: the checkpoint binds the size.
          size: [{ ...claim, size: index }, path],
          root: [{ ...claim, root: wrong }, path],
          hash: [claim, path.length === 0 ? [wrong] : path.with(other % path.length, wrong)],
          short: [path.length === 0 ? { ...claim, root: wrong } : claim, path.slice(0, -1)],
          long: [claim, [...path, wrong]]
        }[what] as [typeof claim, Hash[]]
        fc.pre(given.index !== index || what !== 'place')
        expect(() => verifyInclusion(given, proof)).toThrow(/^(entry|the proof|there is no entry)/)
      }),
      { numRuns: 100 }
    )
  })
})

describe('a proof of consistency', () => {
  test('holds between any two sizes of one log', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (later, cut) => {
        const entries = entriesOf(later)
        const earlier = entries.slice(0, cut % (later + 1))
        const path = consistencyProof(earlier.length, later, sourceOf(entries))
        verifyConsistency(headOf(earlier), headOf(entries), path)
      }),
      { numRuns: 60 }
    )
  })

  test('fails for logs that are not the same, and for any other proof', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 40 }),
        fc.nat(),
        fc.nat(),
        fc.constantFrom('earlier', 'later', 'hash', 'short', 'long'),
        (later, cut, other, what) => {
          const entries = entriesOf(later)
          const earlier = entries.slice(0, 1 + (cut % (later - 1)))
          const path = consistencyProof(earlier.length, later, sourceOf(entries))
          const forged = (of: readonly Uint8Array[]) => headOf(of.with(other % earlier.length, Buffer.from('forged')))
          const wrong = leafHash(Buffer.from('another'))
          const [from, to, proof] = {
            earlier: [forged(earlier), headOf(entries), path],
            later: [headOf(earlier), forged(entries), path],
            hash: [headOf(earlier), headOf(entries), path.with(other % path.length, wrong)],
            short: [headOf(earlier), headOf(entries), path.slice(0, -1)],
            long: [headOf(earlier), headOf(entries), [...path, wrong]]
          }[what] as [ReturnType<typeof headOf>, ReturnType<typeof headOf>, Hash[]]
          expect(() => verifyConsistency(from, to, proof)).toThrow(/^(the proof between|the trees of sizes)/)
        }
      ),
      { numRuns: 100 }
    )
  })

  test('names a fork: two trees of one size', () => {
    const [one, other] = [entriesOf(5), entriesOf(5).with(2, Buffer.from('other'))]
    expect(() => verifyConsistency(headOf(one), headOf(other), [])).toThrow('two different trees have the size 5: a fork')
    expect(() => verifyConsistency(headOf(one), headOf(one.slice(1)), [])).toThrow('is not the beginning')
    expect(() => verifyConsistency({ size: 0, root: headOf(one).root }, headOf(one), [])).toThrow('an empty tree has another root')
  })
})
