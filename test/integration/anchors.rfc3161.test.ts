import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { newAuthority } from '#deploy/local/x509.ts'
import { checkpointToAnchor, verifyTimeStamp } from '#shared/anchors/index.ts'
import { rfc3161Anchor } from '#shared/anchors/rfc3161.ts'
import { timeStampRequest, tokenOf } from '#shared/anchors/time-stamp.ts'
import { signCheckpoint } from '#shared/proof/checkpoint.ts'
import { emptyRoot } from '#shared/proof/hash.ts'
import { formatSigner, parseSigner } from '#shared/proof/note-key.ts'
import { startTimeStampAuthority, type TimeStampAuthority } from '#test/support/time-stamp-authority.ts'
import { programAt } from '#test/support/programs.ts'

const openssl = programAt('openssl', 'openssl')
const origin = 'audit.example.com/x'
const signer = parseSigner(formatSigner(origin, generateKeyPairSync('ed25519').privateKey))
const checkpoint = checkpointToAnchor(await signCheckpoint({ origin, size: 3, root: emptyRoot }, [signer]))
const other = checkpointToAnchor(await signCheckpoint({ origin, size: 4, root: emptyRoot }, [signer]))
const folder = mkdtempSync(join(tmpdir(), 'reeve-rfc3161-'))
let tsa: TimeStampAuthority | null = null

beforeAll(async () => {
  if (!openssl) return
  tsa = await startTimeStampAuthority([
    { name: 'stamps', key: 'rsa' },
    { name: 'stamps-ec', intermediate: true },
    { name: 'stamps-old', essAlgorithm: 'sha1' },
    { name: 'web', usage: 'serverAuth' },
    { name: 'both', usage: 'critical, timeStamping, serverAuth' },
    { name: 'not-critical', usage: 'timeStamping' }
  ])
})
beforeEach(context => {
  if (!tsa) context.skip('openssl is missing')
})
afterEach(() => {
  tsa?.alter(null)
  tsa?.use('stamps')
})
afterAll(async () => {
  await tsa?.close()
  rmSync(folder, { recursive: true })
})
const anchor = (url = tsa!.url, caFile = tsa!.caFile, timeoutMs = 5_000) => rfc3161Anchor({ name: 'tsa', outside: true, url, caFile, timeoutMs })

test.each(['stamps', 'stamps-ec', 'stamps-old'])('a token is taken, kept as evidence, and verified by openssl as well: %s', async name => {
  tsa!.use(name)
  const before = Date.now()
  expect(await anchor().check()).toEqual([])
  const receipt = await anchor().put(checkpoint)
  expect(receipt).toMatchObject({ kind: 'rfc3161', sha256: checkpoint.sha256, evidence: { authority: `CN=${name}`, policy: '1.2.3.4.1' } })
  const token = Buffer.from(receipt.evidence['token']!, 'base64')
  const stamp = await verifyTimeStamp(token, checkpoint.text, readFileSync(tsa!.caFile, 'utf8'))
  expect(Math.abs(stamp.atMs - before)).toBeLessThan(60_000)
  expect(new Date(stamp.atMs).toISOString()).toBe(receipt.evidence['at'])
  expect(tsa!.verify(token, checkpoint.text)).toContain('Verification: OK')
  expect((await anchor().put(checkpoint)).evidence['serial']).not.toBe(stamp.serial)
})

test('a token is refused over other bytes, with an old nonce, and from an authority that nobody named', async () => {
  const pem = readFileSync(tsa!.caFile, 'utf8')
  const { request, nonce } = timeStampRequest(checkpoint.text)
  const answer = tsa!.reply(request)
  const token = tokenOf(answer)
  await verifyTimeStamp(token, checkpoint.text, pem, nonce)
  await expect(verifyTimeStamp(token, other.text, pem)).rejects.toThrow('over other bytes')
  const [byOpenssl, otherHash] = ['sha256', 'sha512'].map(digest => tokenOf(tsa!.reply(tsa!.query(checkpoint.text, digest))))
  await verifyTimeStamp(byOpenssl!, checkpoint.text, pem)
  await expect(verifyTimeStamp(otherHash!, checkpoint.text, pem)).rejects.toThrow('over another hash than SHA-256')
  tsa!.alter(() => ({ body: answer }))
  await expect(anchor().put(checkpoint)).rejects.toThrow('does not bear the nonce of this request')
  await expect(anchor().put(other)).rejects.toThrow('over other bytes')
  tsa!.alter(null)

  await expect(verifyTimeStamp(token, checkpoint.text, newAuthority('CN=root').certificate)).rejects.toThrow('is not vouched for')
  // The end of the chain may be any certificate that was named.
  await expect(verifyTimeStamp(token, checkpoint.text, newAuthority('CN=root').certificate + pem)).resolves.toMatchObject({ authority: 'CN=stamps' })
})

test('a token is refused when its certificate is for something else, or is not named in it', async () => {
  const pem = readFileSync(tsa!.caFile, 'utf8')
  const token = tokenOf(tsa!.reply(timeStampRequest(checkpoint.text).request))
  await verifyTimeStamp(tsa!.signAnew(token, 'stamps', true), checkpoint.text, pem)
  for (const certificate of ['web', 'both', 'not-critical'])
    await expect(verifyTimeStamp(tsa!.signAnew(token, certificate, true), checkpoint.text, pem)).rejects.toThrow('not for time stamps alone')
  await expect(verifyTimeStamp(tsa!.signAnew(token, 'stamps', false), checkpoint.text, pem)).rejects.toThrow('does not name the certificate')
})

test('a token with any byte altered says the same or is refused', async () => {
  const pem = readFileSync(tsa!.caFile, 'utf8')
  const token = tokenOf(tsa!.reply(timeStampRequest(checkpoint.text).request))
  const { atMs, serial } = await verifyTimeStamp(token, checkpoint.text, pem)
  let refused = 0
  await fc.assert(
    fc.asyncProperty(fc.nat(token.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
      const bytes = Buffer.from(token)
      bytes[at]! ^= by
      const seen = await verifyTimeStamp(bytes, checkpoint.text, pem).catch((error: unknown) => error)
      if (seen instanceof Error) {
        expect(seen).toMatchObject({ name: 'AnchorError', retriable: false })
        refused += 1
      } else expect(seen).toMatchObject({ atMs, serial })
    }),
    { numRuns: 60 }
  )
  expect(refused).toBeGreaterThan(30)
  for (const bytes of [Buffer.alloc(0), Buffer.from('<html>'), token.subarray(0, 40)]) {
    await expect(verifyTimeStamp(bytes, checkpoint.text, pem)).rejects.toThrow('none that can be read')
    expect(() => tokenOf(bytes)).toThrow(/none that can be read|granted no time stamp/)
  }
})

test('an authority that does not grant, answers otherwise or not at all is said so', async () => {
  const put = () => anchor().put(checkpoint)
  // A request that openssl refuses: over a hash that it does not take.
  const rejection = tsa!.reply(timeStampRequest(checkpoint.text).request.map((byte, at, all) => (at === all.indexOf(0x60) + 8 ? 0x09 : byte)))
  tsa!.alter(() => ({ body: rejection }))
  await expect(put()).rejects.toThrow('granted no time stamp: rejected')
  tsa!.alter(() => ({ status: 503, body: Buffer.from('<html>') }))
  await expect(put()).rejects.toMatchObject({ message: expect.stringContaining('answered 503') as string, retriable: true })
  tsa!.alter(() => ({ status: 403, body: Buffer.from('<html>') }))
  await expect(put()).rejects.toMatchObject({ retriable: false })
  tsa!.alter(() => ({ body: Buffer.from('<html>') }))
  await expect(put()).rejects.toThrow('the answer is none that can be read')
  tsa!.alter(() => ({ body: Buffer.alloc(1_100_000) }))
  await expect(put()).rejects.toThrow('more than 1000000 bytes')

  const silent = createServer(() => undefined)
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  await expect(anchor(`http://127.0.0.1:${port}/`, tsa!.caFile, 100).put(checkpoint)).rejects.toMatchObject({
    message: expect.stringContaining('no answer within 100 ms') as string,
    retriable: true
  })
  silent.closeAllConnections()
  await new Promise(resolve => silent.close(resolve))
  await expect(anchor(`http://127.0.0.1:${port}/`).put(checkpoint)).rejects.toThrow('no connection (ECONNREFUSED)')
})

test('authorities that cannot be read are found when it is checked', async () => {
  const file = join(folder, 'ca.pem')
  await expect(anchor(tsa!.url, file).check()).rejects.toThrow('cannot be read: ENOENT')
  writeFileSync(file, 'nothing')
  await expect(anchor(tsa!.url, file).check()).rejects.toThrow('holds no certificate as PEM')
})
