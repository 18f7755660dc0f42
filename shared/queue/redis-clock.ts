import { openRedis, redisErrorText, type RedisTarget } from './redis.ts'

/** What Redis's clock said between two readings of this host's, epoch milliseconds. */
export interface RedisClock {
  readonly redisMs: number
  readonly askedAtMs: number
  readonly answeredAtMs: number
}

/** Asks Redis for TIME once and closes the connection. Throws one sentence without user and password. */
export async function redisClock(target: RedisTarget): Promise<RedisClock> {
  const redis = openRedis(target, 'reeve-clock')
  let failure: string
  try {
    await new Promise<void>((resolve, reject) => {
      redis.once('ready', resolve)
      redis.once('error', reject)
    })
    const askedAtMs = Date.now()
    const [seconds, microseconds] = await redis.time()
    return { redisMs: Number(seconds) * 1_000 + Number(microseconds) / 1_000, askedAtMs, answeredAtMs: Date.now() }
  } catch (error) {
    failure = redisErrorText(error)
  } finally {
    redis.on('error', () => undefined)
    redis.disconnect()
  }
  // Without its cause: the driver's error holds the arguments of the command that failed, AUTH's among them.
  throw new Error(failure)
}
