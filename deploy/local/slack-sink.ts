import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * How the sink answers from now on. `hang` never answers, `close` drops the connection, `page` is a proxy's 200 that is not Slack's; `error` is
 * a word of the Web API.
 */
export type SinkMood =
  | 'ok'
  | 'hang'
  | 'close'
  | 'page'
  | { readonly status: number; readonly retryAfter?: string; readonly text?: string }
  | { readonly error: string }

export interface SinkMessage {
  readonly channel: string
  readonly atMs: number
  readonly text: string
  /** All texts of the blocks, in order. */
  readonly lines: readonly string[]
  readonly payload: unknown
  /** By the Web API: its id, and the message whose thread it stands in. */
  readonly ts?: string
  readonly threadTs?: string
}

export interface SlackSink {
  /** The Web API's address, and the token that it takes. */
  readonly api: string
  readonly token: string
  /** The incoming webhook of a channel; its path is a secret like Slack's. */
  webhook(channel: string): string
  /** What was accepted, oldest first. */
  readonly messages: readonly SinkMessage[]
  /** Requests of any outcome. */
  readonly requests: number
  mood(mood: SinkMood): void
  /** Stops listening, and listens on the same port again. */
  goDown(): Promise<void>
  comeBack(): Promise<void>
  close(): Promise<void>
}

const path = /^\/services\/T0LOCAL\/B0LOCAL\/sink-([A-Za-z0-9_.%-]+)$/
const apiPath = /^\/api\/([A-Za-z.]+)$/
const largestBytes = 1_048_576
/** No real token has this form, so that none is looked for where this one is found. */
const token = 'sink-bot-token'

/** Speaks Slack's incoming webhooks and the methods of its Web API that Reeve uses (auth.test, chat.postMessage, chat.update) on this machine, checks a message as Slack does, and keeps it. Port 0 is any free one. */
export async function openSlackSink(options: { port?: number; onMessage?: (message: SinkMessage) => void } = {}): Promise<SlackSink> {
  const messages: SinkMessage[] = []
  let mood: SinkMood = 'ok'
  let requests = 0
  let port = options.port ?? 0
  let server: Server | null = null

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requests++
    const channel = path.exec(request.url ?? '')?.[1]
    const body = await read(request)
    if (mood === 'hang') return
    if (mood === 'close') return void request.socket.destroy()
    if (mood === 'page') return answer(response, 200, '<html>please log in</html>')
    const method = apiPath.exec(request.url ?? '')?.[1]
    if (typeof mood === 'object' && 'error' in mood)
      return method === undefined ? answer(response, 400, mood.error) : say(response, { ok: false, error: mood.error })
    if (typeof mood === 'object') return answer(response, mood.status, mood.text ?? (mood.status === 429 ? 'rate_limited' : 'error'), mood.retryAfter)
    if (request.method === 'POST' && method !== undefined) return say(response, callOf(method, request.headers.authorization, body))
    if (request.method !== 'POST' || channel === undefined) return answer(response, 404, 'no_service')
    const checked = check(body)
    if (typeof checked === 'string') return answer(response, 400, checked)
    const message = { channel: decodeURIComponent(channel), atMs: Date.now(), ...checked }
    messages.push(message)
    answer(response, 200, 'ok')
    options.onMessage?.(message)
  }

  /** What the Web API answers to a call. */
  function callOf(method: string, authorization: string | undefined, body: string): object {
    if (authorization !== `Bearer ${token}`) return { ok: false, error: authorization === undefined ? 'not_authed' : 'invalid_auth' }
    if (method === 'auth.test')
      return { ok: true, url: 'https://sink.slack.com/', team: 'sink', user: 'reeve', team_id: 'T0LOCAL', user_id: 'U0REEVE', bot_id: 'B0REEVE' }
    const checked = check(body)
    if (typeof checked === 'string') return { ok: false, error: checked }
    const { channel, thread_ts: threadTs, ts: edited } = checked.payload as { channel?: unknown; thread_ts?: unknown; ts?: unknown }
    if (typeof channel !== 'string' || channel === '') return { ok: false, error: 'channel_not_found' }
    const known = (ts: unknown) => messages.some(message => message.channel === channel && message.ts === ts)
    if (method === 'chat.update') return known(edited) ? { ok: true, channel, ts: edited } : { ok: false, error: 'message_not_found' }
    if (method !== 'chat.postMessage') return { ok: false, error: 'unknown_method' }
    if (threadTs !== undefined && !known(threadTs)) return { ok: false, error: 'thread_not_found' }
    const ts = `${Math.floor(Date.now() / 1_000)}.${String(messages.length).padStart(6, '0')}`
    const message = { channel, atMs: Date.now(), ...checked, ts, ...(typeof threadTs === 'string' ? { threadTs } : {}) }
    messages.push(message)
    options.onMessage?.(message)
    return { ok: true, channel, ts, message: {} }
  }

  async function comeBack(): Promise<void> {
    if (server) return
    server = createServer((request, response) => {
      handle(request, response).catch(() => request.socket.destroy())
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  async function goDown(): Promise<void> {
    const closing = server
    server = null
    if (!closing) return
    closing.closeAllConnections()
    closing.close()
    await once(closing, 'close')
  }

  await comeBack()
  return {
    get api() {
      return `http://127.0.0.1:${port}/api`
    },
    token,
    webhook: channel => `http://127.0.0.1:${port}/services/T0LOCAL/B0LOCAL/sink-${encodeURIComponent(channel)}`,
    messages,
    get requests() {
      return requests
    },
    mood: next => void (mood = next),
    goDown,
    comeBack,
    close: goDown
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > largestBytes) throw new Error('the message is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function answer(response: ServerResponse, status: number, text: string, retryAfter?: string): void {
  response.writeHead(status, { 'content-type': 'text/plain', ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }) }).end(text)
}

function say(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** What Slack refuses: its error word, or the texts of a sound message. */
function check(body: string): { text: string; lines: string[]; payload: unknown } | string {
  let payload: { text?: unknown; blocks?: unknown }
  try {
    payload = JSON.parse(body) as typeof payload
  } catch {
    return 'invalid_payload'
  }
  if (payload === null || typeof payload !== 'object') return 'invalid_payload'
  const { text = '', blocks = [] } = payload
  if (typeof text !== 'string' || !Array.isArray(blocks)) return 'invalid_payload'
  if (text === '' && blocks.length === 0) return 'no_text'
  if (text.length > 40_000) return 'msg_too_long'
  if (blocks.length > 50) return 'invalid_blocks'
  const lines: string[] = []
  for (const block of blocks as { type?: unknown; text?: unknown; elements?: unknown }[]) {
    const texts = block?.type === 'context' && Array.isArray(block.elements) ? (block.elements as unknown[]) : [block?.text]
    const most = block?.type === 'header' ? 150 : 3_000
    if (!['header', 'section', 'context', 'divider', 'actions'].includes(String(block?.type)) || texts.length === 0 || texts.length > 10)
      return 'invalid_blocks'
    if (block.type === 'divider') continue
    if (block.type === 'actions') {
      if (!areButtons(block.elements)) return 'invalid_blocks'
      continue
    }
    for (const each of texts as { type?: unknown; text?: unknown }[]) {
      const kinds = block.type === 'header' ? ['plain_text'] : ['plain_text', 'mrkdwn']
      if (!kinds.includes(String(each?.type)) || typeof each.text !== 'string' || each.text.length === 0 || each.text.length > most) return 'invalid_blocks'
      lines.push(each.text)
    }
  }
  return { text, lines, payload }
}

/** At most 25 buttons with different action ids, whose texts, values and addresses are within Slack's limits. */
function areButtons(elements: unknown): boolean {
  if (!Array.isArray(elements) || elements.length === 0 || elements.length > 25) return false
  const buttons = elements as { type?: unknown; action_id?: unknown; text?: { type?: unknown; text?: unknown }; value?: unknown; url?: unknown }[]
  const within = (text: unknown, most: number): boolean => text === undefined || (typeof text === 'string' && text.length > 0 && text.length <= most)
  return (
    new Set(buttons.map(button => button.action_id)).size === buttons.length &&
    buttons.every(
      ({ type, action_id, text, value, url }) =>
        type === 'button' && typeof action_id === 'string' && text?.type === 'plain_text' && within(text.text, 75) && within(value, 2_000) && within(url, 3_000)
    )
  )
}
