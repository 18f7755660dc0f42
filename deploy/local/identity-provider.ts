import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What tokens say, beside their issuer; a test changes it to make wrong ones. */
export interface Issuing {
  readonly audience: string
  /** Negative: expired so long ago. */
  readonly lifeMs: number
  /** False: signed by a key that the provider does not publish. */
  readonly ownKey: boolean
}

export interface IdentityProvider {
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly jwksUrl: string
  /** Tokens that it gave. */
  readonly issued: number
  /** Requests for a token, refused ones too. */
  readonly asked: number
  /** Secrets by client id; a test may change one. */
  readonly clients: Map<string, string>
  issue(otherwise: Partial<Issuing>): void
  /** Null: it works. Else what it answers with in place of a token; `down` closes every connection. */
  mood(mood: { readonly status: number; readonly error: string } | 'down' | null): void
  close(): Promise<void>
}

const keyId = 'double-1'

/**
 * A double of an identity provider on this machine: client credentials (RFC 6749 section 4.4) for the clients it knows, tokens that are
 * real JWTs (RS256), and the keys to check them with (RFC 7517). The audience is one that brokers must expect.
 */
export async function openIdentityProvider(clients: Readonly<Record<string, string>>, audience = 'kafka'): Promise<IdentityProvider> {
  const [own, foreign] = [generateKeyPairSync('rsa', { modulusLength: 2048 }), generateKeyPairSync('rsa', { modulusLength: 2048 })]
  const known = new Map(Object.entries(clients))
  let issuing: Issuing = { audience, lifeMs: 300_000, ownKey: true }
  let mood: Parameters<IdentityProvider['mood']>[0] = null
  let issued = 0
  let asked = 0
  const server = createServer((request, response) => void handle(request, response).catch(() => request.socket.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = (status: number, body: object) => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (request.url === '/jwks') return answer(200, { keys: [{ ...own.publicKey.export({ format: 'jwk' }), kid: keyId, use: 'sig', alg: 'RS256' }] })
    if (request.url !== '/token' || request.method !== 'POST') return answer(404, {})
    asked++
    if (mood === 'down') return void request.socket.destroy()
    if (mood !== null) return answer(mood.status, { error: mood.error })
    const form = new URLSearchParams(await textOf(request))
    const clientId = clientOf(request.headers.authorization, known)
    if (clientId === null) return answer(401, { error: 'invalid_client' })
    if (form.get('grant_type') !== 'client_credentials') return answer(400, { error: 'unsupported_grant_type' })
    const scope = form.get('scope')
    if (scope !== null && scope !== 'kafka') return answer(400, { error: 'invalid_scope' })
    issued++
    answer(200, { access_token: token(clientId, scope), token_type: 'Bearer', expires_in: Math.ceil(issuing.lifeMs / 1_000) })
  }

  function token(subject: string, scope: string | null): string {
    const now = Date.now()
    const times = { iat: Math.floor((now + Math.min(0, issuing.lifeMs * 2)) / 1_000), exp: Math.ceil((now + issuing.lifeMs) / 1_000) }
    const claims = { iss: issuer, aud: issuing.audience, sub: subject, jti: randomUUID(), ...times, ...(scope === null ? {} : { scope }) }
    const text = [{ alg: 'RS256', typ: 'JWT', kid: keyId }, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    const signature = sign('sha256', Buffer.from(text), (issuing.ownKey ? own : foreign).privateKey)
    return `${text}.${signature.toString('base64url')}`
  }

  return {
    issuer,
    tokenEndpoint: `${issuer}/token`,
    jwksUrl: `${issuer}/jwks`,
    get issued() {
      return issued
    },
    get asked() {
      return asked
    },
    clients: known,
    issue: otherwise => void (issuing = { audience, lifeMs: 300_000, ownKey: true, ...otherwise }),
    mood: next => void (mood = next),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
}

/** The client that HTTP Basic names with its right secret, both form-encoded (RFC 6749 section 2.3.1); else null. */
function clientOf(authorization: string | undefined, clients: ReadonlyMap<string, string>): string | null {
  const [, encoded = ''] = /^Basic (.+)$/.exec(authorization ?? '') ?? []
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64')
    .toString('utf8')
    .split(':')
    .map(part => new URLSearchParams(`=${part}`).get('') ?? '')
  return clients.has(id) && clients.get(id) === secret ? id : null
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
