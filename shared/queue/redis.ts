import { isIP } from 'node:net'
import { Redis, type RedisOptions } from 'ioredis'
import { freshTls, type TlsFiles } from '../credentials/tls.ts'
import { withoutCredentials } from '../telemetry/log.ts'

/** Where Redis is and who asks. Looked at for each new connection. */
export interface RedisTarget {
  /** redis://[user:password@]host[:port][/db]; rediss:// for TLS. A function where its user or password may change; the rest of it must not. */
  readonly redisUrl: string | (() => string)
  /** For rediss://; without them Node's own authorities are trusted. */
  readonly redisTls?: TlsFiles | undefined
}

const connectTimeoutMs = 5_000
const commandTimeoutMs = 3_000
const longestRetryMs = 2_000

/** `host:port/db` of a Redis URL, without its user and password. Throws one sentence when the text is no Redis URL. */
export function redisAddress({ redisUrl }: RedisTarget): string {
  const text = urlOf(redisUrl)
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^rediss?:$/.test(url.protocol) || !url.hostname)
    throw new Error('the Redis URL is not of the form redis://[user:password@]host[:port][/db] (rediss:// for TLS)')
  return `${url.hostname}:${url.port || 6379}${url.pathname === '/' ? '' : url.pathname}`
}

/** The connection that answers or fails within seconds: a command is never kept for later. It reconnects for ever. */
export function openRedis(target: RedisTarget, name: string): Redis {
  return open(target, name, { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: commandTimeoutMs })
}

/** The connection of a worker: its blocking commands wait through an outage (BullMQ demands maxRetriesPerRequest null). */
export function openWorkerRedis(target: RedisTarget, name: string): Redis {
  return open(target, name, { maxRetriesPerRequest: null })
}

function open(
  target: RedisTarget,
  connectionName: string,
  options: Pick<RedisOptions, 'enableOfflineQueue' | 'maxRetriesPerRequest' | 'commandTimeout'>
): Redis {
  redisAddress(target)
  const url = urlOf(target.redisUrl)
  const { hostname, protocol } = new URL(url)
  return new Redis(url, {
    connectionName,
    connectTimeout: connectTimeoutMs,
    // Called as a method of the options of the connection that was lost, also of those that BullMQ copies from this one.
    retryStrategy(this: RedisOptions, attempt: number) {
      Object.assign(this, loginOf(urlOf(target.redisUrl)))
      return Math.min(50 * 2 ** Math.min(attempt, 6), longestRetryMs)
    },
    ...(protocol === 'rediss:' && { tls: tlsFor(hostname, target.redisTls ?? {}) }),
    ...options
  })
}

function urlOf(redisUrl: RedisTarget['redisUrl']): string {
  return typeof redisUrl === 'string' ? redisUrl : redisUrl()
}

/** Empty where there is none, so that one that is gone is not used on. */
function loginOf(url: string): { username: string; password: string } {
  const { username, password } = new URL(url)
  return { username: decodeURIComponent(username), password: decodeURIComponent(password) }
}

/** The name is told to the server, which may have certificates for several; an address is not one. */
function tlsFor(hostname: string, files: TlsFiles): NonNullable<RedisOptions['tls']> {
  const tls = freshTls(files)
  return {
    get secureContext() {
      return tls.secureContext
    },
    ...(isIP(hostname.replace(/^\[|\]$/g, '')) === 0 && { servername: hostname })
  }
}

/** One line about a driver's error. Only the message: the error object carries the command's arguments, AUTH's among them. */
export function redisErrorText(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return redisErrorText(error.errors[0])
  const text = error instanceof Error ? error.message || (error as { code?: string }).code || error.name : String(error)
  const remedy = remedies.find(([pattern]) => pattern.test(`${text} ${String((error as { code?: string } | null)?.code)}`))?.[1]
  return withoutCredentials(remedy === undefined ? text : `${text}; check ${remedy}`)
}

const remedies: readonly (readonly [RegExp, string])[] = [
  [/WRONGPASS|NOAUTH|invalid password/, 'the user and password in redis.url'],
  [/NOPERM/, "the rights of redis.url's user"],
  [/alert .*(certificate|unknown ca)|peer did not return a certificate/i, 'redis.tls.certFile: Redis refused the certificate of this client, or asks for one'],
  [/certificate|CERT_|altname/i, 'redis.tls.caFile, and that the host in redis.url is a name of the certificate'],
  [/wrong version number|packet length too long/i, 'that this port of Redis speaks TLS, or redis:// for one that does not']
]
