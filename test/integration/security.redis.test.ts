import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newAuthority } from '#deploy/local/x509.ts'
import { freshText } from '#shared/credentials/fresh.ts'
import { inspectRedis } from '#shared/queue/inspect.ts'
import { openQueue } from '#shared/queue/queue.ts'
import type { RedisTarget } from '#shared/queue/redis.ts'
import { freePort, type OwnRedis, ownRedis } from '#test/support/redis.ts'
import { until } from '#test/support/replica.ts'

const folder = mkdtempSync(join(tmpdir(), 'reeve-redis-tls-'))
const [authority, foreign] = [newAuthority('CN=authority of redis'), newAuthority('CN=foreign')]
const password = 'se/cret@1'
let redis: OwnRedis
let port: number

const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const pair = (name: string, { certificate, key }: { certificate: string; key: string }) => ({
  certFile: file(`${name}.pem`, certificate),
  keyFile: file(`${name}.key`, key)
})
const url = (secret = password, host = '127.0.0.1') => `rediss://reeve:${encodeURIComponent(secret)}@${host}:${port}`
const caFile = file('ca.pem', authority.certificate)

beforeAll(async () => {
  port = await freePort()
  const server = pair('server', authority.issue({ subject: 'CN=redis', hosts: ['127.0.0.1'] }))
  const tls = ['--tls-port', String(port), '--tls-cert-file', server.certFile, '--tls-key-file', server.keyFile, '--tls-ca-cert-file', caFile]
  redis = await ownRedis(['--appendonly', 'yes', ...tls, '--tls-auth-clients', 'yes'])
  await redis.start()
  await redis.command('ACL', 'SETUSER', 'reeve', 'on', `>${password}`, '~*', '&*', '+@all')
})
afterAll(async () => {
  await redis?.remove()
  rmSync(folder, { recursive: true })
})

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const found = async (target: RedisTarget) => (await inspectRedis(target))[0]!

test('Redis is reached by TLS with a certificate, as a user of its own', async () => {
  const own = pair('own', authority.issue({ subject: 'CN=reeve' }))
  const findings = await inspectRedis({ redisUrl: url(), redisTls: { caFile, ...own } })
  expect(findings.map(({ what, level }) => `${what} ${level}`)).toEqual(['reachable ok', 'version ok', 'maxmemory-policy ok', 'appendonly ok'])
})

test.each([
  ['an authority that is not trusted', () => ({ redisUrl: url(), redisTls: { caFile: file('f.pem', foreign.certificate) } }), 'check redis.tls.caFile'],
  [
    'a host that the certificate does not name',
    () => ({ redisUrl: url(password, 'localhost'), redisTls: { caFile } }),
    'check redis.tls.caFile, and that the host in redis.url'
  ],
  ['no certificate', () => ({ redisUrl: url(), redisTls: { caFile } }), 'redis.tls.certFile'],
  ['a foreign certificate', () => ({ redisUrl: url(), redisTls: { caFile, ...pair('g', foreign.issue({ subject: 'CN=reeve' })) } }), 'redis.tls.certFile'],
  [
    'an expired certificate',
    () => ({ redisUrl: url(), redisTls: { caFile, ...pair('h', authority.issue({ subject: 'CN=reeve', validForMs: -60_000 })) } }),
    'redis.tls.certFile'
  ],
  [
    'a wrong password',
    () => ({ redisUrl: url('no-secret-of-mine'), redisTls: { caFile, ...pair('i', authority.issue({ subject: 'CN=reeve' })) } }),
    'check the user and password in redis.url'
  ]
])('%s gives one finding that names what to check', async (_, target, expected) => {
  const { level, found: words } = await found(target())
  expect(level).toBe('refuse')
  expect(words).toContain(expected)
  expect(words).not.toContain('no-secret-of-mine')
})

test('certificate and password are replaced while turns go on: lost connections come back with the new ones', async () => {
  const validForMs = 2_000
  const expiresAtMs = Date.now() + validForMs
  const files = pair('rotated', authority.issue({ subject: 'CN=reeve', validForMs }))
  const passwordFile = file('password', password)
  const secret = freshText(passwordFile)
  let turns = 0
  const onTurn = async () => void turns++
  const queue = openQueue({
    redisUrl: () => url(secret()),
    redisTls: { caFile, ...files },
    prefix: 'rotated',
    log: silent,
    concurrency: 1,
    onTurn,
    graceMs: 60_000
  })
  queue.lead([{ name: 'tick', everyMs: 200 }])
  await until('turns come', () => turns >= 2)

  pair('rotated', authority.issue({ subject: 'CN=reeve' }))
  await redis.command('ACL', 'SETUSER', 'reeve', 'resetpass', '>another')
  writeFileSync(passwordFile, 'another')
  await sleep(Math.max(0, expiresAtMs + 1_000 - Date.now()))
  // The producer, the worker and the worker's blocking connection, which BullMQ makes itself.
  expect(Number(await redis.command('CLIENT', 'KILL', 'USER', 'reeve'))).toBeGreaterThanOrEqual(3)
  await until('it is connected again', () => queue.health().connected && !queue.health().degraded)
  let since = { turns, directTurns: queue.health().directTurns }
  await until('three turns in a row come through Redis', () => {
    const { directTurns } = queue.health()
    if (directTurns !== since.directTurns) since = { turns, directTurns }
    return turns >= since.turns + 3
  })
  expect(queue.health()).toMatchObject({ connected: true, degraded: false })
  await queue.close()
})
