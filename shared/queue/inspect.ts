import { openRedis, redisAddress, redisErrorText, type RedisTarget } from './redis.ts'

/** What was looked at in Redis and how far it is from what the queue needs. `refuse`: do not start on it. */
export interface RedisFinding {
  readonly level: 'ok' | 'warn' | 'refuse'
  readonly what: 'reachable' | 'version' | 'maxmemory-policy' | 'appendonly'
  readonly found: string
  readonly expected: string
}

const leastVersion = [6, 2] as const

/**
 * Findings from the text of Redis's INFO. Pure. Redis only holds work in flight, so a lack of persistence costs turns
 * and is a warning; eviction loses jobs that were acknowledged while all looks well, so it is refused.
 */
export function judgeRedis(info: string): readonly RedisFinding[] {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
  const version = field('redis_version') ?? 'unknown'
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const recent = major > leastVersion[0] || (major === leastVersion[0] && minor >= leastVersion[1])
  const policy = field('maxmemory_policy') ?? 'unknown'
  const aof = field('aof_enabled') === undefined ? 'unknown' : field('aof_enabled') === '1' ? 'yes' : 'no'
  return [
    { level: recent ? 'ok' : 'refuse', what: 'version', found: version, expected: `${leastVersion.join('.')} or later` },
    { level: policy === 'noeviction' ? 'ok' : policy === 'unknown' ? 'warn' : 'refuse', what: 'maxmemory-policy', found: policy, expected: 'noeviction' },
    { level: aof === 'yes' ? 'ok' : 'warn', what: 'appendonly', found: aof, expected: 'yes' }
  ]
}

/** The version that INFO states; null when it states none. */
export function versionOf(info: string): string | null {
  return /^redis_version:(.*?)\r?$/m.exec(info)?.[1] ?? null
}

/**
 * Looks at a Redis once and closes the connection. Never throws for what Redis is or does: an unreachable one is the
 * finding `reachable: refuse`. Throws only when the URL is no Redis URL. No finding carries the user or the password.
 */
export async function inspectRedis(target: RedisTarget): Promise<readonly RedisFinding[]> {
  const address = redisAddress(target)
  const redis = openRedis(target, 'reeve-inspect')
  const expected = `an answer from ${address}`
  try {
    await new Promise<void>((resolve, reject) => {
      redis.once('ready', resolve)
      redis.once('error', reject)
      redis.once('close', () => reject(new Error('the connection was closed before Redis was ready')))
    })
    return [{ level: 'ok', what: 'reachable', found: address, expected }, ...judgeRedis(await redis.info())]
  } catch (error) {
    return [{ level: 'refuse', what: 'reachable', found: withTlsHint(redisErrorText(error)), expected }]
  } finally {
    redis.on('error', () => undefined)
    redis.disconnect()
  }
}

/** With TLS 1.3 a refusal of a certificate may be overtaken by the end of the connection; a port without TLS waits, and one with TLS hangs up. */
function withTlsHint(text: string): string {
  const mayBeTls = /ECONNRESET|EPIPE|ETIMEDOUT|was closed/.test(text) && !text.includes('; check ')
  return mayBeTls ? `${text}; check whether this port of Redis speaks TLS (rediss://), and redis.tls.certFile where it asks for a certificate` : text
}
