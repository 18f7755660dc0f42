import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { request as secureRequest } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { newAuthority } from '#deploy/local/x509.ts'
import { closeAll, closers, common, key, listening, nothing, serve } from '#test/support/http-port.ts'
import { provenBy } from '../engine/seal.ts'
import { openJwks } from './jwks.ts'
import { requestsRoute } from './requests.ts'
import type { HttpOptions } from './server.ts'

afterEach(closeAll)

interface Signer {
  readonly kid: string
  readonly alg: string
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}
const signers: readonly Signer[] = [
  { kid: 'rsa', alg: 'RS256', ...generateKeyPairSync('rsa', { modulusLength: 2_048 }) },
  { kid: 'ec', alg: 'ES256', ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
  { kid: 'ed', alg: 'EdDSA', ...generateKeyPairSync('ed25519') }
]
const [rsa, ec, ed] = signers as [Signer, Signer, Signer]

/** An issuer that publishes some keys, and says how often it was asked. */
async function issuer(keys: () => readonly object[]) {
  let asked = 0
  let down = false
  const server = createServer((request, response) => {
    if (down) {
      request.socket.destroy()
      return
    }
    asked += request.url === '/jwks' ? 1 : 0
    const document = request.url === '/jwks' ? { keys: keys() } : { issuer: address, jwks_uri: `${address}/jwks` }
    response.end(JSON.stringify(document))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => (server.closeAllConnections(), server.close()))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { address, asked: () => asked, goDown: () => void (down = true) }
}
const published = ({ kid, publicKey }: Signer) => ({ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' })

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
function jwt(claims: object, { kid, alg, privateKey }: Signer, header: object = {}): string {
  const text = `${encoded({ alg, kid, typ: 'JWT', ...header })}.${encoded(claims)}`
  const mac = alg === 'EdDSA' ? sign(null, Buffer.from(text), privateKey) : sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${text}.${mac.toString('base64url')}`
}

describe('POST /v1/requests with a bearer token', () => {
  async function port(require: { claim: string; value: string } | null = null, keys: () => readonly object[] = () => signers.map(published)) {
    const provider = await issuer(keys)
    const { heard, hearings } = listening()
    let clockMs = 0
    const jwks = openJwks(provider.address, null, () => clockMs)
    const rules = { issuer: provider.address, audience: 'reeve', require, nameClaim: 'email' }
    const base = await serve([requestsRoute({ ...common(hearings), oidc: { rules, jwks }, clients: [] })])
    const now = Math.floor(Date.now() / 1_000)
    const claims = { iss: provider.address, aud: 'reeve', exp: now + 300, iat: now, sub: 's', email: 'ann@example.com' }
    const say = (bearer: string | null, body: object = { kind: 'halt', why: 'an incident' }, type = 'application/json') =>
      fetch(`${base}/v1/requests`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': type, ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }) }
      })
    return { heard, claims, say, provider, pass: (ms: number) => void (clockMs += ms), now }
  }

  test.each(signers.map(signer => [signer.alg, signer] as const))('is taken with %s, as the person whom the token names', async (_alg, signer) => {
    const { heard, claims, say } = await port()
    const response = await say(jwt(claims, signer), { kind: 'snooze', subject: 'i1', why: 'w', for: '8h', cluster: 'eu' })
    expect([response.status, await response.json()]).toEqual([200, { id: heard[0]!.id, said: 'Taken.', journal: ['somebody asked: <b>something</b>'] }])
    expect(heard).toMatchObject([{ kind: 'snooze', subject: 'i1', who: 'oidc:ann@example.com', forMs: 28_800_000 }])
    expect(provenBy(heard[0]!, 'c1/reeve.requests', [key])).toBe('oidc')
  })

  test('is refused without one, and for everything that is wrong with one', async () => {
    const { heard, claims, say, now } = await port()
    const stranger = { ...rsa, ...generateKeyPairSync('rsa', { modulusLength: 2_048 }) }
    const hmacText = `${encoded({ alg: 'HS256', kid: 'rsa' })}.${encoded(claims)}`
    const publicPem = rsa.publicKey.export({ format: 'pem', type: 'spki' })
    const wrong: readonly (readonly [string, string | null, string])[] = [
      ['none', null, 'expected a bearer token'],
      ['garbage', 'abc', 'signed JWT'],
      ['alg none', `${encoded({ alg: 'none', kid: 'rsa' })}.${encoded(claims)}.AA`, 'another algorithm'],
      ['alg none without a signature', `${encoded({ alg: 'none' })}.${encoded(claims)}.`, 'another algorithm'],
      ['HS256 by the public key', `${hmacText}.${createHmac('sha256', publicPem).update(hmacText).digest('base64url')}`, 'another algorithm'],
      ['another key under a known id', jwt(claims, stranger), "not the issuer's"],
      ['an unknown key', jwt(claims, { ...rsa, kid: 'x' }), 'no such key'],
      ['a key of another kind than the token says', jwt(claims, { ...ec, kid: 'rsa' }), 'no such key'],
      ['another issuer', jwt({ ...claims, iss: 'https://evil' }, rsa), 'another issuer'],
      ['another audience', jwt({ ...claims, aud: ['kafka'] }, rsa), 'another audience'],
      ['expired', jwt({ ...claims, exp: now - 61 }, rsa), 'expired'],
      ['without an end', jwt({ ...claims, exp: undefined }, rsa), 'when it expires'],
      ['not valid yet', jwt({ ...claims, nbf: now + 90 }, rsa), 'not valid yet'],
      ['from the future', jwt({ ...claims, iat: now + 90 }, rsa), 'in the future'],
      ['naming nobody', jwt({ ...claims, email: '' }, rsa), 'names anybody'],
      ['with an extension', jwt(claims, rsa, { crit: ['b64'], b64: false }), 'signed JWT'],
      ['changed', jwt(claims, rsa).replace(/\.[^.]+\./, `.${encoded({ ...claims, email: 'eve' })}.`), "not the issuer's"]
    ]
    for (const [what, bearer, because] of wrong) {
      const response = await say(bearer)
      expect([what, response.status], what).toEqual([what, 401])
      expect(await response.text(), what).toContain(because)
      expect(response.headers.get('www-authenticate'), what).toContain('Bearer')
    }
    expect(heard).toEqual([])
    expect((await say(jwt({ ...claims, exp: now - 50 }, rsa))).status).toBe(200)
  })

  test('asks for the claim that is configured, and says what lacks', async () => {
    const { claims, say } = await port({ claim: 'realm.roles', value: 'reeve-operator' })
    expect((await say(jwt({ ...claims, realm: { roles: ['a', 'reeve-operator'] } }, ed))).status).toBe(200)
    const response = await say(jwt({ ...claims, realm: { roles: ['a'] } }, ed))
    expect([response.status, await response.text()]).toEqual([403, expect.stringContaining('the claim realm.roles does not hold reeve-operator')])
  })

  test('the keys are kept, an unknown one asks anew but not for everybody, and a rotated one is found; away, the held ones serve', async () => {
    let keys: readonly Signer[] = [rsa]
    const { claims, say, provider, pass } = await port(null, () => keys.map(published))
    for (let i = 0; i < 5; i++) expect((await say(jwt(claims, rsa))).status).toBe(200)
    for (let i = 0; i < 5; i++) expect((await say(jwt(claims, ec))).status).toBe(401)
    expect(provider.asked()).toBe(1)
    keys = [ec]
    pass(30_000)
    expect((await say(jwt(claims, ec))).status).toBe(200)
    expect((await say(jwt(claims, rsa))).status).toBe(401)
    expect(provider.asked()).toBe(2)
    provider.goDown()
    pass(3_600_000)
    expect((await say(jwt(claims, ec))).status).toBe(200)
    pass(3_600_000)
    const response = await say(jwt(claims, ed))
    expect([response.status, await response.text()]).toEqual([503, expect.stringContaining('the identity provider cannot be asked for its keys')])
  })

  test('weak and foreign keys of an issuer are none', async () => {
    const weak = { kid: 'weak', alg: 'RS256', ...generateKeyPairSync('rsa', { modulusLength: 1_024 }) }
    const { claims, say } = await port(null, () => [
      published(weak),
      { ...published(rsa), use: 'enc' },
      { kty: 'oct', kid: 'oct', k: 'AAAA' },
      { kty: 'RSA', kid: 'broken' },
      null as never
    ])
    for (const signer of [weak, rsa]) expect((await say(jwt(claims, signer))).status).toBe(401)
  })

  test('a body that is not one is refused with what was expected', async () => {
    const { heard, claims, say } = await port()
    const bearer = jwt(claims, ed)
    for (const body of [
      {},
      { kind: 'drop', why: 'w' },
      { kind: 'halt' },
      { kind: 'halt', why: 'w', who: 'eve' },
      { kind: 'snooze', why: 'w', for: 'soon' },
      []
    ])
      expect((await say(bearer, body)).status).toBe(400)
    expect((await say(bearer, { kind: 'halt', why: 'w', cluster: 'mars' })).status).toBe(503)
    expect((await say(bearer, { kind: 'halt', why: 'w' }, 'text/plain')).status).toBe(415)
    expect((await say(bearer, { kind: 'halt', why: 'w'.repeat(70_000) })).status).toBe(413)
    expect(heard).toEqual([])
  })
})

describe('HTTPS with client certificates', () => {
  const authority = newAuthority('CN=house')
  const files = (): { folder: string; tls: NonNullable<HttpOptions['tls']>; write: (issued: { certificate: string; key: string }) => void } => {
    const folder = mkdtempSync(join(tmpdir(), 'reeve-http-'))
    closers.push(() => rmSync(folder, { recursive: true }))
    const [certFile, keyFile, clientCaFile] = ['cert', 'key', 'ca'].map(name => join(folder, `${name}.pem`)) as [string, string, string]
    writeFileSync(clientCaFile, authority.certificate)
    const write = ({ certificate, key: privateKey }: { certificate: string; key: string }) => {
      writeFileSync(certFile, certificate)
      writeFileSync(keyFile, privateKey)
    }
    write(authority.issue({ subject: 'CN=reeve', hosts: ['127.0.0.1'] }))
    return { folder, tls: { certFile, keyFile, clientCaFile }, write }
  }
  const post = (base: string, client?: { certificate: string; key: string }, ca = authority.certificate) =>
    new Promise<{ status: number; server: string }>((resolve, reject) => {
      const request = secureRequest(
        `${base}/v1/requests`,
        { method: 'POST', ca, agent: false, headers: { 'content-type': 'application/json' }, ...(client && { cert: client.certificate, key: client.key }) },
        response => {
          const { subject } = (response.socket as unknown as { getPeerCertificate(): { subject: { CN: string } } }).getPeerCertificate()
          response.resume().on('end', () => resolve({ status: response.statusCode!, server: subject.CN }))
        }
      )
      request.on('error', reject).end(JSON.stringify({ kind: 'halt', why: 'w' }))
    })

  test('a listed name is taken; another one, one of a foreign authority, an expired one and none are refused', async () => {
    const { heard, hearings } = listening()
    const base = await serve([requestsRoute({ ...common(hearings), oidc: null, clients: ['CN=ops', 'DNS:ops.example.com'] })], files().tls)
    expect((await post(base, authority.issue({ subject: 'CN=ops' }))).status).toBe(200)
    expect((await post(base, authority.issue({ subject: 'CN=other', hosts: ['ops.example.com'] }))).status).toBe(200)
    expect(heard.map(({ who, seal }) => [who, seal?.by])).toEqual([
      ['mtls:CN=ops', 'mtls'],
      ['mtls:DNS:ops.example.com', 'mtls']
    ])
    for (const client of [
      authority.issue({ subject: 'CN=opsi' }),
      newAuthority('CN=house').issue({ subject: 'CN=ops' }),
      authority.issue({ subject: 'CN=ops', validForMs: -60_000 }),
      undefined
    ])
      expect((await post(base, client)).status).toBe(401)
    expect(heard.length).toBe(2)
  })

  test('a new certificate is shown to the next connection, and half a one leaves the old', async () => {
    const { tls, write } = files()
    const { hearings } = listening()
    const base = await serve([requestsRoute({ ...common(hearings), oidc: null, clients: ['CN=ops'] })], tls)
    expect((await post(base)).server).toBe('reeve')
    const garbage = connect(Number(new URL(base).port), '127.0.0.1').on('error', nothing)
    garbage.end('GET / HTTP/1.1\r\n\r\n')
    await once(garbage, 'close')
    write(authority.issue({ subject: 'CN=reeve-2', hosts: ['127.0.0.1'] }))
    expect((await post(base)).server).toBe('reeve-2')
    writeFileSync(tls.certFile, 'half')
    expect((await post(base)).server).toBe('reeve-2')
  })
})
