import type { Delivery } from './notifier.ts'

export interface Answer {
  readonly status: number
  /** Its beginning. */
  readonly text: string
  /** Of a 429: how long to wait, at most an hour. */
  readonly retryAfterMs: number | null
}

/** What the answer was, or that there was none: a sentence without the address. */
export type Posted = { readonly answered: true; readonly answer: Answer } | { readonly answered: false; readonly error: string }

const longestAnswerBytes = 16_384
const longestPauseMs = 60 * 60_000

/** One POST, bounded in time and in what is read of the answer; follows no redirect. Never throws. */
export async function post(url: string, body: string, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<Posted> {
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
    const text = await beginning(response)
    const retryAfterMs = response.status === 429 ? (retryAfter(response.headers.get('retry-after')) ?? 1_000) : null
    return { answered: true, answer: { status: response.status, text, retryAfterMs } }
  } catch (error) {
    return { answered: false, error: connectionError(error, timeoutMs) }
  }
}

/** Whether an attempt that was cut off arrived is unknown; it counts as not delivered and may come twice. */
function connectionError(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`
  const code = (error as { cause?: { code?: unknown } }).cause?.code ?? (error as { code?: unknown }).code
  return `no connection (${typeof code === 'string' ? code : 'the request failed'})`
}

/** An answer that was not what was expected. */
export function refused({ status, retryAfterMs }: Answer, error: string, retryable = isRetryable(status)): Delivery {
  return { ok: false, retryable, error, ...(retryAfterMs === null ? {} : { retryAfterMs }) }
}

/** Statuses that the same message may not meet again. A 2xx that is not the service's own comes from a proxy's page. */
export function isRetryable(status: number): boolean {
  return status < 300 || status >= 500 || [408, 425, 429].includes(status)
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
