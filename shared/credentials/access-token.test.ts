import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type IdentityProvider, openIdentityProvider } from '#deploy/local/identity-provider.ts'
import { accessTokens, describeToken, NoToken, readTokenAnswer } from './access-token.ts'
import { type CredentialNews, onCredentialNews } from './fresh.ts'

let provider: IdentityProvider
const heard: CredentialNews[] = []
const stop = onCredentialNews(news => heard.push(news))
beforeAll(async () => {
  provider = await openIdentityProvider({ reeve: 'a/b:c+d é' })
})
afterAll(async () => {
  stop()
  await provider.close()
})
beforeEach(() => {
  provider.mood(null)
  heard.length = 0
})

/** A source on a clock that the test moves. */
function source(secret = 'a/b:c+d é') {
  let nowMs = 0
  const { tokenEndpoint } = provider
  const token = accessTokens({ tokenEndpoint, clientId: 'reeve', clientSecret: () => secret }, () => nowMs)
  return { token, at: (ms: number) => void (nowMs = ms) }
}

describe('a token', () => {
  test('is asked for once by many, and kept for three quarters of its life', async () => {
    const { token, at } = source()
    const before = provider.asked
    const [first, ...others] = await Promise.all(Array.from({ length: 10 }, token))
    expect(new Set(others)).toEqual(new Set([first]))
    at(0.74 * 300_000)
    expect(await token()).toBe(first)
    expect(provider.asked - before).toBe(1)
    at(0.76 * 300_000)
    expect(await token()).not.toBe(first)
    expect(provider.asked - before).toBe(2)
  })

  test('is used on to its end while the provider is away, which is told, and not a moment longer', async () => {
    const { token, at } = source()
    const first = await token()
    provider.mood('down')
    at(299_500)
    expect(await token()).toBe(first)
    expect(heard).toEqual([{ event: 'kept', what: 'access token of reeve', reason: expect.stringContaining('no connection') }])
    at(300_001)
    await expect(token()).rejects.toThrow(NoToken)
    expect(JSON.stringify(heard)).not.toContain(first)
  })

  test('that is refused is not asked for again for a second', async () => {
    const { token, at } = source('wrong-secret')
    const before = provider.asked
    const reasons = await Promise.allSettled([...Array.from({ length: 5 }, token), token().catch(() => token())])
    expect(reasons.every(({ status }) => status === 'rejected')).toBe(true)
    expect(provider.asked - before).toBe(1)
    at(1_001)
    await expect(token()).rejects.toThrow('(401 invalid_client); check sasl.clientId and sasl.clientSecret')
    expect(provider.asked - before).toBe(2)
  })
})

test.each([
  ['a good answer', 200, '{"access_token":"a.b.c","token_type":"bearer","expires_in":60}', { token: 'a.b.c', lifeMs: 60_000 }],
  ['no life', 200, '{"access_token":"t"}', { token: 't', lifeMs: 0 }],
  ['a life as a text', 200, '{"access_token":"t","expires_in":"60"}', { token: 't', lifeMs: 60_000 }],
  ['a token of another kind', 200, '{"access_token":"t","token_type":"mac"}', { check: 'sasl.tokenEndpoint' }],
  ['a token that would end early', 200, '{"access_token":"t\\u0001auth=x"}', { check: 'sasl.tokenEndpoint' }],
  ['a page', 200, '<html>', { said: '200 without a bearer token', retriable: false }],
  ['a scope', 400, '{"error":"invalid_scope","error_description":"secret words"}', { said: '400 invalid_scope', check: 'sasl.scope' }],
  ['a client', 401, '', { said: '401', check: 'sasl.clientId and sasl.clientSecret', retriable: false }],
  ['too many', 429, '', { retriable: true }],
  ['away', 503, 'x', { said: '503', retriable: true }],
  ['a redirection to a page', 302, '', { said: '302', check: 'sasl.tokenEndpoint' }]
])('an answer of a token endpoint is read: %s', (_, status, text, expected) => {
  expect(readTokenAnswer(status, text)).toMatchObject(expected)
  expect(JSON.stringify(readTokenAnswer(status, text))).not.toContain('secret words')
})

test('any answer is read, and what is no token is never shown', () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes).toString('utf8')),
    fc.json(),
    fc.record({ access_token: fc.jsonValue({ maxDepth: 1 }), expires_in: fc.jsonValue({ maxDepth: 1 }) }).map(value => JSON.stringify(value))
  )
  fc.assert(
    fc.property(fc.constantFrom(200, 400, 401, 500), anything, (status, text) => {
      const answer = readTokenAnswer(status, text)
      if ('token' in answer) {
        expect(answer.token).toMatch(/^[\x21-\x7e]+$/)
        expect(answer.lifeMs).toBeGreaterThanOrEqual(0)
      } else expect(answer.said).toMatch(/^\d{3}( [a-z_]+| without a bearer token)?$/)
    }),
    { numRuns: 60 }
  )
})

test('a token says whose it is, for whom and until when; anything else says nothing or something short of a secret', () => {
  const jwt = (claims: object) => `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.y`
  expect(describeToken(jwt({ iss: 'me', aud: ['a', 'b'], sub: 's', exp: 0 }), 1)).toBe(
    'issuer "me", audience ["a","b"], subject "s", EXPIRED at 1970-01-01T00:00:00.000Z'
  )
  expect(describeToken(jwt({ exp: 1 }), 0)).toBe('valid until 1970-01-01T00:00:01.000Z')
  expect(describeToken('opaque', 0)).toBeNull()
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map(text => jwt(JSON.parse(text) as object))
      ),
      text => {
        describeToken(text, 0)
      }
    )
  )
})
