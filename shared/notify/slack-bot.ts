import type { Secret } from '../config/secret.ts'
import { inLane } from './lane.ts'
import type { Delivery, Destination, Letter } from './notifier.ts'
import { isRetryable, post, refused } from './post.ts'
import type { SlackOptions } from './slack-webhook.ts'

export interface SlackBot {
  /** `https://slack.com/api`, or where its double listens. */
  readonly api: string
  readonly token: Secret
  /** Name or id of the conversation. */
  readonly conversation: string
}

/** Errors of chat.postMessage that a person mends, and how. Until then the channel keeps its order and waits. */
const remedies: Readonly<Record<string, string>> = {
  invalid_auth: 'the bot token is not valid: set notify.slack.token',
  not_authed: 'the bot token is not valid: set notify.slack.token',
  account_inactive: 'the bot was removed from the workspace: install the app again and set notify.slack.token',
  token_revoked: 'the bot token was revoked: install the app again and set notify.slack.token',
  token_expired: 'the bot token has expired: install the app again and set notify.slack.token',
  missing_scope: 'give the app the scope chat:write and install it again',
  channel_not_found: 'no such channel, or a private one without the bot: check slackChannel, and invite the bot to it',
  not_in_channel: 'invite the bot to the channel: /invite @ its name',
  is_archived: 'the channel is archived: choose another one in slackChannel',
  restricted_action: 'a rule of the workspace forbids the bot to write there: ask its administrator',
  restricted_action_read_only_channel: 'the channel is read-only: let the bot write there',
  no_permission: 'the workspace does not allow the bot to write there: ask its administrator',
  access_denied: 'the workspace does not allow the bot to write there: ask its administrator',
  team_access_not_granted: 'the app has no right in this workspace: ask its administrator'
}
/** What Slack says of itself; the same message may be taken later. */
const passing = new Set(['ratelimited', 'rate_limited', 'message_limit_exceeded', 'internal_error', 'fatal_error', 'service_unavailable', 'request_timeout'])

const withoutThread = new Set(['thread_not_found', 'message_not_found', 'cannot_reply_to_message'])

/**
 * A channel of Slack by the Web API: messages of an incident after its first one stand in the thread of that one. Delivered is only
 * what was answered with `ok: true`. The token is a secret and stands in no error.
 */
export function slackBot({ id, digestAbove, render, timeoutMs, ...lane }: SlackOptions, { api, token, conversation }: SlackBot): Destination {
  const attempt = async (letter: Letter): Promise<Delivery> => {
    const thread = letter.thread === null ? {} : { thread_ts: letter.thread, reply_broadcast: false }
    const body = JSON.stringify({ channel: conversation, unfurl_links: false, unfurl_media: false, ...thread, ...render(letter) })
    const headers = { 'content-type': 'application/json; charset=utf-8', authorization: `Bearer ${token.reveal()}` }
    const posted = await post(`${api}/chat.postMessage`, body, headers, timeoutMs)
    if (!posted.answered) return { ok: false, retryable: true, error: posted.error }
    const { status, text } = posted.answer
    const { ok, ts, error } = jsonOf(text)
    if (status === 200 && ok === true && typeof ts === 'string') return { ok: true, thread: letter.thread ?? ts }
    const word = typeof error === 'string' && /^[a-z_]{1,60}$/.test(error) ? error : null
    // Its first message was deleted, or stands in another channel by now.
    if (word !== null && withoutThread.has(word) && letter.thread !== null) return attempt({ ...letter, thread: null })
    const remedy = word !== null && Object.hasOwn(remedies, word) ? `; ${remedies[word]}` : ''
    const retryable = status === 200 && word !== null ? remedy !== '' || passing.has(word) : isRetryable(status)
    return refused(posted.answer, `expected ok: true, Slack answered ${status}${word === null ? '' : ` ${word}`}${remedy}`, retryable)
  }
  return { id, reachesPeople: true, digestAbove, deliver: inLane(lane, attempt) }
}

function jsonOf(text: string): { readonly ok?: unknown; readonly ts?: unknown; readonly error?: unknown } {
  try {
    const value: unknown = JSON.parse(text)
    return value !== null && typeof value === 'object' ? value : {}
  } catch {
    return {}
  }
}
