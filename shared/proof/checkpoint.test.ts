import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Checkpoint, formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts'
import { type Hash, hashToBase64, leafHash } from './hash.ts'
import { formatSigner, parseSigner, parseVerifier } from './note-key.ts'
import { formatProof, parseProof, verifyProof } from './tlog-proof.ts'
import { inclusionProof } from './tree-proof.ts'
import { openTree } from './tree.ts'

const origin = 'audit.example.com/production'
const newKey = (name = origin) => parseSigner(formatSigner(name, generateKeyPairSync('ed25519').privateKey))
const root = leafHash(Buffer.from('any'))
const [first, second] = [newKey(), newKey()]
const known = [parseVerifier(first.vkey)]

describe('a checkpoint', () => {
  test('is three lines, as the specification shows them', () => {
    const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
    expect(formatCheckpoint(parseCheckpoint(text))).toBe(text)
    expect(parseCheckpoint(text)).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20852163 })
  })

  test('is signed, and opened for its own log alone', async () => {
    const note = await signCheckpoint({ origin, size: 7, root }, [first])
    expect(await signCheckpoint({ origin, size: 7, root }, [first])).toBe(note)
    expect(openCheckpoint(note, origin, known)).toMatchObject({ origin, size: 7, root, by: [{ vkey: first.vkey }] })
    expect(() => openCheckpoint(note, 'audit.example.com/test', known)).toThrow('where one of audit.example.com/test was expected')
    expect(() => openCheckpoint(note, origin, [parseVerifier(second.vkey)])).toThrow('no known key')
    expect(() => openCheckpoint(note.replace('\n7\n', '\n8\n'), origin, known)).toThrow('was altered')
  })

  const line = hashToBase64(root)
  test.each([
    ['leading zero', `${origin}\n07\n${line}\n`],
    ['sign', `${origin}\n+7\n${line}\n`],
    ['exponent', `${origin}\n1e3\n${line}\n`],
    ['size beyond what a number says exactly', `${origin}\n9007199254740992\n${line}\n`],
    ['short root', `${origin}\n7\n${line.slice(4)}\n`],
    ['root in hex', `${origin}\n7\n${'ab'.repeat(32)}\n`],
    ['extension line', `${origin}\n7\n${line}\nmore\n`],
    ['empty line', `${origin}\n7\n${line}\n\n`],
    ['missing end', `${origin}\n7\n${line}`],
    ['empty origin', `\n7\n${line}\n`],
    ['origin with a space', `a b\n7\n${line}\n`],
    ['nothing', '']
  ])('is refused with: %s', (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ name: 'ProofError' }))
  })

  test('has one text: what is read is written the same', () => {
    const pieces = fc.constantFrom(origin, '\n', '7', '0', line, ' ', '+', 'é')
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), parts => {
        const text = parts.join('')
        let read: Checkpoint
        try {
          read = parseCheckpoint(text)
        } catch (error) {
          expect(error).toMatchObject({ name: 'ProofError' })
          return
        }
        expect(formatCheckpoint(read)).toBe(text)
      }),
      { numRuns: 500 }
    )
  })

  test('is not written for what cannot be read', () => {
    expect(() => formatCheckpoint({ origin: 'a b', size: 1, root })).toThrow('the origin')
    expect(() => formatCheckpoint({ origin, size: -1, root })).toThrow('expected a size')
  })
})

describe('a proof that stands by itself', () => {
  const entries = Array.from({ length: 11 }, (_, index) => Buffer.from(`entry ${index}`))
  const tree = openTree()
  for (const entry of entries) tree.append(leafHash(entry))
  const rangeOf = (from: number, to: number): Hash => {
    const part = openTree()
    for (const entry of entries.slice(from, to)) part.append(leafHash(entry))
    return part.root()
  }
  const proofOf = async (index: number, extra: Uint8Array | null = null) =>
    formatProof({
      index,
      extra,
      path: inclusionProof(index, 11, (level, at) => rangeOf(at * 2 ** level, (at + 1) * 2 ** level)),
      checkpoint: await signCheckpoint({ origin, size: 11, root: tree.root() }, [first])
    })

  test('is checked with the entry, the origin and a key', async () => {
    for (const [index, entry] of entries.entries())
      expect(verifyProof(await proofOf(index), entry, origin, known)).toMatchObject({ index, checkpoint: { size: 11 } })
    const text = await proofOf(3, Buffer.from('beside'))
    expect(text).toMatch(/^c2sp\.org\/tlog-proof@v1\nextra YmVzaWRl\nindex 3\n(?:[A-Za-z0-9+/]{43}=\n){4}\naudit\.example\.com\/production\n11\n/)
    expect(Buffer.from(parseProof(text).extra!).toString()).toBe('beside')
    expect(parseProof(await proofOf(3, Buffer.alloc(0))).extra).toHaveLength(0)
    expect(verifyProof(text, entries[3]!, origin, known).index).toBe(3)
  })

  test('fails for another entry, log, key or place', async () => {
    const text = await proofOf(3)
    expect(() => verifyProof(text, entries[4]!, origin, known)).toThrow('entry 3 is not in the tree of size 11')
    expect(() => verifyProof(text, entries[3]!, 'other', known)).toThrow('where one of other')
    expect(() => verifyProof(text, entries[3]!, origin, [parseVerifier(second.vkey)])).toThrow('no known key')
    expect(() => verifyProof(text.replace('index 3', 'index 2'), entries[3]!, origin, known)).toThrow('entry 2 is not')
    expect(() => verifyProof(text.replace('index 3', 'index 11'), entries[3]!, origin, known)).toThrow('there is no entry 11')
  })

  test('has one text: what is not written so is refused', async () => {
    const text = await proofOf(3, Buffer.from('x'))
    const wrong = [
      text.replace('@v1', '@v2'),
      text.replace('index 3', 'index 03'),
      text.replace('index 3', 'index -1'),
      text.replace('index 3\n', ''),
      text.replace('extra eA==', 'extra eB=='),
      text.replace('extra eA==', 'extra  eA=='),
      text.replace('\n\n', '\n'),
      text.replace('=\n', '\n'),
      `${text.split('\n\n')[0]!}\n\n`,
      '\n\n',
      ''
    ]
    const long = text.replace('index 3\n', `index 3\n${`${hashToBase64(root)}\n`.repeat(60)}`)
    expect(() => parseProof(long)).toThrow('at most 63 hashes')
    for (const altered of wrong)
      expect(() => verifyProof(altered, entries[3]!, origin, known), altered).toThrow(expect.objectContaining({ name: 'ProofError' }))
  })
})
