import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { Secret } from '../config/secret.ts'
import type { Notice } from '../engine/agent.ts'
import { pagerDuty, pagerDutyEvent } from './pager-duty.ts'
import { webhook } from './webhook.ts'

interface Got {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}
const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach(close => close()))

/** Answers with a status, and keeps what came. */
async function service(status: () => number, headers: Readonly<Record<string, string>> = {}) {
  const got: Got[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      got.push({ path: request.url!, headers: request.headers, body: Buffer.concat(chunks).toString() })
      response.writeHead(status(), headers).end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  return { got, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}
const sample: Notice = {
  key: 'k',
  incident: 'consumer-guardian/group/settle/1795271567',
  severity: 'page',
  resolved: false,
  team: 'payments',
  channel: 'payments',
  title: 'Group settle stands still',
  why: ['no commit advanced for 34m'],
  sinceMs: Date.UTC(2026, 10, 21),
  next: { what: 'nothing', atMs: null },
  answer: 'reeve explain group settle',
  subject: 'settle'
}
const letter = (notice: Notice) => ({ notices: [notice] as [Notice], thread: null })
const options = { id: 'payments/x', channel: 'payments', cluster: 'eu', timeoutMs: 500, paceMs: 0, monotonicMs: () => performance.now() }

test('a notice triggers an alert under its incident, a later one adds to it, the resolved one ends it', async () => {
  const { got, address } = await service(() => 202)
  const destination = pagerDuty({ ...options, routingKey: new Secret('routing-key'), api: address })
  for (const notice of [sample, { ...sample, severity: 'executive' as const }, { ...sample, resolved: true }])
    expect(await destination.deliver(letter(notice))).toEqual({ ok: true })
  expect(got.map(({ path }) => path)).toEqual(['/v2/enqueue', '/v2/enqueue', '/v2/enqueue'])
  const events = got.map(({ body }) => JSON.parse(body) as { event_action: string; dedup_key: string; routing_key: string; payload?: { severity: string } })
  expect(events.map(({ event_action, payload }) => [event_action, payload?.severity])).toEqual([
    ['trigger', 'error'],
    ['trigger', 'critical'],
    ['resolve', undefined]
  ])
  expect(new Set(events.map(({ dedup_key }) => dedup_key))).toEqual(new Set([`eu/${sample.incident}`]))
  expect(events[0]).toMatchObject({
    routing_key: 'routing-key',
    payload: { summary: sample.title, source: 'eu', component: 'settle', group: 'payments', custom_details: { why: sample.why } }
  })
})

test("PagerDuty's limits hold for any notice", () => {
  const { dedup_key, payload } = pagerDutyEvent({ ...sample, title: '\u{1F600}'.repeat(2_000), incident: 'i'.repeat(900), subject: '' }, 'eu') as {
    dedup_key: string
    payload: { summary: string; component: string }
  }
  expect([dedup_key.length, payload.summary.length <= 1_024, payload.summary.isWellFormed(), payload.component]).toEqual([64, true, true, '-'])
})

test('only 202 is taken; a wrong key says where to look, 429 waits, and the key stands in no error', async () => {
  let status = 400
  const { address } = await service(() => status, { 'retry-after': '7' })
  const destination = () => pagerDuty({ ...options, routingKey: new Secret('routing-key'), api: address })
  const refused = await destination().deliver(letter(sample))
  expect(refused).toEqual({
    ok: false,
    retryable: false,
    error: 'channel payments: expected 202, PagerDuty answered 400: check notify.channels.payments.pagerDuty.routingKey'
  })
  status = 429
  expect(await destination().deliver(letter(sample))).toMatchObject({ ok: false, retryable: true, retryAfterMs: 7_000 })
  status = 200
  expect(await destination().deliver(letter(sample))).toMatchObject({ ok: false, retryable: true })
  status = 503
  expect(await destination().deliver(letter(sample))).toMatchObject({ ok: false, retryable: true })
  expect(JSON.stringify(refused)).not.toContain('routing-key')
})

/** What a receiver does; the README shows it. */
function isReeves(header: string, body: string, key: string, nowSeconds: number): boolean {
  const { t, v1 } = Object.fromEntries(header.split(',').map(part => part.split('=') as [string, string]))
  const expected = createHmac('sha256', key).update(`${t}.${body}`).digest('hex')
  return v1 === expected && Math.abs(nowSeconds - Number(t)) <= 300
}

test('a webhook gets the notice as JSON with a signature that its receiver can check', async () => {
  let status = 204
  const { got, address } = await service(() => status)
  const hook = webhook({ ...options, url: new Secret(`${address}/in?secret=s3cret`), key: new Secret('the-key'), reachesPeople: false })
  expect(await hook.deliver(letter(sample))).toEqual({ ok: true })
  const [{ headers, body }] = got as [Got]
  expect(JSON.parse(body)).toEqual({ version: 1, cluster: 'eu', notice: sample })
  const header = String(headers['x-reeve-signature'])
  const nowSeconds = Date.now() / 1_000
  expect(isReeves(header, body, 'the-key', nowSeconds)).toBe(true)
  expect(isReeves(header, body, 'another', nowSeconds)).toBe(false)
  expect(isReeves(header, `${body} `, 'the-key', nowSeconds)).toBe(false)
  expect(isReeves(header, body, 'the-key', nowSeconds + 301)).toBe(false)
  status = 500
  const failed = await hook.deliver(letter(sample))
  expect(failed).toEqual({ ok: false, retryable: true, error: 'channel payments: expected 2xx, it answered 500' })
  expect(JSON.stringify(failed)).not.toMatch(/s3cret|the-key/)
})
