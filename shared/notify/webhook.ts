import { createHmac } from 'node:crypto'
import type { Secret } from '../config/secret.ts'
import { inLane, type LaneOptions } from './lane.ts'
import type { Delivery, Destination, Letter } from './notifier.ts'
import { post, refused } from './post.ts'

export interface WebhookOptions extends LaneOptions {
  readonly id: string
  readonly url: Secret
  readonly key: Secret
  /** Whether a notice that only this one took was told to people. */
  readonly reachesPeople: boolean
  readonly cluster: string
  readonly timeoutMs: number
}

/**
 * Any service that takes JSON: `{ version: 1, cluster, notice }`, signed. The address and the key stand in no error. Taken is any 2xx, so
 * the receiver must answer only once it has kept the notice; `notice.key` tells a repetition.
 */
export function webhook({ id, url, key, reachesPeople, cluster, timeoutMs, ...lane }: WebhookOptions): Destination {
  const attempt = async ({ notices: [notice] }: Letter): Promise<Delivery> => {
    const body = JSON.stringify({ version: 1, cluster, notice })
    const headers = { 'content-type': 'application/json', 'x-reeve-signature': webhookSignature(key.reveal(), body, Math.floor(Date.now() / 1_000)) }
    const posted = await post(url.reveal(), body, headers, timeoutMs)
    if (!posted.answered) return { ok: false, retryable: true, error: posted.error }
    const { status } = posted.answer
    if (status >= 200 && status < 300) return { ok: true }
    return refused(posted.answer, `expected 2xx, it answered ${status}`)
  }
  return { id, reachesPeople, digestAbove: null, deliver: inLane(lane, attempt) }
}

/** `t=<epoch seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`. */
export function webhookSignature(key: string, body: string, atSeconds: number): string {
  return `t=${atSeconds},v1=${createHmac('sha256', key).update(`${atSeconds}.${body}`).digest('hex')}`
}
