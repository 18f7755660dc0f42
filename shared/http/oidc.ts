import { verify } from 'node:crypto'
import type { Jwks } from './jwks.ts'

export interface OidcRules {
  readonly issuer: string
  readonly audience: string
  /** A claim, with dots for parts within, that must be this value or hold it. */
  readonly require: { readonly claim: string; readonly value: string } | null
  /** The claim that names the person. */
  readonly nameClaim: string
}

/** `forbidden`: the token is sound, and its holder may not. `because` holds nothing of the token but what it claims to be. */
export type Bearer = { readonly who: string } | { readonly refused: 'unauthorized' | 'forbidden'; readonly because: string }

const skewSeconds = 60
const longest = 16_384

/**
 * Checks a bearer token: a JWT (RFC 7519) by a key of the issuer, RS256, ES256 or EdDSA as the key says and never as the token says;
 * issuer, audience, times with 60 s of skew, and the claim that is asked for. `none` and every HS algorithm is refused. Throws where
 * the issuer's keys cannot be had.
 */
export async function checkBearer(authorization: string | undefined, rules: OidcRules, jwks: Jwks, nowMs: number): Promise<Bearer> {
  const no = (because: string): Bearer => ({ refused: 'unauthorized', because })
  const token = /^Bearer ([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/i.exec(
    authorization !== undefined && authorization.length <= longest ? authorization : ''
  )
  if (!token) return no('expected Authorization: Bearer with a signed JWT')
  const [, head, body, signature] = token as unknown as [string, string, string, string]
  const header = jsonOf(head)
  const claims = jsonOf(body)
  if (!header || !claims) return no('the token is no JWT')
  const { alg, kid, crit } = header
  if (alg !== 'RS256' && alg !== 'ES256' && alg !== 'EdDSA') return no(`the token is signed by ${JSON.stringify(alg)}; expected RS256, ES256 or EdDSA`)
  if (crit !== undefined) return no('the token asks for an extension that is not known here')
  if (typeof kid !== 'string') return no('the token does not say which key signed it')
  const found = await jwks.key(kid)
  if (!found || found.algorithm !== alg) return no('the issuer has no such key')
  const data = Buffer.from(`${head}.${body}`)
  const mac = Buffer.from(signature, 'base64url')
  const signed = alg === 'EdDSA' ? verify(null, data, found.key, mac) : verify('sha256', data, { key: found.key, dsaEncoding: 'ieee-p1363' }, mac)
  if (!signed) return no("the signature is not the issuer's")

  const { iss, aud, exp, nbf, iat } = claims
  const now = nowMs / 1_000
  if (iss !== rules.issuer) return no('the token is of another issuer')
  if (!(Array.isArray(aud) ? aud : [aud]).includes(rules.audience)) return no('the token is for another audience')
  if (typeof exp !== 'number' || now >= exp + skewSeconds) return no('the token has expired')
  if (nbf !== undefined && (typeof nbf !== 'number' || now < nbf - skewSeconds)) return no('the token is not valid yet')
  if (iat !== undefined && (typeof iat !== 'number' || now < iat - skewSeconds)) return no('the token was issued in the future')
  const who = at(claims, rules.nameClaim)
  if (typeof who !== 'string' || who === '') return no(`the token has no claim ${rules.nameClaim} that names anybody`)
  if (rules.require) {
    const { claim, value } = rules.require
    const given = at(claims, claim)
    if (!(Array.isArray(given) ? given : [given]).includes(value)) return { refused: 'forbidden', because: `the claim ${claim} does not hold ${value}` }
  }
  return { who: `oidc:${who}` }
}

function jsonOf(part: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** The claim itself where one has that name, dots and all; else the part within. */
function at(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  let here: unknown = claims
  for (const part of path.split('.')) {
    if (here === null || typeof here !== 'object' || !Object.hasOwn(here, part)) return undefined
    here = (here as Record<string, unknown>)[part]
  }
  return here
}
