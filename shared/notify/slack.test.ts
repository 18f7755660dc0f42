import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSlackSink, type SlackSink } from '#deploy/local/slack-sink.ts'
import { Secret } from '../config/secret.ts'
import type { Notice } from '../engine/agent.ts'
import { openTicket, type Ticket } from '../http/tokens.ts'
import type { Log } from '../telemetry/log.ts'
import { openNotifier } from './index.ts'

const warnings: string[] = []
const note = (fields: object, message: string) => void warnings.push(`${message} ${JSON.stringify(fields)}`)
const log: Log = { debug: note, info: note, warn: note, error: note }

let sink: SlackSink
beforeEach(async () => {
  warnings.length = 0
  sink = await openSlackSink()
})
afterEach(() => sink.close())

type Channels = Parameters<typeof openNotifier>[0]['config']['notify']['channels']

/** The notifier of a configuration; `deliver` is its first destination's. */
function slack({
  channels = webhooks(),
  signingSecret = null,
  oneOfSeveral = false,
  ...more
}: { channels?: Channels; signingSecret?: Secret | null; oneOfSeveral?: boolean; paceMs?: number; timeoutMs?: number } = {}) {
  const notifier = openNotifier({
    config: {
      cluster: { name: 'test', oneOfSeveral },
      notify: { platformChannel: 'platform', digestAbove: 10, slack: { token: new Secret(sink.token), signingSecret, api: sink.api }, channels },
      http: httpSettings
    },
    scope: 'cluster-1',
    log,
    paceMs: 0,
    timeoutMs: 500,
    ...more
  })
  return { ...notifier, deliver: (given: Notice, thread: string | null = null) => notifier.destinations(given)[0].deliver({ notices: [given], thread }) }
}
const key = 'a key of at least 32 characters .'
const httpSettings = { host: '127.0.0.1', port: 0, publicUrl: 'https://reeve.example.com/', keys: [null, new Secret(key)], linksValidFor: 60_000, clients: [] }
const webhooks = (): Channels => ({
  platform: { slackWebhook: new Secret(sink.webhook('platform')) },
  payments: { slackWebhook: new Secret(sink.webhook('payments')) },
  mute: { slackWebhook: null }
})
function notice(channel: string | null, title = 'stands still', why: string[] = ['lag is 5']): Notice {
  return {
    key: title,
    incident: 'i',
    severity: 'page',
    resolved: false,
    team: 'payments',
    channel,
    title,
    why,
    sinceMs: 0,
    next: { what: 'nothing', atMs: null },
    answer: 'reeve explain group g'
  }
}

test('where the file governs several clusters the commands of a notice say which they are for, and else nothing of it is changed', async () => {
  const asks = { ...notice(null), why: ['3 is above the cap of 2; approve with: reeve approve abc', 'reeve is a word'], answer: 'reeve approve abc' }
  await slack({ oneOfSeveral: true }).deliver(asks)
  await slack().deliver(asks)
  const [named, plain] = sink.messages.map(({ lines }) => lines.join('\n'))
  expect(named).toContain('approve with: reeve --cluster test approve abc')
  expect(named).toContain('reeve is a word')
  expect(named!.match(/reeve --cluster test approve abc/g)).toHaveLength(2)
  expect(plain).toBe(named!.replaceAll('--cluster test ', ''))
})

test('a notice arrives in its channel; one without or with an unknown channel arrives in the platform channel', async () => {
  const notifier = slack()
  expect(await notifier.deliver(notice('payments'))).toEqual({ ok: true })
  expect(await notifier.deliver(notice(null))).toEqual({ ok: true })
  warnings.length = 0
  expect(await notifier.deliver(notice('toString'))).toEqual({ ok: true })
  expect(sink.messages.map(({ channel }) => channel)).toEqual(['payments', 'platform', 'platform'])
  expect(sink.messages[0]!.lines).toContain('Page: stands still')
  expect(warnings.length).toBe(1)
})

test('a channel without a webhook is not delivered and says what to set', async () => {
  expect(await slack().deliver(notice('mute'))).toEqual({
    ok: false,
    retryable: false,
    error: 'channel mute brings a notice of severity page to nobody: set notify.channels.mute.slackWebhook, or slackChannel with notify.slack.token'
  })
})

test('an answer that is not 200 ok is not a delivery, and tells whether another attempt makes sense', async () => {
  const notifier = slack()
  const answers = async (mood: Parameters<SlackSink['mood']>[0]) => {
    sink.mood(mood)
    return notifier.deliver(notice('payments'))
  }
  expect(await answers({ status: 500 })).toEqual({ ok: false, retryable: true, error: 'channel payments: expected 200 ok, Slack answered 500 error' })
  expect(await answers({ status: 404, text: 'no_service' })).toEqual({
    ok: false,
    retryable: false,
    error: 'channel payments: expected 200 ok, Slack answered 404 no_service'
  })
  expect(await answers('page')).toEqual({ ok: false, retryable: true, error: 'channel payments: expected 200 ok, Slack answered 200' })
  expect(await answers('hang')).toEqual({ ok: false, retryable: true, error: 'channel payments: no answer within 500 ms' })
  expect(await answers('close')).toMatchObject({ ok: false, retryable: true, error: expect.stringContaining('channel payments: no connection') })
  expect(await answers({ status: 302, text: 'moved' })).toMatchObject({ ok: false, retryable: false })
  await sink.goDown()
  expect(await notifier.deliver(notice('payments'))).toEqual({ ok: false, retryable: true, error: 'channel payments: no connection (ECONNREFUSED)' })
  sink.mood('ok')
  await sink.comeBack()
  expect(await notifier.deliver(notice('payments'))).toEqual({ ok: true })
})

test('429 closes that webhook for as long as it says, in seconds or as a date, and no other', async () => {
  const notifier = slack()
  sink.mood({ status: 429, retryAfter: '30' })
  expect(await notifier.deliver(notice('payments'))).toMatchObject({ ok: false, retryable: true, retryAfterMs: 30_000 })
  sink.mood('ok')
  const before = sink.requests
  const held = await notifier.deliver(notice('payments'))
  expect(held.ok ? 0 : held.retryAfterMs).toBeGreaterThan(29_000)
  expect(sink.requests).toBe(before)
  expect(await notifier.deliver(notice('platform'))).toEqual({ ok: true })
  const waits = async (retryAfter: string | undefined) => {
    sink.mood({ status: 429, ...(retryAfter === undefined ? {} : { retryAfter }) })
    const result = await slack().deliver(notice('payments'))
    return result.ok ? null : result.retryAfterMs
  }
  expect(await waits('garbage')).toBe(1_000)
  expect(await waits(undefined)).toBe(1_000)
  expect(await waits('99999999999')).toBe(3_600_000)
  const dated = await waits(new Date(Date.now() + 20_000).toUTCString())
  expect(dated).toBeGreaterThan(15_000)
  expect(dated).toBeLessThanOrEqual(20_000)
})

test('a webhook gets one message in each pace, in order, and two webhooks do not wait for each other', async () => {
  const notifier = slack({ paceMs: 200 })
  const began = performance.now()
  await Promise.all([...[1, 2, 3].map(number => notifier.deliver(notice('payments', `n${number}`))), notifier.deliver(notice('platform', 'p'))])
  expect(performance.now() - began).toBeGreaterThanOrEqual(400)
  expect(sink.messages.filter(({ channel }) => channel === 'payments').map(({ lines }) => lines[0])).toEqual(['Page: n1', 'Page: n2', 'Page: n3'])
  const [first, second, third] = sink.messages.filter(({ channel }) => channel === 'payments').map(({ atMs }) => atMs)
  expect(second! - first!).toBeGreaterThanOrEqual(190)
  expect(third! - second!).toBeGreaterThanOrEqual(190)
  const platform = sink.messages.find(({ channel }) => channel === 'platform')!
  expect(platform.atMs).toBeLessThan(third!)
})

test('a notice with far too much to say is still taken by a Slack that checks its limits', async () => {
  const long = Array.from({ length: 300 }, (_, index) => `${index} <&> `.repeat(300))
  expect(await slack({ timeoutMs: 5_000 }).deliver(notice('payments', '<&>'.repeat(500), long))).toEqual({ ok: true })
})

test('the address of a webhook is in no error and no line of the log', async () => {
  const notifier = slack()
  const said: unknown[] = []
  for (const mood of ['hang', 'close', 'page', { status: 500 }, { status: 404, text: sink.webhook('payments') }] as const) {
    sink.mood(mood)
    said.push(await notifier.deliver(notice('payments')), await notifier.deliver(notice('nobody')))
  }
  await sink.goDown()
  said.push(await notifier.deliver(notice('payments')))
  expect(JSON.stringify([said, warnings])).not.toMatch(/services|T0LOCAL|sink-/)
})

test('the sink refuses what Slack refuses', async () => {
  const send = async (body: string, url = sink.webhook('x')) => (await fetch(url, { method: 'POST', body })).text()
  const section = (text: string) => ({ type: 'section', text: { type: 'plain_text', text } })
  expect(await send('{')).toBe('invalid_payload')
  expect(await send('{}')).toBe('no_text')
  expect(await send('{"text":"a"}', sink.webhook('x').replace('sink-', 'sunk-'))).toBe('no_service')
  expect(await send(JSON.stringify({ blocks: Array.from({ length: 51 }, () => section('a')) }))).toBe('invalid_blocks')
  expect(await send(JSON.stringify({ blocks: [section('a'.repeat(3_001))] }))).toBe('invalid_blocks')
  expect(await send(JSON.stringify({ blocks: [section('')] }))).toBe('invalid_blocks')
  expect(await send(JSON.stringify({ blocks: [{ type: 'header', text: { type: 'plain_text', text: 'a'.repeat(151) } }] }))).toBe('invalid_blocks')
  expect(await send(JSON.stringify({ blocks: [{ type: 'header', text: { type: 'mrkdwn', text: 'a' } }] }))).toBe('invalid_blocks')
  expect(await send(JSON.stringify({ blocks: [section('a')] }))).toBe('ok')
})

test('a notice that asks for an answer has buttons: links where it came by a webhook, answers within Slack where it came by the bot', async () => {
  const asking: Notice = { ...notice('payments'), asks: ['snooze', 'fixed', 'appeal'], subject: 'settle' }
  const channels: Channels = { platform: { slackChannel: 'C0PLATFORM' }, payments: { slackWebhook: new Secret(sink.webhook('payments')) } }
  const notifier = slack({ channels, signingSecret: new Secret('s') })
  for (const given of [asking, { ...asking, channel: null }, { ...asking, resolved: true }, { ...notice('payments'), asks: ['approve' as const] }])
    expect(await notifier.deliver(given)).toMatchObject({ ok: true })
  const buttons = sink.messages.map(({ payload }) =>
    (payload as { blocks: { type: string; elements: { text: { text: string }; url?: string; value?: string }[] }[] }).blocks
      .filter(({ type }) => type === 'actions')
      .flatMap(({ elements }) => elements)
  )
  expect(buttons.map(all => all.map(({ text }) => text.text))).toEqual([
    ['Snooze 1h', 'Snooze 8h', 'Snooze 1d', 'It is fixed', 'Appeal'],
    ['Snooze 1h', 'Snooze 8h', 'Snooze 1d', 'It is fixed', 'Appeal'],
    [],
    []
  ])
  const links = buttons[0]!.map(({ url }) => url!)
  expect(links.every(url => url.startsWith('https://reeve.example.com/v1/links/'))).toBe(true)
  const tokens = [...links.map(url => url.slice('https://reeve.example.com/v1/links/'.length)), ...buttons[1]!.map(({ value }) => value!)]
  const tickets = tokens.map(token => openTicket(token, [key], Date.now())) as Ticket[]
  expect(tickets.slice(0, 5).map(({ cluster, kind, subject, forMs }) => [cluster, kind, subject, forMs])).toEqual([
    ['cluster-1', 'snooze', 'i', 3_600_000],
    ['cluster-1', 'snooze', 'i', 28_800_000],
    ['cluster-1', 'snooze', 'i', 86_400_000],
    ['cluster-1', 'fixed', 'settle', undefined],
    ['cluster-1', 'appeal', 'settle', undefined]
  ])
  expect(new Set(tickets.map(({ nonce }) => nonce)).size).toBe(10)
  expect(tickets.every(({ expMs }) => expMs > Date.now() && expMs <= Date.now() + 60_000)).toBe(true)
})

test('each destination of a channel takes what its severity asks for, and what resolves comes to all', () => {
  const channels: Channels = {
    platform: { slackWebhook: null, webhook: { url: new Secret('http://127.0.0.1:9/'), key: new Secret('k'), from: 'info', reachesPeople: false } },
    payments: {
      slackChannel: 'C0PAYMENTS',
      pagerDuty: { routingKey: new Secret('r'), from: 'page', api: 'http://127.0.0.1:9' },
      webhook: { url: new Secret('http://127.0.0.1:9/'), key: new Secret('k'), from: 'incident', reachesPeople: true }
    }
  }
  const { destinations } = slack({ channels })
  const ids = (more: Partial<Notice>) => destinations({ ...notice('payments'), ...more }).map(({ id }) => id)
  expect(ids({ severity: 'warning' })).toEqual(['payments/slack'])
  expect(ids({ severity: 'page' })).toEqual(['payments/slack', 'payments/pagerduty'])
  expect(ids({ severity: 'executive' })).toEqual(['payments/slack', 'payments/pagerduty', 'payments/webhook'])
  expect(ids({ severity: 'info', resolved: true })).toEqual(['payments/slack', 'payments/pagerduty', 'payments/webhook'])
  // A machine alone is not people: that is said, and it is told nevertheless.
  expect(ids({ channel: null })).toEqual(['platform/nowhere', 'platform/webhook'])
  expect(warnings[0]).toContain('"channels":["platform"]')
})
