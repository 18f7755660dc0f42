import { Redis, type RedisOptions } from 'ioredis'
import { withoutCredentials } from '../telemetry/log.ts'

const connectTimeoutMs = 5_000
const commandTimeoutMs = 3_000
const longestRetryMs = 2_000

/** `host:port/db` of a Redis URL, without its user and password. Throws one sentence when the text is no Redis URL. */
export function redisAddress(redisUrl: string): string {
  const url = URL.canParse(redisUrl) ? new URL(redisUrl) : null
  if (!url || !/^rediss?:$/.test(url.protocol) || !url.hostname)
    throw new Error('the Redis URL is not of the form redis://[user:password@]host[:port][/db] (rediss:// for TLS)')
  return `${url.hostname}:${url.port || 6379}${url.pathname === '/' ? '' : url.pathname}`
}

/** The connection that answers or fails within seconds: a command is never kept for later. It reconnects for ever. */
export function openRedis(redisUrl: string, name: string): Redis {
  return open(redisUrl, name, { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: commandTimeoutMs })
}

/** The connection of a worker: its blocking commands wait through an outage (BullMQ demands maxRetriesPerRequest null). */
export function openWorkerRedis(redisUrl: string, name: string): Redis {
  return open(redisUrl, name, { maxRetriesPerRequest: null })
}

function open(redisUrl: string, connectionName: string, options: Pick<RedisOptions, 'enableOfflineQueue' | 'maxRetriesPerRequest' | 'commandTimeout'>): Redis {
  redisAddress(redisUrl)
  return new Redis(redisUrl, {
    connectionName,
    connectTimeout: connectTimeoutMs,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 6), longestRetryMs),
    ...options
  })
}

/** One line about a driver's error. Only the message: the error object carries the command's arguments, AUTH's among them. */
export function redisErrorText(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return redisErrorText(error.errors[0])
  const text = error instanceof Error ? error.message || (error as { code?: string }).code || error.name : String(error)
  return withoutCredentials(text)
}
