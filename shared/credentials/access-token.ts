import { tellCredentialNews } from './fresh.ts'

export interface ClientCredentials {
  /** https; http only on this machine. */
  readonly tokenEndpoint: string
  readonly clientId: string
  /** Asked for each time a token is. */
  readonly clientSecret: () => string
  readonly scope?: string
}

/** Why there is no token, in one sentence that says what to look at; neither the secret nor a token stands in it. */
export class NoToken extends Error {
  override readonly name = 'NoToken'
  /** The identity provider may answer otherwise soon. */
  readonly retriable: boolean

  constructor(message: string, retriable: boolean) {
    super(message)
    this.retriable = retriable
  }
}

/** Asked for again before it ends: at this share of its life, which is before brokers are shown one anew (80 % of a session, KIP-368). */
const renewAtShare = 0.75
const timeoutMs = 4_000
const restMs = 1_000

/**
 * Access tokens by client credentials (RFC 6749 section 4.4), the client named by HTTP Basic. One is kept until three quarters of its life
 * are over; one request at a time. While the provider is away a token that still holds is used on, and that is told. Throws NoToken.
 */
export function accessTokens(credentials: ClientCredentials, monotonicMs: () => number = () => performance.now()): () => Promise<string> {
  let held: { readonly token: string; readonly renewAtMs: number; readonly endsAtMs: number } | null = null
  let failed: { readonly error: unknown; readonly untilMs: number } | null = null
  let asking: Promise<string> | null = null

  async function renew(): Promise<string> {
    const askedAtMs = monotonicMs()
    try {
      const { token, lifeMs } = await askFor(credentials)
      held = { token, renewAtMs: askedAtMs + lifeMs * renewAtShare, endsAtMs: askedAtMs + lifeMs }
      failed = null
      return token
    } catch (error) {
      const nowMs = monotonicMs()
      // The end of a token that still holds comes first.
      failed = { error, untilMs: Math.min(nowMs + restMs, held && nowMs < held.endsAtMs ? held.endsAtMs : Infinity) }
      return stillHeld(nowMs, error)
    }
  }

  function stillHeld(nowMs: number, error: unknown): string {
    if (!held || nowMs >= held.endsAtMs) throw error
    tellCredentialNews(`access token of ${credentials.clientId}`, (error as Error).message)
    return held.token
  }

  return async () => {
    const nowMs = monotonicMs()
    if (held && nowMs < held.renewAtMs) return held.token
    // Many connections ask at once; a provider that refuses is not asked by each.
    if (failed && nowMs < failed.untilMs) {
      if (held && nowMs < held.endsAtMs) return held.token
      throw failed.error
    }
    asking ??= renew().finally(() => (asking = null))
    return asking
  }
}

async function askFor({ tokenEndpoint, clientId, clientSecret, scope }: ClientCredentials): Promise<{ token: string; lifeMs: number }> {
  const login = [clientId, clientSecret()].map(formEncoded).join(':')
  const headers = { authorization: `Basic ${Buffer.from(login).toString('base64')}`, accept: 'application/json' }
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) })
  let status: number
  let text: string
  try {
    const response = await fetch(tokenEndpoint, { method: 'POST', headers, body, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
    status = response.status
    text = await response.text()
  } catch (error) {
    const remedy = 'check sasl.tokenEndpoint, the network, and for a private authority NODE_EXTRA_CA_CERTS'
    throw new NoToken(`the identity provider at ${tokenEndpoint}: ${howItFailed(error)}; ${remedy}`, true)
  }
  const read = readTokenAnswer(status, text)
  if ('token' in read) return read
  throw new NoToken(`the identity provider at ${tokenEndpoint} gave no token (${read.said}); check ${read.check}`, read.retriable)
}

function howItFailed(error: unknown): string {
  const { name, cause } = error as Error
  if (name === 'TimeoutError') return `no answer within ${timeoutMs} ms`
  const code = (cause as { code?: unknown } | undefined)?.code
  return `no connection (${typeof code === 'string' ? code : 'the request failed'})`
}

export type TokenAnswer = { readonly token: string; readonly lifeMs: number } | { readonly said: string; readonly check: string; readonly retriable: boolean }

/** What to look at, by RFC 6749 section 5.2. */
const checks: Readonly<Record<string, string>> = {
  invalid_client: 'sasl.clientId and sasl.clientSecret',
  invalid_scope: 'sasl.scope',
  unauthorized_client: 'that this client may use client credentials',
  unsupported_grant_type: 'that the provider offers client credentials'
}

/** Reads the answer of a token endpoint (RFC 6749 section 5); total over any text. A token without `expires_in` is for one use. */
export function readTokenAnswer(status: number, text: string): TokenAnswer {
  const answer = jsonObject(text)
  if (status === 200) {
    const { access_token: token, token_type: type, expires_in: seconds = 0 } = answer
    // What is shown to a broker between separators must hold none.
    const usable = typeof token === 'string' && /^[\x21-\x7e]{1,100000}$/.test(token)
    const isBearer = type === undefined || (typeof type === 'string' && type.toLowerCase() === 'bearer')
    if (usable && isBearer) return { token, lifeMs: Math.max(0, Number(seconds) || 0) * 1_000 }
    return { said: '200 without a bearer token', check: 'sasl.tokenEndpoint', retriable: false }
  }
  const error = typeof answer['error'] === 'string' && /^[a-z_]{1,40}$/.test(answer['error']) ? answer['error'] : null
  const check = (error === null ? undefined : checks[error]) ?? (status === 401 ? checks['invalid_client']! : 'sasl.tokenEndpoint')
  return { said: error === null ? String(status) : `${status} ${error}`, check, retriable: status >= 500 || status === 429 }
}

/** What a token says of itself, for an error: issuer, audience, subject and end. Null where it is no JWT (RFC 7519). It is not verified. */
export function describeToken(token: string, nowMs: number): string | null {
  const claims = jsonObject(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
  const { iss, aud, sub, exp } = claims
  const ends = typeof exp === 'number' && Number.isSafeInteger(exp * 1_000) && Math.abs(exp) < 8.64e12 ? new Date(exp * 1_000) : null
  const said = [
    ...Object.entries({ issuer: iss, audience: aud, subject: sub }).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name} ${JSON.stringify(value)}`]
    ),
    ...(ends ? [`${ends.getTime() < nowMs ? 'EXPIRED at' : 'valid until'} ${ends.toISOString()}`] : [])
  ]
  return said.length > 0 ? said.join(', ') : null
}

function jsonObject(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** RFC 6749 section 2.3.1: both parts are form-encoded before they are joined. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}
