import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How the sink answers from now on. `hang` never answers, `close` drops the connection, `page` is a proxy's 200 that is not Slack's. */
export type SinkMood = 'ok' | 'hang' | 'close' | 'page' | { readonly status: number; readonly retryAfter?: string; readonly text?: string }

export interface SinkMessage {
  readonly channel: string
  readonly atMs: number
  readonly text: string
  /** All texts of the blocks, in order. */
  readonly lines: readonly string[]
  readonly payload: unknown
}

export interface SlackSink {
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
const largestBytes = 1_048_576

/** Speaks Slack's incoming webhook protocol on this machine, checks a message as Slack does, and keeps it. Port 0 is any free one. */
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
    if (typeof mood === 'object') return answer(response, mood.status, mood.text ?? (mood.status === 429 ? 'rate_limited' : 'error'), mood.retryAfter)
    if (request.method !== 'POST' || channel === undefined) return answer(response, 404, 'no_service')
    const checked = check(body)
    if (typeof checked === 'string') return answer(response, 400, checked)
    const message = { channel: decodeURIComponent(channel), atMs: Date.now(), ...checked }
    messages.push(message)
    answer(response, 200, 'ok')
    options.onMessage?.(message)
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
    if (!['header', 'section', 'context', 'divider'].includes(String(block?.type)) || texts.length === 0 || texts.length > 10) return 'invalid_blocks'
    if (block.type === 'divider') continue
    for (const each of texts as { type?: unknown; text?: unknown }[]) {
      const kinds = block.type === 'header' ? ['plain_text'] : ['plain_text', 'mrkdwn']
      if (!kinds.includes(String(each?.type)) || typeof each.text !== 'string' || each.text.length === 0 || each.text.length > most) return 'invalid_blocks'
      lines.push(each.text)
    }
  }
  return { text, lines, payload }
}
