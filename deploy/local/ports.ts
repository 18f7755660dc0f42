import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

/** Below the ports that Linux (32768) and macOS (49152) give to outgoing connections, so that a stopped node finds its own free again. */
const LOWEST = 20_000
const HIGHEST = 32_000

/**
 * First of `count` consecutive ports of 127.0.0.1 that nobody listens on now. Another process may take one before it is used:
 * whoever binds them tries again with others.
 */
export async function freePortBlock(count: number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const first = randomInt(LOWEST, HIGHEST - count)
    if (await allFree(first, count)) return first
  }
  throw new Error(`found no ${count} consecutive free ports between ${LOWEST} and ${HIGHEST} in 100 attempts`)
}

async function allFree(first: number, count: number): Promise<boolean> {
  const held = await Promise.allSettled(Array.from({ length: count }, (_, index) => listen(first + index)))
  await Promise.all(held.flatMap(result => (result.status === 'fulfilled' ? [close(result.value)] : [])))
  return held.every(result => result.status === 'fulfilled')
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server))
  })
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => server.close(() => resolve()))
}
