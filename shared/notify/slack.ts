import { setTimeout } from 'node:timers/promises'
import type { Secret } from '../config/secret.ts'
import type { Notice } from '../engine/agent.ts'
import { slackMessage } from '../render/slack-message.ts'
import type { Log } from '../telemetry/log.ts'
import type { Delivery, Notifier } from './notifier.ts'

export interface SlackOptions {
  readonly platformChannel: string
  /** Incoming webhook by channel; null where the operator gave none. */
  readonly channels: Readonly<Record<string, { readonly slackWebhook: Secret | null }>>
  readonly log: Log
  /** Bound of one attempt. Default 10 s. */
  readonly timeoutMs?: number
  /** From one message to the next on one webhook. Default 1 s, Slack's own limit. */
  readonly paceMs?: number
}

const longestAnswerBytes = 1_024
const longestPauseMs = 60 * 60_000

/**
 * Slack by incoming webhook. One message a second to a webhook; a 429 closes the webhook for as long as it says. Delivered is only what
 * Slack answered with 200 and `ok`. The address of a webhook is a secret and stands in no error.
 */
export function openSlack(options: SlackOptions): Notifier {
  const { platformChannel, channels, log, timeoutMs = 10_000, paceMs = 1_000 } = options
  /** By webhook address: the tail of its queue, and when it may be used again by the monotonic clock. */
  const lanes = new Map<string, { tail: Promise<unknown>; freeAtMs: number; closedUntilMs: number }>()
  const unknownChannels = new Set<string>()

  function channelOf(notice: Notice): string {
    const { channel } = notice
    if (channel === null) return platformChannel
    if (Object.hasOwn(channels, channel)) return channel
    if (!unknownChannels.has(channel)) log.warn({ channel, to: platformChannel }, 'no such channel in notify.channels: its notices go to the platform channel')
    unknownChannels.add(channel)
    return platformChannel
  }

  return {
    async deliver(notice) {
      const channel = channelOf(notice)
      const webhook = channels[channel]?.slackWebhook?.reveal()
      if (webhook === undefined) return { ok: false, retryable: false, error: `channel ${channel} has no webhook: set notify.channels.${channel}.slackWebhook` }
      const lane = lanes.get(webhook) ?? { tail: Promise.resolve(), freeAtMs: 0, closedUntilMs: 0 }
      lanes.set(webhook, lane)
      const attempt = lane.tail.then(async (): Promise<Delivery> => {
        const closedMs = lane.closedUntilMs - performance.now()
        if (closedMs > 0) return { ok: false, retryable: true, retryAfterMs: Math.ceil(closedMs), error: `channel ${channel}: Slack asked to wait` }
        await setTimeout(Math.max(0, lane.freeAtMs - performance.now()))
        const result = await post(webhook, JSON.stringify(slackMessage(notice)), timeoutMs)
        lane.freeAtMs = performance.now() + paceMs
        if (result.ok) return result
        if (result.retryAfterMs !== undefined) lane.closedUntilMs = performance.now() + result.retryAfterMs
        return { ...result, error: `channel ${channel}: ${result.error}` }
      })
      lane.tail = attempt
      return attempt
    }
  }
}

async function post(webhook: string, body: string, timeoutMs: number): Promise<Delivery> {
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await fetch(webhook, { method: 'POST', headers: { 'content-type': 'application/json; charset=utf-8' }, body, redirect: 'manual', signal })
    const answer = await beginning(response)
    if (response.status === 200 && answer.trim() === 'ok') return { ok: true }
    const retryAfterMs = response.status === 429 ? (retryAfter(response.headers.get('retry-after')) ?? 1_000) : undefined
    const said = /^[a-z_]{1,60}$/.test(answer.trim()) ? ` ${answer.trim()}` : ''
    const error = `expected 200 ok, Slack answered ${response.status}${said}`
    // A 200 without `ok` comes from something that is not Slack, a proxy's page for example.
    const retryable = response.status < 300 || response.status >= 500 || [408, 425, 429].includes(response.status)
    return { ok: false, retryable, error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
  } catch (error) {
    return { ok: false, retryable: true, error: connectionError(error, timeoutMs) }
  }
}

/** Whether an attempt that was cut off arrived is unknown; it counts as not delivered and may come twice. */
function connectionError(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`
  const code = (error as { cause?: { code?: unknown } }).cause?.code ?? (error as { code?: unknown }).code
  return `no connection (${typeof code === 'string' ? code : 'the request failed'})`
}

async function beginning(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > longestAnswerBytes) break
  }
  return text
}

/** RFC 9110 section 10.2.3: seconds or a date; null when it is neither. At most an hour. */
function retryAfter(header: string | null): number | null {
  const text = header?.trim() ?? ''
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : text === '' ? Number.NaN : Date.parse(text) - Date.now()
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(waitMs, 0), longestPauseMs)
}
