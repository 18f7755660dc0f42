import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { newAuthority } from '#deploy/local/x509.ts'
import { describeCertificate, freshTls } from './tls.ts'

const folder = mkdtempSync(join(tmpdir(), 'reeve-tls-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const authority = newAuthority('CN=house,O=House')
const write = (name: string, text: string) => {
  writeFileSync(at(name), text)
  return at(name)
}

test('the same context is given until a file changes, also by a link that is replaced as Kubernetes does', () => {
  const [one, other] = [authority.issue({ subject: 'CN=one' }), authority.issue({ subject: 'CN=other' })]
  write('one.pem', one.certificate + one.key)
  write('other.pem', other.certificate + other.key)
  symlinkSync(at('one.pem'), at('link.pem'))
  const tls = freshTls({ certFile: at('link.pem'), keyFile: at('link.pem') })
  const first = tls.secureContext
  expect(tls.secureContext).toBe(first)
  symlinkSync(at('other.pem'), at('next.pem'))
  renameSync(at('next.pem'), at('link.pem'))
  expect(tls.secureContext).not.toBe(first)
  expect({ ...tls }.secureContext).toBe(tls.secureContext)
})

test('a certificate without its key, half a file and no file leave the last pair in use', () => {
  const [one, other] = [authority.issue({ subject: 'CN=one' }), authority.issue({ subject: 'CN=other' })]
  const files = { caFile: write('ca.pem', authority.certificate), certFile: write('a.pem', one.certificate), keyFile: write('a.key', one.key) }
  const tls = freshTls(files)
  const first = tls.secureContext
  write('a.pem', other.certificate)
  expect(tls.secureContext).toBe(first)
  write('a.key', other.key.slice(0, 40))
  expect(tls.secureContext).toBe(first)
  rmSync(at('a.key'))
  expect(tls.secureContext).toBe(first)
  write('a.key', other.key)
  expect(tls.secureContext).not.toBe(first)
})

test('files that never fitted are refused with their names and without their content', () => {
  const [one, other] = [authority.issue({ subject: 'CN=one' }), authority.issue({ subject: 'CN=other' })]
  const files = { certFile: write('b.pem', one.certificate), keyFile: write('b.key', other.key) }
  expect(() => freshTls(files)).toThrow(`${files.certFile}, ${files.keyFile}: no PEM files that fit together (ERR_OSSL_X509_KEY_VALUES_MISMATCH)`)
  expect(() => freshTls({ caFile: at('none.pem') })).toThrow(`${at('none.pem')} cannot be read: ENOENT`)
})

test('a certificate is described by its name, its signer and its time', () => {
  const good = write('good.pem', authority.issue({ subject: 'CN=reeve,OU=platform,O=House' }).certificate)
  const late = write('late.pem', authority.issue({ subject: 'CN=reeve', validForMs: -1_000 }).certificate)
  expect(describeCertificate(good, Date.now())).toMatch(/^this client shows CN=reeve,OU=platform,O=House, signed by CN=house,O=House, valid until \d{4}-/)
  expect(describeCertificate(late, Date.now())).toMatch(/signed by CN=house,O=House, EXPIRED at \d{4}-/)
  expect(describeCertificate(undefined, 0)).toBe('this client shows none')
  expect(describeCertificate(write('no.pem', 'no'), 0)).toContain('cannot be read')
})
