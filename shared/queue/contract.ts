import type { Log } from '../telemetry/log.ts'
import type { RedisFinding } from './inspect.ts'
import type { RedisTarget } from './redis.ts'

export interface QueueOptions extends RedisTarget {
  /** Namespace of the keys in Redis, for example `reeve`. */
  readonly prefix: string
  readonly log: Log
  /** Runs one turn. What it throws is logged and shown by `health`; the next tick is the only retry. */
  onTurn(name: string, jobId: string): Promise<void>
  /** How many names may run at the same time. */
  readonly concurrency: number
  /** How late beyond two intervals a turn may be before it is run without Redis. Default 2 s. */
  readonly graceMs?: number
}

export interface QueueHealth {
  /** Redis answered the last time it was asked. */
  readonly connected: boolean
  /** True while turns depend on the local timer, or Redis is not what it should be. */
  readonly degraded: boolean
  readonly leading: boolean
  /** Epoch milliseconds of the last turn that ended well, by name. */
  readonly lastSuccessMs: Readonly<Record<string, number>>
  /** Why the last turn failed, by name; absent after a success. */
  readonly lastFailure: Readonly<Record<string, string>>
  /** Turns that the local timer had to bring since the start. */
  readonly directTurns: number
  readonly redisVersion: string | null
  readonly findings: readonly RedisFinding[]
  /** Why Redis was last not at hand; null when it never failed. */
  readonly lastError: string | null
}

/** How an ask went: to Redis, to this process's own lane because Redis is away, or nowhere (Redis away and not leading). */
export type Asked = 'queued' | 'direct' | 'lost'
