import type { Secret } from '../config/secret.ts'
import { isRetryable, post } from '../notify/post.ts'
import { webhookSignature } from '../notify/webhook.ts'
import { type Anchor, AnchorError, ForkFound } from './anchor.ts'

export interface WebhookAnchorOptions {
  readonly name: string
  readonly outside: boolean
  readonly url: Secret
  readonly key: Secret
  readonly timeoutMs: number
}

const longestAnswer = 1_000

/**
 * Any service that takes JSON: `{ version: 1, type: "checkpoint", origin, size, sha256, checkpoint }`, signed as notices are. Taken is any
 * 2xx, so the receiver must answer only once it has kept it; the beginning of its answer is the evidence. 409 says that it holds another
 * tree of this size. The address and the key stand in no error and no receipt.
 */
export function webhookAnchor({ name, outside, url, key, timeoutMs }: WebhookAnchorOptions): Anchor {
  return {
    name,
    kind: 'webhook',
    outside,
    check: () => Promise.resolve([]),
    async put(checkpoint) {
      const { origin, size, sha256, text } = checkpoint
      const body = JSON.stringify({ version: 1, type: 'checkpoint', origin, size, sha256, checkpoint: Buffer.from(text).toString('utf8') })
      const headers = { 'content-type': 'application/json', 'x-reeve-signature': webhookSignature(key.reveal(), body, Math.floor(Date.now() / 1_000)) }
      const posted = await post(url.reveal(), body, headers, timeoutMs)
      if (!posted.answered) throw new AnchorError(`the webhook ${name}: ${posted.error}`, true)
      const { status, text: answer } = posted.answer
      if (status === 409) throw new ForkFound(`the webhook ${name}`, checkpoint, Buffer.from(answer))
      if (status < 200 || status > 299) throw new AnchorError(`the webhook ${name}: expected 2xx, it answered ${status}`, isRetryable(status))
      return { anchor: name, kind: 'webhook', outside, location: null, sha256, repeated: false, evidence: { answer: answer.slice(0, longestAnswer) } }
    },
    held: null,
    close: () => undefined
  }
}
