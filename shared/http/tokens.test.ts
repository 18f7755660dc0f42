import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PersonRequest } from '../engine/agent.ts'
import { provenBy, seal } from '../engine/seal.ts'
import { isFromSlack } from './slack-signature.ts'
import { newNonce, openTicket, signTicket, type Ticket } from './tokens.ts'

const [key, before] = ['the present key, 32 characters ..', 'the one before, 32 characters ...'] as [string, string]
const ticket: Ticket = {
  cluster: 'c1/reeve.requests',
  kind: 'snooze',
  subject: 'consumer-guardian/group/a/1',
  forMs: 3_600_000,
  expMs: 2_000,
  nonce: newNonce()
}

describe('links', () => {
  test('a token opens as what was signed, until it expires', () => {
    const token = signTicket(ticket, [key])
    expect(openTicket(token, [key], 1_999)).toEqual(ticket)
    expect(openTicket(token, [key], 2_000)).toBe('expired')
  })

  test('a key that was rotated still opens what it signed, and one that was dropped does not', () => {
    const token = signTicket(ticket, [before])
    expect(openTicket(token, [key, before], 0)).toEqual(ticket)
    expect(openTicket(token, [key], 0)).toBe('forged')
    expect(openTicket(token, [], 0)).toBe('forged')
  })

  test('whatever is changed in a token, it is forged; and so is any other text', () => {
    const token = signTicket(ticket, [key])
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom('A', 'B', 'a', 'b', '0', '1', '-', '_', '.', '='), (at, character) => {
        const changed = `${token.slice(0, at)}${character}${token.slice(at + 1)}`
        // The last character of base64url holds bits that say nothing.
        const same =
          changed === token ||
          (at === token.length - 1 && Buffer.from(changed.split('.')[1]!, 'base64url').equals(Buffer.from(token.split('.')[1]!, 'base64url')))
        if (!same) expect(openTicket(changed, [key], 0)).toBe('forged')
      })
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String({ maxLength: 200 }).map(text => `${text}.${text}`)
        ),
        text => {
          expect(openTicket(text, [key], 0)).toBe('forged')
        }
      )
    )
  })
})

describe("Slack's signature", () => {
  // The example of Slack's own documentation.
  const secret = '8f742231b10e8888abcd99yyyzzz85a5'
  const body =
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c'
  const [timestamp, signature] = ['1531420618', 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503']
  const nowMs = 1_531_420_618_000

  test('is taken as Slack documents it, for five minutes', () => {
    expect(isFromSlack(secret, timestamp, signature, body, nowMs)).toBe(true)
    expect(isFromSlack(secret, timestamp, signature, body, nowMs + 300_000)).toBe(true)
    expect(isFromSlack(secret, timestamp, signature, body, nowMs + 301_000)).toBe(false)
    expect(isFromSlack(secret, timestamp, signature, body, nowMs - 301_000)).toBe(false)
  })

  test.each([
    ['another secret', ['other', timestamp, signature, body]],
    ['another body', [secret, timestamp, signature, `${body}&x`]],
    ['another time', [secret, '1531420619', signature, body]],
    ['no time', [secret, undefined, signature, body]],
    ['a time that is no number', [secret, 'soon', signature, body]],
    ['no signature', [secret, timestamp, undefined, body]],
    ['half a signature', [secret, timestamp, signature.slice(0, 20), body]]
  ] as const)('is refused with %s', (_what, [given, at, mac, text]) => expect(isFromSlack(given, at, mac, text, nowMs)).toBe(false))
})

describe('the seal of a proven name', () => {
  const request: PersonRequest = { id: 'i', kind: 'approve', subject: 'abc', who: 'oidc:ann', why: 'w', atMs: 1, onceUntilMs: 2 }

  test('holds for exactly this request, in its own cluster, by a key that is still known', () => {
    const sealed = seal(request, 'oidc', 'c1', before)
    expect(provenBy(sealed, 'c1', [key, before])).toBe('oidc')
    expect(provenBy(JSON.parse(JSON.stringify({ ...sealed, forMs: undefined })) as PersonRequest, 'c1', [before])).toBe('oidc')
    expect(provenBy(sealed, 'c1', [key])).toBe(null)
    expect(provenBy(sealed, 'c2', [before])).toBe(null)
    for (const changed of [{ who: 'oidc:bob' }, { subject: 'abd' }, { kind: 'unhalt' as const }, { onceUntilMs: 3 }, { id: 'j' }, { atMs: 2 }, { forMs: 1 }])
      expect(provenBy({ ...sealed, ...changed }, 'c1', [before])).toBe(null)
    expect(provenBy({ ...sealed, seal: { ...sealed.seal!, by: 'mtls' } }, 'c1', [before])).toBe(null)
    expect(provenBy(request, 'c1', [before])).toBe(null)
  })
})
