import { post } from '../notify/post.ts'
import type { Log } from '../telemetry/log.ts'
import type { Asker } from './asker.ts'
import type { LinkOptions } from './links.ts'
import { type Route, text } from './route.ts'
import { isFromSlack } from './slack-signature.ts'
import { openTicket } from './tokens.ts'

export interface SlackOptions extends LinkOptions {
  /** Of every Slack app of the configuration. */
  signingSecrets(): readonly string[]
  /** Where answers may be sent: Slack's own host, and its double's in tests. */
  readonly answerHosts: readonly string[]
  readonly log: Log
}

interface Press {
  readonly user: { readonly id: string; readonly name: string }
  readonly token: string
}

/**
 * Slack's interactivity endpoint. Slack proves itself by its signature, and who pressed is what Slack says. Slack waits three seconds,
 * so the answer follows by the address that came with the press.
 */
export function slackRoute({ signingSecrets, answerHosts, keys, hearings, say, nowMs, log }: SlackOptions): Route {
  return {
    path: '/v1/slack',
    POST({ headers, body }) {
      const [timestamp, signature] = ['x-slack-request-timestamp', 'x-slack-signature'].map(name => headers[name] as string | undefined)
      if (!signingSecrets().some(secret => isFromSlack(secret, timestamp, signature, body, nowMs())))
        return text(401, 'expected a request that Slack signed within five minutes')
      const payload = payloadOf(body)
      const press = pressOf(payload)
      if (press === null) return text(200, '')
      return {
        ...text(200, ''),
        async after() {
          const what = await heard(press, { keys, hearings, say, nowMs })
          const address = payload?.['response_url']
          if (typeof address !== 'string' || !URL.canParse(address) || !answerHosts.includes(new URL(address).origin)) return
          const answer = JSON.stringify({ response_type: 'ephemeral', replace_original: false, text: escaped(what) })
          const posted = await post(address, answer, { 'content-type': 'application/json' }, 5_000)
          if (!posted.answered || posted.answer.status !== 200) log.warn({}, 'the answer to a button could not be brought to Slack')
        }
      }
    }
  }
}

async function heard(
  { user, token }: Press,
  { keys, hearings, say, nowMs }: Pick<SlackOptions, 'keys' | 'hearings' | 'nowMs'> & { say: Asker }
): Promise<string> {
  const ticket = openTicket(token, keys(), nowMs())
  if (ticket === 'expired') return 'This button has expired: use the command that stands in the message.'
  if (ticket === 'forged') return 'This button is not one of ours, or its key is not used any more.'
  const hearing = hearings().find(({ scope }) => scope === ticket.cluster)
  if (!hearing) return 'This process does not govern that cluster, or has not reached it yet.'
  const { kind, subject, forMs, nonce, expMs } = ticket
  const why = `${user.name} pressed a button in Slack`
  const said = await say(hearing, { kind, subject, who: `slack:${user.id}`, why, by: 'slack', forMs, once: { id: nonce, untilMs: expMs } })
  return [said.what, ...said.entries].join('\n')
}

function payloadOf(body: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new URLSearchParams(body).get('payload') ?? 'null')
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** The press of one of our buttons; null for anything else that Slack sends here, a link's own button among it. */
function pressOf(payload: Record<string, unknown> | null): Press | null {
  const { type, user, actions } = (payload ?? {}) as { type?: unknown; user?: { id?: unknown; username?: unknown; name?: unknown }; actions?: unknown }
  const [action] = (Array.isArray(actions) ? actions : []) as { value?: unknown }[]
  const token = action?.value
  if (type !== 'block_actions' || typeof token !== 'string' || typeof user?.id !== 'string' || !/^[A-Z0-9]{1,30}$/.test(user.id)) return null
  const name = [user.username, user.name].find(each => typeof each === 'string')
  return { user: { id: user.id, name: typeof name === 'string' ? name.slice(0, 80) : user.id }, token }
}

function escaped(what: string): string {
  return what.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').slice(0, 3_000)
}
