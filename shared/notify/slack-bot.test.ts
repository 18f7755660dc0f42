import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSlackSink, type SlackSink } from '#deploy/local/slack-sink.ts'
import { Secret } from '../config/secret.ts'
import type { Notice } from '../engine/agent.ts'
import { slackDigest, slackMessage } from '../render/slack-message.ts'
import type { Letter } from './notifier.ts'
import { slackBot } from './slack-bot.ts'

let sink: SlackSink
beforeEach(async () => void (sink = await openSlackSink()))
afterEach(() => sink.close())

const bot = (more: { token?: string; paceMs?: number } = {}) =>
  slackBot(
    {
      id: 'payments/slack',
      channel: 'payments',
      digestAbove: 10,
      render: ({ notices }: Letter) => (notices.length > 1 ? slackDigest(notices, 'eu') : slackMessage(notices[0], 'eu')),
      timeoutMs: 500,
      paceMs: more.paceMs ?? 0,
      monotonicMs: () => performance.now()
    },
    { api: sink.api, token: new Secret(more.token ?? sink.token), conversation: 'C0PAYMENTS' }
  )
function notice(title: string, more: Partial<Notice> = {}): Notice {
  return {
    key: title,
    incident: 'i',
    severity: 'page',
    resolved: false,
    team: null,
    channel: null,
    title,
    why: ['lag is 5'],
    sinceMs: 0,
    next: { what: 'nothing', atMs: null },
    answer: null,
    ...more
  }
}
const letter = (thread: string | null, ...notices: [Notice, ...Notice[]]): Letter => ({ notices, thread })

test('the first message of an incident opens a thread, and what comes later stands in it, the resolution too', async () => {
  const destination = bot()
  const first = await destination.deliver(letter(null, notice('stands still')))
  const thread = first.ok ? first.thread! : ''
  expect(await destination.deliver(letter(thread, notice('stands still', { resolved: true })))).toEqual({ ok: true, thread })
  expect(sink.messages.map(({ channel, text, threadTs }) => [channel, text, threadTs])).toEqual([
    ['C0PAYMENTS', 'Page: stands still', undefined],
    ['C0PAYMENTS', 'Resolved: stands still', thread]
  ])
  expect(sink.messages[1]!.payload).toMatchObject({ reply_broadcast: false })
})

test('a thread that is gone does not keep a message from its channel: it opens a new one', async () => {
  const result = await bot().deliver(letter('1.000000', notice('stands still')))
  expect(result).toEqual({ ok: true, thread: sink.messages[0]!.ts })
  expect(sink.messages[0]!.threadTs).toBeUndefined()
})

test.each([
  ['invalid_auth', 'set notify.slack.token'],
  ['channel_not_found', 'check slackChannel'],
  ['not_in_channel', '/invite'],
  ['missing_scope', 'chat:write'],
  ['is_archived', 'choose another one']
])('%s keeps the order, waits, and says what to do', async (error, remedy) => {
  sink.mood({ error })
  const result = await bot().deliver(letter(null, notice('a')))
  expect(result).toMatchObject({
    ok: false,
    retryable: true,
    error: expect.stringContaining(`channel payments: expected ok: true, Slack answered 200 ${error}; `)
  })
  expect(result.ok ? '' : result.error).toContain(remedy)
})

test('what a message itself meets again is refused; what Slack says of itself, and what is not Slack, is tried again', async () => {
  const answers = async (mood: Parameters<SlackSink['mood']>[0]) => {
    sink.mood(mood)
    const result = await bot().deliver(letter(null, notice('a')))
    return result.ok ? 'ok' : result.retryable
  }
  expect(await answers({ error: 'invalid_blocks' })).toBe(false)
  expect(await answers({ error: 'thread_not_found' })).toBe(false)
  expect(await answers({ error: 'internal_error' })).toBe(true)
  expect(await answers({ status: 500 })).toBe(true)
  expect(await answers('page')).toBe(true)
  expect(await answers('hang')).toBe(true)
  expect(await answers('close')).toBe(true)
  expect(await answers('ok')).toBe('ok')
})

test('429 closes the channel for as long as it says', async () => {
  const destination = bot()
  sink.mood({ status: 429, retryAfter: '30', text: '{"ok":false,"error":"ratelimited"}' })
  expect(await destination.deliver(letter(null, notice('a')))).toMatchObject({ ok: false, retryable: true, retryAfterMs: 30_000 })
  sink.mood('ok')
  const before = sink.requests
  expect(await destination.deliver(letter(null, notice('a')))).toMatchObject({ ok: false, retryable: true })
  expect(sink.requests).toBe(before)
})

test('the token stands in no error, whatever happens', async () => {
  const token = 'a-token-that-nobody-may-see'
  const said: unknown[] = [await bot({ token }).deliver(letter(null, notice('a')))]
  for (const mood of ['hang', 'close', 'page', { status: 500, text: token }, { error: token.replaceAll('-', '_') }] as const) {
    sink.mood(mood)
    said.push(await bot({ token }).deliver(letter(null, notice('a'))))
  }
  expect(JSON.stringify(said)).not.toContain(token)
  expect(said[0]).toMatchObject({ error: expect.stringContaining('invalid_auth; the bot token is not valid') })
})

test('500 notices as one message: counts by severity, the worst ten, and the command for the rest; Slack takes it', async () => {
  const many = Array.from({ length: 500 }, (_, index) =>
    notice(`group ${index}`, { incident: `i${index}`, severity: index < 3 ? 'executive' : index < 200 ? 'page' : 'warning', sinceMs: 1_000 * index })
  ) as [Notice, ...Notice[]]
  many.push(notice('group 0 is fine', { incident: 'i0', resolved: true, severity: 'info' }))
  expect(await bot().deliver(letter(null, ...many))).toMatchObject({ ok: true })
  const [{ text, lines }] = sink.messages as [SlackSink['messages'][number]]
  expect(text).toBe('501 notices at once: 2 executive, 197 page, 300 warning, 1 resolved')
  expect(lines.join('\n')).toContain('• Executive: group 1 (since 1970-01-01 00:00:01 UTC)\n• Executive: group 2')
  expect(lines.join('\n').match(/^• /gm)!.length).toBe(10)
  expect(lines.slice(-4)).toEqual(['… and 489 more.', 'Answer with:', '```reeve plan```', 'cluster eu'])
})
