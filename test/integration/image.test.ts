import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reeveTopics } from '#shared/engine/topics.ts'
import { openKafka } from '#shared/kafka/index.ts'
import { type Image, unpackImage } from '#test/support/image.ts'
import { configuration, names, type Reeve, ReeveBench } from '#test/support/reeve-process.ts'
import { until } from '#test/support/replica.ts'
import { stack, superUser, unique } from '#test/support/stack.ts'

/** Node itself refuses every write to a file, every child process and every worker. */
const readOnly = { NODE_OPTIONS: '--permission --allow-fs-read=* --allow-addons --disable-warning=PERM0001' }
const bench = new ReeveBench()
const prefix = unique('image')
let image: Image
let file: string
let reeve: Reeve

beforeAll(async () => {
  image = unpackImage()
  file = bench.write(configuration(prefix))
  reeve = bench.start(file, { entry: image.entry, env: { ...image.environment, ...readOnly } })
  await reeve.leads()
})
afterAll(async () => {
  await bench.close()
  image.remove()
  const kafka = await openKafka(superUser())
  const { topics } = await kafka.admin.scan({ atMs: 0 })
  for (const name of names(reeveTopics(prefix))) if (topics.has(name)) await kafka.admin.deleteTopicById(topics.get(name)!.topicId)
  await kafka.close()
})

test('what the image holds runs where nothing may be written: it scans and takes its turns', async () => {
  const attempt = spawnSync(process.execPath, ['-e', "require('node:fs').writeFileSync('/tmp/reeve-may-not', '')"], {
    env: { ...process.env, ...readOnly },
    encoding: 'utf8'
  })
  expect(attempt.stderr).toContain('ERR_ACCESS_DENIED')
  await until('its first turn', async () => (await reeve.ready())?.agents['consumer-guardian'] !== undefined, 20_000)
  expect(reeve.printed()).not.toContain('ERR_ACCESS_DENIED')
})

test("the image's health check finds it alive, and a port that nobody listens on not", () => {
  const [, ...words] = image.healthCheck
  const check = (address: string) => spawnSync(process.execPath, words, { env: { ...process.env, REEVE_HEALTH: address } }).status
  const address = String(reeve.lines.find(({ http }) => typeof http === 'string')?.['http'])
  expect(check(`http://${address}/healthz`)).toBe(0)
  expect(check('http://127.0.0.1:1/healthz')).toBe(1)
})

test('a user without a name, as containers often have, may say halt', context => {
  if (process.getuid?.() !== 0) {
    context.skip('only root can become another user')
    return
  }
  for (const folder of [dirname(file), dirname(dirname(image.entry))]) chmodSync(folder, 0o755)
  const said = spawnSync(process.execPath, [image.entry, '--config', file, 'halt', '--why', 'a test', '--wait', '60s'], {
    uid: 4711,
    gid: 4711,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], TEST_REDIS_URL: stack().redisUrl }
  })
  expect(said.status, said.stdout + said.stderr).toBe(0)
  expect(said.stdout).toContain('uid-4711@')
})
