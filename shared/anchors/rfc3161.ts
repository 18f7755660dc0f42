import { fresh } from '../credentials/fresh.ts'
import { type Anchor, AnchorError } from './anchor.ts'
import { certificatesOf, timeStampRequest, tokenOf, verifyTimeStamp } from './time-stamp.ts'

export interface Rfc3161Options {
  readonly name: string
  readonly outside: boolean
  readonly url: string
  /** PEM file of the authorities that may vouch for the time-stamp authority; read again when it changes. */
  readonly caFile: string
  readonly timeoutMs: number
}

const largestAnswerBytes = 1_000_000

/**
 * A time-stamp authority (RFC 3161 over HTTP): it vouches for when a checkpoint existed, and keeps nothing. Its token, checked before it is
 * believed, is the evidence: the receipt has to be kept where it will be found.
 */
export function rfc3161Anchor({ name, outside, url, caFile, timeoutMs }: Rfc3161Options): Anchor {
  const authorities = fresh([caFile], ([content]) => {
    const pem = content!.toString('utf8')
    certificatesOf(pem)
    return pem
  })
  const trusted = () => {
    try {
      return authorities()
    } catch (error) {
      throw new AnchorError(`the time-stamp authority ${name}: ${(error as Error).message}`, false, error)
    }
  }
  return {
    name,
    kind: 'rfc3161',
    outside,
    check: async () => {
      trusted()
      return []
    },
    async put({ text, sha256 }) {
      const pem = trusted()
      const { request, nonce } = timeStampRequest(text)
      const token = tokenOf(await asked(url, request, timeoutMs))
      const { atMs, authority, policy, serial } = await verifyTimeStamp(token, text, pem, nonce)
      const evidence = { token: Buffer.from(token).toString('base64'), at: new Date(atMs).toISOString(), authority, policy, serial }
      return { anchor: name, kind: 'rfc3161', outside, location: url, sha256, repeated: false, evidence }
    },
    held: null,
    close: () => undefined
  }
}

async function asked(url: string, request: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
  const headers = { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' }
  let response: Response
  const chunks: Uint8Array[] = []
  try {
    response = await fetch(url, { method: 'POST', headers, body: Buffer.from(request), redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
    let length = 0
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk as Uint8Array)
      length += (chunk as Uint8Array).length
      if (length > largestAnswerBytes) throw new AnchorError(`the time-stamp authority at ${url} answered with more than ${largestAnswerBytes} bytes`, false)
    }
  } catch (error) {
    if (error instanceof AnchorError) throw error
    const { name, cause } = error as Error
    const code = (cause as { code?: unknown } | undefined)?.code
    const reason = name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : `no connection (${typeof code === 'string' ? code : 'the request failed'})`
    throw new AnchorError(`the time-stamp authority at ${url}: ${reason}`, true, error)
  }
  if (response.status !== 200)
    throw new AnchorError(`the time-stamp authority at ${url}: expected 200, it answered ${response.status}`, response.status >= 500 || response.status === 429)
  return Buffer.concat(chunks)
}
