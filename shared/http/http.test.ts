import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { request as secureRequest } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { openSlackSink } from '#deploy/local/slack-sink.ts'
import { newAuthority } from '#deploy/local/x509.ts'
import type { PersonRequest } from '../engine/agent.ts'
import type { Answer } from '../engine/ask.ts'
import { provenBy } from '../engine/seal.ts'
import { openAsker } from './asker.ts'
import { openJwks } from './jwks.ts'
import { linkRoute } from './links.ts'
import { requestsRoute } from './requests.ts'
import type { Route } from './route.ts'
import { type HttpOptions, openHttp } from './server.ts'
import { slackRoute } from './slack.ts'
import { newNonce, signTicket, type Ticket } from './tokens.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})
const nothing = () => undefined
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const key = 'a key of at least 32 characters .'
const nowMs = () => Date.now()

/** A cluster that writes down what it hears, and answers as it is told. */
function listening(outcome: Partial<Answer> = {}) {
  const heard: PersonRequest[] = []
  const entry = { kind: 'request' as const, atMs: 0, epoch: 1, agent: null, subject: '', what: 'somebody asked: <b>something</b>', facts: null }
  const hearing = {
    name: 'eu',
    scope: 'c1/reeve.requests',
    async ask(request: PersonRequest): Promise<Answer> {
      heard.push(request)
      return { request, entries: [entry], refused: null, ...outcome }
    }
  }
  return { heard, hearings: () => [hearing] }
}
const common = (hearings: ReturnType<typeof listening>['hearings']) => ({ keys: () => [key], hearings, say: openAsker(() => [key]), nowMs })

async function serve(routes: readonly Route[], tls?: HttpOptions['tls']) {
  const http = await openHttp({ host: '127.0.0.1', port: 0, routes, log, tls })
  closers.push(() => http.close())
  return `http${tls ? 's' : ''}://${http.address}`
}
const token = (more: Partial<Ticket> = {}, by = key) =>
  signTicket({ cluster: 'c1/reeve.requests', kind: 'fixed', subject: 'settle', expMs: Date.now() + 60_000, nonce: newNonce(), ...more }, [by])

describe('a link', () => {
  async function links(outcome: Partial<Answer> = {}) {
    const { heard, hearings } = listening(outcome)
    const base = await serve([linkRoute(common(hearings))])
    return { heard, visit: (word: string, init: RequestInit = {}) => fetch(`${base}/v1/links/${word}`, { redirect: 'manual', ...init }) }
  }

  test('shows a page however often it is fetched, and says nothing before somebody presses the button', async () => {
    const { heard, visit } = await links()
    const word = token({ subject: '<script>alert(1)</script>' })
    for (let i = 0; i < 5; i++) await visit(word)
    expect((await visit(word, { method: 'HEAD' })).status).toBe(405)
    const response = await visit(word)
    const page = await response.text()
    expect(page).toContain('Say that &#60;script&#62;alert(1)&#60;/script&#62; is fixed?')
    expect(page).not.toContain('<script')
    expect(response.headers.get('content-security-policy')).toBe("default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
    expect([response.headers.get('referrer-policy'), response.headers.get('cache-control')]).toEqual(['no-referrer', 'no-store'])
    expect(heard).toEqual([])
  })

  test('says it by a POST under the nonce of the token, sealed, with the reason that was given', async () => {
    const { heard, visit } = await links()
    const nonce = newNonce()
    const expMs = Date.now() + 9 * 86_400_000
    const response = await visit(token({ kind: 'snooze', subject: 'incident-1', forMs: 3_600_000, nonce, expMs }), {
      method: 'POST',
      body: new URLSearchParams({ why: 'we are on it' })
    })
    expect(await response.text()).toContain('somebody asked: &#60;b&#62;something')
    expect(heard).toMatchObject([
      { id: nonce, kind: 'snooze', subject: 'incident-1', who: `link ${nonce}`, why: 'we are on it', forMs: 3_600_000, onceUntilMs: expMs }
    ])
    expect(provenBy(heard[0]!, 'c1/reeve.requests', [key])).toBe('link')
  })

  test('that is forged, expired, of another cluster or no link says nothing, by GET and by POST', async () => {
    const { heard, visit } = await links()
    for (const method of ['GET', 'POST']) {
      expect((await visit(token({}, 'another key of 32 characters ....'), { method })).status).toBe(403)
      expect((await visit(`${token()}x`, { method })).status).toBe(403)
      expect((await visit(token({ expMs: Date.now() - 1 }), { method })).status).toBe(410)
      expect((await visit(token({ cluster: 'other' }), { method })).status).toBe(503)
      expect((await visit('%00..%2f', { method })).status).toBe(403)
    }
    expect(heard).toEqual([])
  })

  test('tells the person when the leader refuses it, and when nobody leads', async () => {
    const used = await (await links({ refused: 'this link or button was used before' })).visit(token(), { method: 'POST' })
    expect([used.status, await used.text()]).toEqual([409, expect.stringContaining('Refused: this link or button was used before.')])
    const alone = await (await links({ entries: [] })).visit(token(), { method: 'POST' })
    expect([alone.status, await alone.text()]).toEqual([202, expect.stringContaining('counts as soon as a replica leads')])
  })
})

describe("Slack's buttons", () => {
  const secret = 'signing-secret'
  async function slack() {
    const sink = await openSlackSink()
    closers.push(() => sink.close())
    const { heard, hearings } = listening()
    const origin = new URL(sink.api).origin
    const base = await serve([slackRoute({ ...common(hearings), signingSecrets: () => ['an older one', secret], answerHosts: [origin], log })])
    const press = async (payload: object, { atMs = Date.now(), by = secret }: { atMs?: number; by?: string } = {}) => {
      const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
      const timestamp = String(Math.floor(atMs / 1_000))
      const signature = `v0=${createHmac('sha256', by).update(`v0:${timestamp}:${body}`).digest('hex')}`
      return (await fetch(`${base}/v1/slack`, { method: 'POST', body, headers: { 'x-slack-request-timestamp': timestamp, 'x-slack-signature': signature } }))
        .status
    }
    const button = (value: string) => ({
      type: 'block_actions',
      user: { id: 'U0ANN', username: 'ann' },
      actions: [{ action_id: 'reeve-0', value }],
      response_url: sink.webhook('answer')
    })
    return { sink, heard, press, button }
  }

  test('count as the person whom Slack names, and the answer goes back to her', async () => {
    const { sink, heard, press, button } = await slack()
    expect(await press(button(token({ kind: 'appeal' })))).toBe(200)
    await expect.poll(() => sink.messages.length).toBe(1)
    expect(heard).toMatchObject([{ kind: 'appeal', subject: 'settle', who: 'slack:U0ANN', why: 'ann pressed a button in Slack' }])
    expect(provenBy(heard[0]!, 'c1/reeve.requests', [key])).toBe('slack')
    expect(sink.messages[0]!.text).toContain('Taken.\nsomebody asked: &lt;b&gt;')
  })

  test('with an old timestamp, another signature or none are refused', async () => {
    const { heard, press, button } = await slack()
    expect(await press(button(token()), { atMs: Date.now() - 301_000 })).toBe(401)
    expect(await press(button(token()), { atMs: Date.now() + 301_000 })).toBe(401)
    expect(await press(button(token()), { by: 'forged' })).toBe(401)
    expect(heard).toEqual([])
  })

  test('that are signed by Slack but not ours, or no press at all, say nothing; nothing is sent to a foreign address', async () => {
    const { sink, heard, press, button } = await slack()
    for (const payload of [
      { type: 'view_submission' },
      { type: 'block_actions' },
      { ...button(''), user: { id: 'ann; drop' } },
      [],
      { type: 'block_actions', actions: 5 }
    ])
      expect(await press(payload)).toBe(200)
    const foreign = await openSlackSink()
    closers.push(() => foreign.close())
    expect(await press({ ...button('forged.token'), response_url: foreign.webhook('inside') })).toBe(200)
    expect(await press(button('forged.token'))).toBe(200)
    await expect.poll(() => sink.messages.length).toBe(1)
    expect(sink.messages[0]!.text).toContain('not one of ours')
    expect(foreign.requests).toBe(0)
    expect(heard).toEqual([])
  })
})

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
      ['alg none', `${encoded({ alg: 'none', kid: 'rsa' })}.${encoded(claims)}.AA`, 'signed by \\"none\\"'],
      ['alg none without a signature', `${encoded({ alg: 'none' })}.${encoded(claims)}.`, 'signed JWT'],
      ['HS256 by the public key', `${hmacText}.${createHmac('sha256', publicPem).update(hmacText).digest('base64url')}`, 'signed by \\"HS256\\"'],
      ['another key under a known id', jwt(claims, stranger), "not the issuer's"],
      ['an unknown key', jwt(claims, { ...rsa, kid: 'x' }), 'no such key'],
      ['a key of another kind than the token says', jwt(claims, { ...ec, kid: 'rsa' }), 'no such key'],
      ['another issuer', jwt({ ...claims, iss: 'https://evil' }, rsa), 'another issuer'],
      ['another audience', jwt({ ...claims, aud: ['kafka'] }, rsa), 'another audience'],
      ['expired', jwt({ ...claims, exp: now - 61 }, rsa), 'expired'],
      ['without an end', jwt({ ...claims, exp: undefined }, rsa), 'expired'],
      ['not valid yet', jwt({ ...claims, nbf: now + 90 }, rsa), 'not valid yet'],
      ['from the future', jwt({ ...claims, iat: now + 90 }, rsa), 'in the future'],
      ['naming nobody', jwt({ ...claims, email: '' }, rsa), 'names anybody'],
      ['with an extension', jwt(claims, rsa, { crit: ['b64'], b64: false }), 'extension'],
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

test('garbage on the port, at every route, leaves it working and says nothing to anybody', async () => {
  const { heard, hearings } = listening()
  const base = await serve([
    { path: '/healthz', GET: () => ({ status: 200, type: 'text/plain', body: 'well' }) },
    linkRoute(common(hearings)),
    slackRoute({ ...common(hearings), signingSecrets: () => ['s'], answerHosts: [], log }),
    requestsRoute({
      ...common(hearings),
      oidc: { rules: { issuer: 'https://i', audience: 'a', require: null, nameClaim: 'sub' }, jwks: { key: async () => null } },
      clients: ['CN=x']
    })
  ])
  const throwAt = async (bytes: Uint8Array | string) => {
    const socket = connect(Number(new URL(base).port), '127.0.0.1').on('error', nothing)
    let said = ''
    socket.on('data', chunk => (said += String(chunk)))
    socket.end(bytes)
    await once(socket, 'close')
    return said
  }
  const path = fc.oneof(
    fc.constantFrom('/v1/links/', '/v1/links/x.y', '/v1/slack', '/v1/requests', '/v1/../healthz', '//', '*', 'http://evil/'),
    fc.string({ maxLength: 60 }).map(text => `/v1/links/${encodeURIComponent(text.toWellFormed())}`)
  )
  const header = fc.oneof(
    fc.constantFrom(
      'content-length: 10',
      'content-length: -1',
      'transfer-encoding: chunked',
      'expect: 100-continue',
      'connection: upgrade\r\nupgrade: websocket',
      'authorization: Bearer a.b.c'
    ),
    fc.string({ maxLength: 80 })
  )
  const shaped = fc
    .tuple(fc.constantFrom('GET', 'POST', 'PUT', 'CONNECT', 'TRACE', 'G\u0000T'), path, fc.array(header, { maxLength: 6 }), fc.string({ maxLength: 200 }))
    .map(
      ([method, target, headers, body]) =>
        `${method} ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers.map(each => `${each}\r\n`).join('')}\r\n${body}`
    )
  await fc.assert(
    fc.asyncProperty(fc.oneof(shaped, fc.uint8Array({ maxLength: 400 })), async bytes => void (await throwAt(bytes))),
    { numRuns: 300 }
  )
  expect(await throwAt(`POST /v1/requests HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 70000\r\n\r\n${'a'.repeat(70_000)}`)).toContain('413')
  expect(await (await fetch(`${base}/healthz`)).text()).toBe('well')
  expect(heard).toEqual([])
})
