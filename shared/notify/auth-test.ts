import { post } from './post.ts'

/** Asks Slack who this bot is (auth.test), which posts nothing. Returns `bot NAME of TEAM`; throws one sentence without the token. */
export async function slackIdentity(api: string, token: string, timeoutMs = 5_000): Promise<string> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization: `Bearer ${token}` }
  const posted = await post(`${api}/auth.test`, '', headers, timeoutMs)
  if (!posted.answered) throw new Error(posted.error)
  const { status, text } = posted.answer
  const said = objectOf(text)
  if (status !== 200 || said['ok'] !== true)
    throw new Error(`Slack answered ${status}${typeof said['error'] === 'string' ? ` ${word(said['error'])}` : ''} to auth.test`)
  return `bot ${word(said['user'])} of ${word(said['team'])}`
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** Whatever answers there may not speak to a terminal. */
function word(value: unknown): string {
  return typeof value === 'string' ? value.replaceAll(/[^\w .-]/g, '?').slice(0, 60) : '?'
}
