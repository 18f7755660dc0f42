import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { openSlackSink } from '#deploy/local/slack-sink.ts'
import { closeAll, closers, common, key, listening, log, nothing, serve } from '#test/support/http-port.ts'
import type { Answer } from '../engine/ask.ts'
import { provenBy } from '../engine/seal.ts'
import { linkRoute } from './links.ts'
import { requestsRoute } from './requests.ts'
import { slackRoute } from './slack.ts'
import { newNonce, signTicket, type Ticket } from './tokens.ts'

afterEach(closeAll)

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

test('garbage on the port, at every route, leaves it working and says nothing to anybody', async () => {
  const { heard, hearings } = listening()
  const base = await serve([
    { path: '/healthz', GET: () => ({ status: 200, type: 'text/plain', body: 'well' }) },
    linkRoute(common(hearings)),
    slackRoute({ ...common(hearings), signingSecrets: () => ['s'], answerHosts: [], log }),
    requestsRoute({
      ...common(hearings),
      oidc: { rules: { issuer: 'https://i', audience: 'a', require: null, nameClaim: 'sub' }, jwks: { keys: async () => ({ keys: [] }) } },
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
