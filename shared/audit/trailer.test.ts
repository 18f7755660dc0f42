import fc from 'fast-check'
import { expect, test } from 'vitest'
import { leafHash } from '../proof/hash.ts'
import { openTree } from '../proof/tree.ts'
import { encodeTrailer, frontierOf, readTrailer, type Trailer, treeStateOf } from './trailer.ts'

const hexHash = fc.stringMatching(/^[0-9a-f]{64}$/)
const trailer: fc.Arbitrary<Trailer> = fc.record({
  origin: fc.constant('reeve.audit/a/b/0'),
  sequence: fc.integer({ min: 1, max: 2 ** 50 }),
  fingerprint: hexHash,
  epoch: fc.nat(32_767),
  previous: fc.option(hexHash),
  frontier: fc.array(hexHash, { maxLength: 5 }),
  signers: fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 2 }),
  closedThroughMs: fc.option(fc.nat()),
  sources: fc.dictionary(
    fc.string({ unit: 'grapheme' }).filter(name => name !== '__proto__'),
    fc.record({ through: fc.oneof(fc.maxSafeInteger(), fc.constant(null)), resume: fc.dictionary(fc.constantFrom('a', 'b'), fc.nat()) }),
    { maxKeys: 3, noNullPrototype: true }
  )
})

test('a trailer is read back as it was written', () => {
  fc.assert(
    fc.property(trailer, written => {
      const { bytes, hash } = encodeTrailer(written)
      expect(readTrailer(bytes)).toEqual({ ...written, hash })
    })
  )
})

test('no other bytes are a trailer, and none make the reader throw', () => {
  const { bytes } = encodeTrailer(fc.sample(trailer, 1)[0]!)
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map(text => Buffer.from(text)),
        fc.nat(bytes.length - 1).map(length => bytes.subarray(0, length)),
        fc.constant(Buffer.from(` ${bytes.toString()}`))
      ),
      noise => {
        expect(readTrailer(noise)).toHaveProperty('fault')
      }
    )
  )
})

test('the edge of a tree goes through a trailer, and the tree goes on from it', () => {
  const tree = openTree()
  for (let size = 1; size <= 40; size++) {
    tree.append(leafHash(Buffer.from(String(size))))
    const again = openTree(treeStateOf({ sequence: size, frontier: frontierOf(tree.state()) }))
    expect(again.root()).toBe(tree.root())
  }
})
