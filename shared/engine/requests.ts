import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { LogRecord, NewRecord } from '../kafka/ports.ts'
import { type PersonRequest, requestKinds } from './agent.ts'

const schema = z.object({
  version: z.literal(1),
  id: z.string().min(1),
  kind: z.enum(requestKinds),
  subject: z.string(),
  who: z.string(),
  why: z.string(),
  atMs: z.number().int(),
  forMs: z.int().positive().optional(),
  onceUntilMs: z.int().optional(),
  seal: z.object({ by: z.enum(['oidc', 'mtls', 'slack', 'link']), mac: z.string() }).optional()
})

/**
 * What a person said, as a record of the requests topic. It needs neither Redis nor a running Reeve: whoever leads next reads
 * it. Who may write there is Kafka's to enforce (an ACL on the topic); `who` is what the command line claims, unless
 * the HTTP port has sealed it.
 */
export function newRequest(kind: PersonRequest['kind'], subject: string, who: string, why: string, atMs: number, forMs?: number): PersonRequest {
  return { id: randomUUID(), kind, subject, who, why, atMs, ...(forMs === undefined ? {} : { forMs }) }
}

export function requestRecord(topic: string, request: PersonRequest): NewRecord {
  return { topic, partition: 0, key: Buffer.from(request.id), value: Buffer.from(JSON.stringify({ version: 1, ...request })) }
}

/** The request in a record; null for anything else, so that garbage in the topic stops nothing. */
export function parseRequest(record: LogRecord): PersonRequest | null {
  try {
    const parsed = schema.safeParse(JSON.parse(record.value?.toString('utf8') ?? 'null'))
    if (!parsed.success) return null
    const { version: _version, ...request } = parsed.data
    return request
  } catch {
    return null
  }
}
