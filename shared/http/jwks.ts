import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'

/** The signing keys of an identity provider (RFC 7517). */
export interface Jwks {
  /** The key of that id; null: the provider has none. Throws one sentence where the provider cannot be asked and no key is held. */
  key(kid: string): Promise<{ readonly key: KeyObject; readonly algorithm: Algorithm } | null>
}

export type Algorithm = 'RS256' | 'ES256' | 'EdDSA'

/** Read again after so long; a key of an unknown id asks sooner, but not more often than the second. */
const freshForMs = 10 * 60_000
const askAgainAfterMs = 30_000
const timeoutMs = 5_000
const largestBytes = 262_144

/** `jwksUrl`: null, as the issuer's discovery says (OpenID Connect Discovery 1.0). */
export function openJwks(issuer: string, jwksUrl: string | null, monotonicMs: () => number = () => performance.now()): Jwks {
  let held: ReadonlyMap<string, { readonly key: KeyObject; readonly algorithm: Algorithm }> = new Map()
  let readAtMs = Number.NEGATIVE_INFINITY
  let askedAtMs = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | null = null

  async function renew(): Promise<void> {
    askedAtMs = monotonicMs()
    const { keys } = (await getJson(jwksUrl ?? (await discover(issuer)))) as { keys?: unknown }
    if (!Array.isArray(keys)) throw new Error("the identity provider's keys: expected a list under keys")
    held = new Map((keys as (JsonWebKey & { kid?: unknown; use?: unknown; alg?: unknown })[]).flatMap(keyOf))
    readAtMs = monotonicMs()
  }

  return {
    async key(kid) {
      const nowMs = monotonicMs()
      const stale = nowMs - readAtMs > freshForMs
      if ((stale || !held.has(kid)) && nowMs - askedAtMs >= askAgainAfterMs) {
        asking ??= renew().finally(() => (asking = null))
        await asking.catch((error: unknown) => {
          // Keys that were read are good until the provider says otherwise.
          if (!held.has(kid)) throw error
        })
      } else if (asking) await asking.catch(() => {})
      return held.get(kid) ?? null
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

/** A public key for signatures; others, and weak ones, are left out. */
function keyOf(jwk: JsonWebKey & { kid?: unknown; use?: unknown; alg?: unknown }): [string, { key: KeyObject; algorithm: Algorithm }][] {
  const algorithm: Algorithm | null =
    jwk?.kty === 'RSA' ? 'RS256' : jwk?.kty === 'EC' && jwk.crv === 'P-256' ? 'ES256' : jwk?.kty === 'OKP' && jwk.crv === 'Ed25519' ? 'EdDSA' : null
  if (algorithm === null || typeof jwk.kid !== 'string' || (jwk.use ?? 'sig') !== 'sig' || (jwk.alg ?? algorithm) !== algorithm) return []
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    if (algorithm === 'RS256' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2_048) return []
    return [[jwk.kid, { key, algorithm }]]
  } catch {
    return []
  }
}
