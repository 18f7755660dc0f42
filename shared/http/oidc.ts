import { createLocalJWKSet, errors, jwtVerify, type JWTPayload } from 'jose'
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
const algorithms = ['RS256', 'ES256', 'EdDSA']

/**
 * Checks a bearer token: a JWT (RFC 7519) by a key of the issuer, RS256, ES256 or EdDSA; issuer, audience, times with 60 s of skew, and the
 * claim that is asked for. `none` and every HS algorithm is refused. Throws where the issuer's keys cannot be had.
 */
export async function checkBearer(authorization: string | undefined, rules: OidcRules, jwks: Jwks, nowMs: number): Promise<Bearer> {
  const token = /^Bearer ([^\s]+)$/i.exec(authorization !== undefined && authorization.length <= longest ? authorization : '')?.[1]
  if (token === undefined) return unauthorized('expected Authorization: Bearer with a signed JWT')
  let claims: JWTPayload
  try {
    const { issuer, audience } = rules
    const verified = await jwtVerify(
      token,
      async (header, jws) => {
        if (typeof header.kid !== 'string') throw new errors.JWKSNoMatchingKey('the token does not say which key signed it')
        return createLocalJWKSet(await jwks.keys(header.kid))(header, jws)
      },
      { algorithms, issuer, audience, clockTolerance: skewSeconds, currentDate: new Date(nowMs), requiredClaims: ['exp'] }
    )
    claims = verified.payload
  } catch (error) {
    if (error instanceof errors.JOSEError) return unauthorized(because(error))
    // A key of the issuer that nobody should use: too short, or no key at all.
    if (error instanceof TypeError) return unauthorized("the issuer's key for it cannot be used")
    throw error
  }
  if (claims.iat !== undefined && claims.iat * 1_000 > nowMs + skewSeconds * 1_000) return unauthorized('the token was issued in the future')
  const who = at(claims, rules.nameClaim)
  if (typeof who !== 'string' || who === '') return unauthorized(`the token has no claim ${rules.nameClaim} that names anybody`)
  if (rules.require) {
    const { claim, value } = rules.require
    const given = at(claims, claim)
    if (!(Array.isArray(given) ? given : [given]).includes(value)) return { refused: 'forbidden', because: `the claim ${claim} does not hold ${value}` }
  }
  return { who: `oidc:${who}` }
}

const unauthorized = (why: string): Bearer => ({ refused: 'unauthorized', because: why })

function because(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired'
  if (error instanceof errors.JWTClaimValidationFailed) {
    const wrong: Readonly<Record<string, string>> = {
      iss: 'the token is of another issuer',
      aud: 'the token is for another audience',
      nbf: 'the token is not valid yet',
      exp: 'the token does not say when it expires'
    }
    return wrong[error.claim] ?? `the claim ${error.claim} of the token is not as it should be`
  }
  if (error instanceof errors.JOSENotSupported) return 'the token asks for an extension that is not known here'
  if (error instanceof errors.JOSEAlgNotAllowed) return `the token is signed by another algorithm than ${algorithms.join(', ')}`
  if (error instanceof errors.JWSSignatureVerificationFailed) return "the signature is not the issuer's"
  if (error instanceof errors.JWKSNoMatchingKey) return 'the issuer has no such key, or the token does not say which'
  return 'expected Authorization: Bearer with a signed JWT of the issuer'
}

/** The claim itself where one has that name, dots and all; else the part within. */
function at(claims: JWTPayload, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  let here: unknown = claims
  for (const part of path.split('.')) {
    if (here === null || typeof here !== 'object' || !Object.hasOwn(here, part)) return undefined
    here = (here as Record<string, unknown>)[part]
  }
  return here
}
