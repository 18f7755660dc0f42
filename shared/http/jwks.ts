import type { JSONWebKeySet, JWK } from 'jose'

/** The signing keys of an identity provider (RFC 7517), as it publishes them. */
export interface Jwks {
  /** All keys, with the one of that id where the provider has it. Throws one sentence where the provider cannot be asked and no such key is held. */
  keys(kid: string): Promise<JSONWebKeySet>
}

/** Read again after so long; a key of an unknown id asks sooner, but not more often than the second. */
const freshForMs = 10 * 60_000
const askAgainAfterMs = 30_000
const timeoutMs = 5_000
const largestBytes = 262_144

/** `jwksUrl`: null, as the issuer's discovery says (OpenID Connect Discovery 1.0). */
export function openJwks(issuer: string, jwksUrl: string | null, monotonicMs: () => number = () => performance.now()): Jwks {
  let held: JSONWebKeySet = { keys: [] }
  let readAtMs = Number.NEGATIVE_INFINITY
  let askedAtMs = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | null = null

  async function renew(): Promise<void> {
    askedAtMs = monotonicMs()
    const { keys } = (await getJson(jwksUrl ?? (await discover(issuer)))) as { keys?: unknown }
    if (!Array.isArray(keys)) throw new Error("the identity provider's keys: expected a list under keys")
    held = { keys: keys.filter((key): key is JWK => key !== null && typeof key === 'object') }
    readAtMs = monotonicMs()
  }

  const has = (kid: string): boolean => held.keys.some(key => key.kid === kid)

  return {
    async keys(kid) {
      const nowMs = monotonicMs()
      const stale = nowMs - readAtMs > freshForMs
      if ((stale || !has(kid)) && nowMs - askedAtMs >= askAgainAfterMs) {
        asking ??= renew().finally(() => (asking = null))
        await asking.catch((error: unknown) => {
          // Keys that were read are good until the provider says otherwise.
          if (!has(kid)) throw error
        })
      } else if (asking) await asking.catch(() => {})
      return held
    }
  }
}

async function discover(issuer: string): Promise<string> {
  const document = (await getJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)) as { issuer?: unknown; jwks_uri?: unknown }
  if (document.issuer !== issuer) throw new Error("the identity provider's discovery names another issuer than http.oidc.issuer")
  const address = document.jwks_uri
  const sound = typeof address === 'string' && URL.canParse(address) && (address.startsWith('https:') || new URL(address).hostname === new URL(issuer).hostname)
  if (!sound) throw new Error("the identity provider's discovery: expected an https address under jwks_uri")
  return address
}

async function getJson(url: string): Promise<object> {
  let text: string
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs), headers: { accept: 'application/json' } })
    if (response.status !== 200) throw new Error(`it answered ${response.status}`)
    text = await beginning(response)
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { code?: unknown } }
    throw new Error(`the identity provider cannot be asked for its keys: ${typeof cause?.code === 'string' ? cause.code : message}`, { cause: error })
  }
  const value: unknown = JSON.parse(text)
  if (value === null || typeof value !== 'object') throw new Error("the identity provider's keys: expected a JSON object")
  return value
}

async function beginning(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > largestBytes) throw new Error(`it answered more than ${largestBytes} bytes`)
  }
  return text
}
