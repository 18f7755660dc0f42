import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { stack } from '#test/support/stack.ts'

/** A Redis of a test's own, to wipe, stop and kill. */
export interface OwnRedis {
  readonly url: string
  readonly port: number
  start(): Promise<void>
  /** kill -9, and waits until it is gone. */
  kill(): Promise<void>
  signal(name: NodeJS.Signals): void
  /** Runs one command over a connection of its own. */
  command(name: string, ...args: string[]): Promise<unknown>
  remove(): Promise<void>
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Where the stack's own Redis was started from; an installed one where that is not on this machine. */
async function redisServer(): Promise<string> {
  const redis = new Redis(stack().redisUrl)
  const path = /^executable:(.*?)\r?$/m.exec(await redis.info('server'))?.[1]
  redis.disconnect()
  return path ?? 'redis-server'
}

/** Prepares a Redis on a free port with its own folder; not started yet. `settings` are redis-server arguments; `program` is another redis-server than the stack's. */
export async function ownRedis(settings: readonly string[] = ['--appendonly', 'yes'], password = '', program?: string): Promise<OwnRedis> {
  const binary = program ?? (await redisServer())
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'reeve-redis-'))
  const url = `redis://${password ? `:${password}@` : ''}127.0.0.1:${port}`
  let child: ChildProcess | null = null
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  const command = async (name: string, ...args: string[]) => {
    const redis = new Redis(url, { maxRetriesPerRequest: 50, retryStrategy: () => 50 })
    redis.on('error', () => undefined)
    try {
      return await redis.call(name, ...args)
    } finally {
      redis.disconnect()
    }
  }
  return {
    url,
    port,
    kill,
    command,
    async start() {
      const auth = password ? ['--requirepass', password] : []
      child = spawn(binary, ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...auth, ...settings], { stdio: 'ignore' })
      await command('PING')
    },
    signal(name) {
      child?.kill(name)
    },
    async remove() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
