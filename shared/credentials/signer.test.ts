import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { Secret } from '../config/secret.ts'
import { openNote, signNote } from '../proof/note.ts'
import { parseVerifier } from '../proof/note-key.ts'
import { type CredentialNews, onCredentialNews } from './fresh.ts'
import { newKey, openSigner, writeKeyFile } from './signer.ts'

const folder = mkdtempSync(join(tmpdir(), 'reeve-signer-'))
const heard: CredentialNews[] = []
const stop = onCredentialNews(news => heard.push(news))
beforeEach(() => {
  heard.length = 0
})
afterAll(() => {
  stop()
  rmSync(folder, { recursive: true })
})
const name = 'audit.example.com/x'
const [first, second] = [newKey(name), newKey(name)]

test('a key is written once, for its owner alone, and signs from its file', async () => {
  const file = join(folder, 'written')
  writeKeyFile(file, first.skey)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(() => writeKeyFile(file, second.skey)).toThrow('EEXIST')
  expect(readFileSync(file, 'utf8')).toBe(`${first.skey}\n`)
  const signer = openSigner({ file })()
  expect(signer).toMatchObject({ name, vkey: first.vkey })
  expect(await signer.sign(Buffer.from('a'))).toHaveLength(64)
})

test('a file that was replaced gives another signer, and the last one still signs: both can sign one note', async () => {
  const file = join(folder, 'replaced')
  writeFileSync(file, first.skey)
  const current = openSigner({ file })
  const before = current()
  expect(current()).toBe(before)
  writeFileSync(file, `${second.skey}\n`)
  const after = current()
  expect([before.vkey, after.vkey]).toEqual([first.vkey, second.vkey])
  const note = await signNote('a\n', [before, after])
  const known = [first, second].map(({ vkey }) => parseVerifier(vkey))
  expect(openNote(note, known).by).toEqual(known)
})

test('what is no key leaves the last one in use, which is told without a word of it', () => {
  const file = join(folder, 'broken')
  writeFileSync(file, first.skey)
  const current = openSigner({ file })
  const before = current()
  writeFileSync(file, second.skey.slice(0, -9))
  expect(current()).toBe(before)
  expect(heard).toEqual([{ event: 'kept', what: file, reason: `${file}: expected a private key: PRIVATE+KEY+<name>+<id>+<base64>, or PEM` }])

  let text = first.skey
  const secret = new Secret(text)
  secret.follow(() => text)
  const configured = openSigner({ secret })
  text = 'none'
  expect(configured().vkey).toBe(first.vkey)
  text = second.skey
  expect(configured().vkey).toBe(second.vkey)
  expect(configured()).toBe(configured())
})

test('a key comes from the environment too; none is an error that names where', () => {
  expect(openSigner({ env: 'KEY' }, { KEY: first.skey })().vkey).toBe(first.vkey)
  expect(() => openSigner({ env: 'KEY' }, {})).toThrow('the environment has no variable KEY')
  expect(() => openSigner({ env: 'KEY', name: 'another' }, { KEY: first.skey })).toThrow(
    `the variable KEY: the private key is the one of ${name}, not of another`
  )
  expect(() => openSigner({ file: join(folder, 'none') })).toThrow('cannot be read: ENOENT')
  expect(() => openSigner({ secret: new Secret('x') })).toThrow('the private key of the configuration: expected a private key')
})
