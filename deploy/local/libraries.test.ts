import { expect, test } from 'vitest'
import { freePortBlock } from './ports.ts'
import { redisIsNewEnough } from './libraries.ts'
import { createServer } from 'node:net'

test.each([
  ['Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc', false],
  ['Redis server v=6.2.11 sha=00000000:0 malloc=libc', true],
  ['Redis server v=10.0.1 sha=00000000:0', true],
  ['', false],
  ['Valkey 8', false]
])('redis-server that says %j: new enough is %s', (version, enough) => {
  expect(redisIsNewEnough(version)).toBe(enough)
})

test('a block of ports is free from its first to its last', async () => {
  const first = await freePortBlock(13)
  const servers = await Promise.all(Array.from({ length: 13 }, (_, index) => listening(first + index)))
  for (const server of servers) server.close()
})

function listening(port: number) {
  return new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
