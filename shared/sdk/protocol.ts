import { z } from 'zod'

/**
 * The agreement between Reeve and consumers that adopted the SDK. Pure.
 *
 *   reeve.control  compacted   key  cluster/group[/topic[/partition]]   value Command      written by Reeve only
 *   reeve.acks     compacted   key  cluster/group/member                value Ack          written by each member
 *
 * Both topics have one partition, 0. Each part of a key is percent-encoded, so any name is allowed. The most specific command
 * that is in force wins. Compaction forgets what a key held before, so only the latest record of a key counts: a tombstone, or
 * a value that is not a Command, leaves nothing in force at that key. With nothing in force a consumer runs.
 */
export const protocolVersion = 1

export interface Target {
  readonly clusterId: string
  readonly groupId: string
  readonly topic?: string
  readonly partition?: number
}

export const commandSchema = z.object({
  version: z.literal(protocolVersion),
  /** Unique for each command: the ack names it. */
  commandId: z.string().min(1),
  state: z.enum(['paused', 'running']),
  issuedAtMs: z.number().int(),
  /** The SDK lets go by itself at this time (epoch milliseconds), or `ttlMs` after it read the command, whichever is first. */
  untilMs: z.number().int(),
  ttlMs: z.number().int().nonnegative(),
  /** One sentence for the owner's log. */
  reason: z.string(),
  issuer: z.string()
})
export type Command = z.infer<typeof commandSchema>

export const ackSchema = z.object({
  version: z.literal(protocolVersion),
  groupId: z.string().min(1),
  memberId: z.string().min(1),
  clientId: z.string(),
  /** For example kafkajs/2.2.4. */
  client: z.string(),
  /** What this member can pause. */
  grain: z.enum(['group', 'topic', 'partition']),
  /** The command in force for the whole group when this was written; where there is none, the latest in force for a part of it; null for none. */
  commandId: z.string().nullable(),
  /**
   * `paused`: a command in force pauses the group or a part of it, and this member obeys. `unsupported`: this member reads on though a command in
   * force says otherwise, because its client cannot pause so finely (`refused`), or because a record for the group is not a Command that it knows.
   */
  state: z.enum(['paused', 'running', 'left', 'unsupported']),
  /** Partitions held paused now, `topic-partition`. */
  paused: z.array(z.string()),
  /** Commands in force that this member cannot obey, by `commandId`; absent where it obeys all. */
  refused: z.array(z.string()).optional(),
  atMs: z.number().int()
})
export type Ack = z.infer<typeof ackSchema>

/** The key of a target. Throws on a partition without its topic: the key would mean a topic of that name. */
export function controlKey(target: Target): string {
  const { clusterId, groupId, topic, partition } = target
  if (partition !== undefined && topic === undefined) throw new Error(`command for group ${groupId}: partition ${partition} needs its topic`)
  const parts = [clusterId, groupId]
  if (topic !== undefined) parts.push(topic)
  if (partition !== undefined) parts.push(String(partition))
  return parts.map(encodeURIComponent).join('/')
}

/** The target of a key, or null where it is not exactly as `controlKey` writes it, so that no two keys have one target. */
export function parseControlKey(key: string): Target | null {
  try {
    const parts = key.split('/').map(decodeURIComponent)
    const [clusterId, groupId, topic, partition] = parts
    if (parts.length < 2 || parts.length > 4 || !clusterId || !groupId || topic === '') return null
    if (partition !== undefined && !/^\d{1,9}$/.test(partition)) return null
    const target: Target = { clusterId, groupId, ...(topic !== undefined && { topic }), ...(partition !== undefined && { partition: Number(partition) }) }
    return controlKey(target) === key ? target : null
  } catch {
    return null
  }
}

export function ackKey(clusterId: string, groupId: string, memberId: string): string {
  return [clusterId, groupId, memberId].map(encodeURIComponent).join('/')
}

/** Decodes a value of the control or acks topic; null where it is not one of ours, so that garbage never stops a consumer. */
export function decode<T>(schema: z.ZodType<T>, value: Buffer | null): T | null {
  if (value === null) return null
  try {
    const parsed = schema.safeParse(JSON.parse(value.toString('utf8')))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
