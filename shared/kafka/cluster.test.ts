import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { openLoginServer } from '#test/support/login-server.ts'
import { Cluster } from './cluster.ts'

const connectionTo = (port: number, password: string | (() => string) = 'p') => ({
  brokers: [`127.0.0.1:${port}`],
  clientId: 'test',
  requestTimeoutMs: 2_000,
  sasl: { mechanism: 'PLAIN', username: 'u', password } as const
})

async function untilTrue(condition: () => boolean): Promise<void> {
  for (let times = 0; times < 500 && !condition(); times++) await sleep(10)
  expect(condition()).toBe(true)
}

test('a session is renewed before it ends, with the password of that moment', async () => {
  const server = await openLoginServer(() => ({ sessionMs: 100 }))
  let asked = 0
  const cluster = new Cluster(connectionTo(server.port, () => `password ${++asked}`))
  const unanswered = cluster.metadata([]).catch((error: Error) => error)
  await untilTrue(() => server.logins >= 3)
  expect(asked).toBeGreaterThanOrEqual(3)
  expect(server.sockets.size).toBe(1)
  server.close()
  await unanswered
  await cluster.close()
})

test('a broker that refuses to renew a session and resets the connection ends a request and nothing else', async () => {
  const uncaught: unknown[] = []
  const hear = (error: unknown) => void uncaught.push(error)
  process.on('uncaughtException', hear)
  const server = await openLoginServer(login => (login === 1 ? { sessionMs: 100 } : null))
  const cluster = new Cluster(connectionTo(server.port))
  // Whether a request that was under way took effect is unknown; the next one is told why there is no connection.
  await expect(cluster.metadata([])).rejects.toMatchObject({ kind: 'unreachable', outcome: 'unknown', retriable: true })
  await expect(cluster.metadata([])).rejects.toMatchObject({ kind: 'authentication', outcome: 'refused' })
  await untilTrue(() => server.sockets.size === 0)
  await sleep(50)
  process.off('uncaughtException', hear)
  expect(uncaught).toEqual([])
  await cluster.close()
  server.close()
})

test('a lost connection leaves no timer behind that would keep this process for the length of a session', async () => {
  const set = vi.spyOn(globalThis, 'setTimeout')
  const cleared = [vi.spyOn(globalThis, 'clearTimeout'), vi.spyOn(globalThis, 'clearInterval')]
  const server = await openLoginServer(() => ({ sessionMs: 60_000 }))
  const cluster = new Cluster(connectionTo(server.port))
  const lost = cluster.metadata([]).catch((error: unknown) => error)
  await untilTrue(() => server.logins === 1)
  await sleep(50)
  for (const socket of server.sockets) socket.destroy()
  expect(await lost).toMatchObject({ kind: 'unreachable', message: expect.stringMatching(/^Metadata v12 to any broker: /) })
  await cluster.close()
  server.close()
  const renewal = set.mock.results[set.mock.calls.findIndex(([, delayMs]) => delayMs === 48_000)]?.value as NodeJS.Timeout | undefined
  expect(renewal).toBeDefined()
  expect(cleared.some(({ mock }) => mock.calls.some(([timer]) => timer === renewal))).toBe(true)
  vi.restoreAllMocks()
})

test('who is in no hurry rests after each answer, as long as it took times as often as asked', async () => {
  const server = await openLoginServer(() => ({ sessionMs: 60_000 }))
  const answering = async (restTimes: number): Promise<number> => {
    const cluster = new Cluster(connectionTo(server.port), { restTimes })
    const slow = { key: 3, version: 12, async: () => sleep(50) } as unknown as Parameters<Cluster['request']>[1]
    await cluster.request('any', slow)
    const startedAt = performance.now()
    await cluster.request('any', slow)
    await cluster.close()
    return performance.now() - startedAt
  }
  expect(await answering(3)).toBeGreaterThanOrEqual(190)
  expect(await answering(0)).toBeGreaterThanOrEqual(45)
  server.close()
})
