import type { Secret } from '../config/secret.ts'
import type { SlackMessage } from '../render/slack-message.ts'
import { inLane, type LaneOptions } from './lane.ts'
import type { Delivery, Destination, Letter } from './notifier.ts'
import { post, refused } from './post.ts'

export interface SlackOptions extends LaneOptions {
  readonly id: string
  readonly digestAbove: number
  render(letter: Letter): SlackMessage
  /** Bound of one attempt. */
  readonly timeoutMs: number
}

/**
 * A channel of Slack by incoming webhook, without threads. A 429 closes it for as long as it says. Delivered is only what Slack answered
 * with 200 and `ok`. The address is a secret and stands in no error.
 */
export function slackWebhook({ id, digestAbove, render, timeoutMs, ...lane }: SlackOptions, address: Secret): Destination {
  const attempt = async (letter: Letter): Promise<Delivery> => {
    const posted = await post(address.reveal(), JSON.stringify(render(letter)), { 'content-type': 'application/json; charset=utf-8' }, timeoutMs)
    if (!posted.answered) return { ok: false, retryable: true, error: posted.error }
    const { status, text } = posted.answer
    if (status === 200 && text.trim() === 'ok') return { ok: true }
    const said = /^[a-z_]{1,60}$/.test(text.trim()) ? ` ${text.trim()}` : ''
    return refused(posted.answer, `expected 200 ok, Slack answered ${status}${said}`)
  }
  return { id, reachesPeople: true, digestAbove, deliver: inLane(lane, attempt) }
}
