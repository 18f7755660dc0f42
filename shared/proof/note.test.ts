import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openNote, signNote, unverifiedText } from './note.ts'
import { formatSigner, parseSigner, parseVerifier, type Signer } from './note-key.ts'

const newKey = (name: string) => parseSigner(formatSigner(name, generateKeyPairSync('ed25519').privateKey))
const knownOf = (...signers: readonly Signer[]) => signers.map(({ vkey }) => parseVerifier(vkey))
const [first, second] = [newKey('audit.example.com/one'), newKey('audit.example.com/two')]

/** The example of C2SP signed-note. */
const published = {
  vkey: 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  note: 'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n'
}
/** The example of Go's package golang.org/x/mod/sumdb/note. */
const ofGo = {
  skey: 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz',
  vkey: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  line: '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'
}

describe('a signed note', () => {
  test('of the specification opens with its key, as text and as bytes', () => {
    for (const note of [published.note, Buffer.from(published.note)])
      expect(openNote(note, [parseVerifier(published.vkey)])).toMatchObject({ text: 'This is an example message.\n', by: [{ name: 'example.com/foo' }] })
  })

  test("is byte for byte the one that Go's package signs with the same key", async () => {
    const signer = parseSigner(ofGo.skey)
    expect(signer.vkey).toBe(ofGo.vkey)
    expect(await signNote(ofGo.text, [signer])).toBe(`${ofGo.text}\n${ofGo.line}`)
  })

  test('says which of many known keys signed it, each once, and passes over those that nobody knows', async () => {
    const others = Array.from({ length: 20 }, (_, index) => newKey(`stranger.example/${index}`))
    const note = await signNote('a\n\nb\n', [...others, first, second])
    expect(openNote(note, knownOf(second)).by.map(({ name }) => name)).toEqual([second.name])
    expect(openNote(note, knownOf(second, first)).by.map(({ vkey }) => vkey)).toEqual([first.vkey, second.vkey])
    const twice = note + note.split('\n').at(-2)! + '\n'
    expect(openNote(twice, knownOf(second)).by).toHaveLength(1)
    expect(openNote(note, knownOf(second)).text).toBe('a\n\nb\n')
    expect(() => openNote(note, knownOf(newKey(first.name)))).toThrow('no known key signed this note')
    expect(() => openNote(note, [])).toThrow('no known key signed this note')
    expect(unverifiedText(note)).toBe('a\n\nb\n')
  })

  test('of which any character was altered does not open', async () => {
    const note = await signNote('audit.example.com/one\n12\nroot\n', [first])
    fc.assert(
      fc.property(fc.nat(note.length - 1), fc.constantFrom('x', ' ', '\n', '—', '\0', 'é'), (at, by) => {
        fc.pre(note[at] !== by)
        expect(() => openNote(note.slice(0, at) + by + note.slice(at + 1), knownOf(first))).toThrow(/note|signature/)
        expect(() => openNote(note.slice(0, at) + note.slice(at + 1), knownOf(first))).toThrow(/note|signature/)
      }),
      { numRuns: 200 }
    )
  })

  test('is refused when a known key signed it wrongly, though another signed it well', async () => {
    const [note, other] = await Promise.all([signNote('a\n', [first, second]), signNote('b\n', [second])])
    const mixed = note.replace(note.split('\n').at(-2)!, other.split('\n').at(-2)!)
    expect(() => openNote(mixed, knownOf(first, second))).toThrow('the signature of audit.example.com/two')
    expect(openNote(mixed, knownOf(first)).by).toHaveLength(1)
  })

  test.each([
    ['nothing', ''],
    ['no signature', 'a\n'],
    ['an empty block of signatures', 'a\n\n'],
    ['no end', published.note.slice(0, -1)],
    ['a tab', published.note.replace('an example', 'an\texample')],
    ['a carriage return', published.note.replace('.\n', '.\r\n')],
    ['a null', published.note.replace('an example', 'an\0example')],
    ['a hyphen for the dash', published.note.replace('—', '-')],
    ['two spaces', published.note.replace(' Uw2', '  Uw2')],
    ['a plus in the name', published.note.replace('example.com/foo', 'example.com+foo')],
    ['a wide space in the name', published.note.replace('com/foo', 'com\u2003foo')],
    ['no padding', published.note.replace('aQM=', 'aQM')],
    ['bits too many in the padding', published.note.replace('aQM=', 'aQN=')],
    ['a signature of four bytes', 'a\n\n— example.com/foo Uw2QOg==\n'],
    ['a line without a signature', `${published.note}— example.com/foo\n`],
    ['half a surrogate', published.note.replace('an example', 'an \ud800 example')],
    ['more than 100 signatures', published.note + `${published.note.split('\n')[2]}\n`.repeat(100)],
    ['more than a million bytes', `${'a'.repeat(1_000_000)}\n\n${published.note.split('\n')[2]}\n`]
  ])('is refused for %s', (_, note) => {
    expect(() => openNote(note, [parseVerifier(published.vkey)])).toThrow(expect.objectContaining({ name: 'ProofError' }))
  })

  test('is refused for bytes that are no UTF-8, and a byte order mark is part of the text', async () => {
    expect(() => openNote(Buffer.from([0xff, ...Buffer.from(published.note)]), [parseVerifier(published.vkey)])).toThrow('a note must be UTF-8')
    const marked = Buffer.from(`\ufeff${published.note}`)
    expect(() => openNote(marked, [parseVerifier(published.vkey)])).toThrow('the signature of example.com/foo')
    const note = await signNote('\ufeffa\n', [first])
    expect(openNote(Buffer.from(note), knownOf(first)).text).toBe('\ufeffa\n')
  })

  test('opens or says why not, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('\n', '— ', 'a', '+', ' ', 'QUJDREVG', '=') })), text => {
        expect(() => openNote(text, knownOf(first))).toThrow(expect.objectContaining({ name: 'ProofError' }))
      })
    )
  })

  test('is not signed for a text that would not open again', async () => {
    for (const text of ['', 'a', 'a\tb\n', 'a\0\n', 'a\ud800\n']) await expect(signNote(text, [first])).rejects.toThrow('a note must')
    await expect(signNote('a\n', [])).rejects.toThrow('needs a signature')
    const liar: Signer = { ...first, sign: message => second.sign(message) }
    await expect(signNote('a\n', [liar])).rejects.toThrow('does not sign what its verifier key verifies')
  })
})

describe('a key', () => {
  test('is read from its text and from PEM alike, and written as Go reads it', () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const text = formatSigner('audit.example.com/x', privateKey)
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    expect(parseSigner(pem, 'audit.example.com/x').vkey).toBe(parseSigner(`${text}\n`).vkey)
    expect(text).toMatch(/^PRIVATE\+KEY\+audit\.example\.com\/x\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/)
    expect(formatSigner('PeterNeumann', generateKeyPairSync('ed25519').privateKey)).not.toBe(ofGo.skey)
  })

  test.each([
    ['an altered id', published.vkey.replace('530d903a', '530d903b'), 'it was altered'],
    ['an altered name', published.vkey.replace('foo', 'bar'), 'it was altered'],
    ['an id in capitals', published.vkey.replace('530d903a', '530D903A'), 'expected a verifier key'],
    ['another type', 'a+00000000+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k', 'not of the type Ed25519'],
    ['a short key', 'a+00000000+AekyeQ==', 'not of the type Ed25519'],
    ['no name', '+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k', 'expected a verifier key'],
    ['a space in the name', published.vkey.replace('/', ' '), 'expected a verifier key'],
    ['nothing', '', 'expected a verifier key']
  ])('to verify with is refused for %s', (_, vkey, message) => {
    expect(() => parseVerifier(vkey)).toThrow(message)
  })

  test('to sign with is refused without a word of it', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    const secret = ofGo.skey.split('+').at(-1)!.slice(0, 20)
    const wrong: [string, string?][] = [
      [ofGo.skey.replace('c74f20a3', 'c74f20a4')],
      [ofGo.skey.replace('PeterNeumann', 'Peter Neumann')],
      [ofGo.skey, 'another.name'],
      [ofGo.skey.slice(0, -4)],
      [ofGo.skey.slice(8)],
      [`-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`, 'a'],
      [rsa, 'a'],
      [rsa],
      ['']
    ]
    for (const [text, name] of wrong) {
      expect(() => parseSigner(text, name)).toThrow(
        expect.objectContaining({ name: 'ProofError', message: expect.not.stringContaining(secret.slice(0, 6)) as string })
      )
    }
    expect(() => parseSigner(rsa, 'a')).toThrow('expected a key of the type ed25519, not rsa')
  })
})
