import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'

const schema = z.strictObject({
  /** Which Reeve it speaks to, see scopeOf. */
  cluster: z.string(),
  kind: z.enum(['snooze', 'fixed', 'appeal', 'approve']),
  /** What the request is about; of a snooze the incident. */
  subject: z.string().min(1),
  forMs: z.int().positive().optional(),
  /** Not accepted from this on, epoch milliseconds. */
  expMs: z.int(),
  /** Becomes the id of the request, which the leader takes once. */
  nonce: z.string().min(16)
})
/** What a link or a button allows whoever holds it to say, once. */
export type Ticket = z.output<typeof schema>

const longest = 4_096
const mark = 'reeve link v1\n'

export function newNonce(): string {
  return randomBytes(16).toString('base64url')
}

/** `<base64url of JSON>.<base64url of HMAC-SHA256>`, by the first of the keys. */
export function signTicket(ticket: Ticket, [key]: readonly [string, ...string[]]): string {
  const body = Buffer.from(JSON.stringify(ticket)).toString('base64url')
  return `${body}.${macOf(body, key).toString('base64url')}`
}

/** The ticket, or why it is none. The keys are tried in turn, in constant time each: a new first key leaves the links of the one before valid. */
export function openTicket(token: string, keys: readonly string[], nowMs: number): Ticket | 'forged' | 'expired' {
  const match = token.length <= longest ? /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/.exec(token) : null
  if (!match) return 'forged'
  const [, body, mac] = match as unknown as [string, string, string]
  const given = Buffer.from(mac, 'base64url')
  if (!keys.some(key => timingSafeEqual(given, macOf(body, key)))) return 'forged'
  const ticket = schema.parse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')))
  return nowMs < ticket.expMs ? ticket : 'expired'
}

function macOf(body: string, key: string): Buffer {
  return createHmac('sha256', key).update(mark).update(body).digest()
}
