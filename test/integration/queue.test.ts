import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { inspectRedis } from '#shared/queue/inspect.ts'
import { openQueue, type WorkQueue } from '#shared/queue/queue.ts'
import type { Log } from '#shared/telemetry/log.ts'
import { freePort, ownRedis, type OwnRedis } from '#test/support/redis.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close()
})

async function redis(settings?: readonly string[], password?: string): Promise<OwnRedis> {
  const own = await ownRedis(settings, password)
  opened.push({ close: () => own.remove() })
  return own
}

/** Counts what ran and what ran at the same time. */
function book() {
  const ran: string[] = []
  let open: (() => void) | null = null
  let busy = 0
  let mostAtOnce = 0
  return {
    ran,
    mostAtOnce: () => mostAtOnce,
    hold() {
      const gate = new Promise<void>(resolve => (open = resolve))
      this.gate = gate
    },
    release: () => open?.(),
    gate: Promise.resolve(),
    async turn(name: string) {
      busy++
      mostAtOnce = Math.max(mostAtOnce, busy)
      ran.push(name)
      await this.gate
      busy--
    }
  }
}

function lines() {
  const warnings: string[] = []
  const note = (fields: object, message: string) => void warnings.push(`${message} ${JSON.stringify(fields)}`)
  const log: Log = { debug: note, info: note, warn: note, error: note }
  return { log, warnings }
}

function queue(
  redisUrl: string,
  onTurn: (name: string, jobId: string) => Promise<void>,
  more: { prefix?: string; graceMs?: number; log?: Log } = {}
): WorkQueue {
  const work = openQueue({ redisUrl, prefix: more.prefix ?? 'test', log: more.log ?? lines().log, concurrency: 4, onTurn, graceMs: more.graceMs ?? 500 })
  opened.unshift(work)
  return work
}

const until = (held: () => unknown, timeout = 15_000) => expect.poll(held, { timeout, interval: 20 }).toBeTruthy()

test('twenty asks while a turn runs bring at most two more, and never two at once', async () => {
  const own = await redis()
  await own.start()
  const book1 = book()
  book1.hold()
  const work = queue(own.url, name => book1.turn(name))
  work.lead([{ name: 'guardian', everyMs: 3_600_000 }])
  await until(() => book1.ran.length === 1)
  await Promise.all(Array.from({ length: 20 }, () => work.ask('guardian')))
  expect(book1.ran.length).toBe(1)
  book1.release()
  await until(() => book1.ran.length >= 2)
  expect(await work.ask('other')).toBe('queued')
  await until(() => book1.ran.includes('other'))
  expect(book1.ran.filter(name => name === 'guardian').length).toBeLessThanOrEqual(3)
  expect(work.health()).toMatchObject({ connected: true, degraded: false, directTurns: 0, leading: true })
  expect(work.health().lastSuccessMs['guardian']).toBeGreaterThan(0)
})

test('of two queues that both take turns only one runs a name at a time', async () => {
  const own = await redis()
  await own.start()
  const both = book()
  const slow = async (name: string) => {
    await both.turn(name)
  }
  const delayed = async (name: string) => {
    both.gate = new Promise(resolve => setTimeout(resolve, 60))
    await slow(name)
  }
  const one = queue(own.url, delayed, { graceMs: 60_000 })
  const two = queue(own.url, delayed, { graceMs: 60_000 })
  one.lead([{ name: 'guardian', everyMs: 200 }])
  two.lead([{ name: 'guardian', everyMs: 200 }])
  for (let i = 0; i < 30; i++) await Promise.all([one.ask('guardian'), two.ask('guardian')])
  await until(() => both.ran.length >= 15)
  expect(both.mostAtOnce()).toBe(1)
})

test('a tick comes at every interval from Redis alone', async () => {
  const own = await redis()
  await own.start()
  const ran = book()
  const work = queue(own.url, name => ran.turn(name))
  work.lead([
    { name: 'observer', everyMs: 300 },
    { name: 'guardian', everyMs: 300 }
  ])
  await until(() => ran.ran.filter(name => name === 'observer').length >= 6 && ran.ran.filter(name => name === 'guardian').length >= 6)
  expect(work.health().directTurns).toBe(0)
  await own.command('HSET', 'test:turns:x', 'a', 'b')
  work.stepDown()
  await until(() => !work.health().leading)
  const count = ran.ran.length
  await new Promise(resolve => setTimeout(resolve, 1_000))
  expect(ran.ran.length).toBeLessThanOrEqual(count + 1)
})

for (const when of ['before the lead', 'while a turn runs', 'between two turns', 'twenty times in a row'] as const) {
  test(`a wipe ${when} costs at most one turn`, async () => {
    const own = await redis()
    await own.start()
    const everyMs = 1_000
    const at: number[] = []
    let wipe = when === 'while a turn runs' ? 2 : 0
    const work = queue(own.url, async () => {
      at.push(performance.now())
      if (wipe > 0 && at.length === wipe) {
        wipe = 0
        await own.command('FLUSHALL')
      }
    })
    if (when === 'before the lead') {
      await until(() => work.health().connected)
      await own.command('FLUSHALL')
    }
    work.lead([{ name: 'guardian', everyMs }])
    await until(() => at.length >= 2)
    if (when === 'between two turns') await own.command('FLUSHALL')
    if (when === 'twenty times in a row')
      for (let i = 0; i < 20; i++) {
        await own.command('FLUSHALL')
        await new Promise(resolve => setTimeout(resolve, 100))
      }
    const had = at.length
    await until(() => at.length >= had + 4)
    const gaps = at.slice(1).map((value, index) => value - at[index]!)
    // Two intervals, the grace of 500 ms, and one look of the timer.
    expect(Math.max(...gaps)).toBeLessThan(2 * everyMs + 500 + 500)
    await until(() => work.health().connected)
    expect(await own.command('ZCARD', 'test:turns:repeat')).toBe(1)
  })
}

test('kill -9 of Redis and a restart: turns go on without it and come from it again', async () => {
  const own = await redis()
  await own.start()
  const ran = book()
  const { log, warnings } = lines()
  const work = queue(own.url, name => ran.turn(name), { log })
  work.lead([{ name: 'guardian', everyMs: 400 }])
  await until(() => ran.ran.length >= 2)
  await own.kill()
  await until(() => !work.health().connected)
  const atKill = ran.ran.length
  await until(() => ran.ran.length >= atKill + 3)
  expect(work.health()).toMatchObject({ degraded: true })
  expect(work.health().directTurns).toBeGreaterThan(0)
  expect(await work.ask('guardian')).toBe('direct')
  expect(await work.redisTimeMs()).toBeNull()
  expect(warnings.filter(line => line.startsWith('Redis is away')).length).toBe(1)
  await own.start()
  await until(() => work.health().connected)
  expect(Math.abs((await work.redisTimeMs())! - Date.now())).toBeLessThan(2_000)
  const direct = work.health().directTurns
  const atStart = ran.ran.length
  await until(() => ran.ran.length >= atStart + 5)
  expect(work.health().directTurns).toBeLessThanOrEqual(direct + 1)
})

test('without Redis at the start the queue opens degraded, works, and joins Redis when it comes', async () => {
  const own = await redis()
  const ran = book()
  const { log, warnings } = lines()
  const work = queue(own.url, name => ran.turn(name), { log })
  work.lead([{ name: 'guardian', everyMs: 300 }])
  await until(() => ran.ran.length >= 3)
  expect(work.health()).toMatchObject({ connected: false, degraded: true, redisVersion: null })
  expect(work.health().lastError).toContain('ECONNREFUSED')
  expect(warnings[0]).toContain('Redis is away')
  await own.start()
  await until(() => work.health().connected)
  await until(async () => (await own.command('ZCARD', 'test:turns:repeat')) === 1)
  const direct = work.health().directTurns
  const had = ran.ran.length
  await until(() => ran.ran.length >= had + 5)
  expect(work.health().directTurns).toBeLessThanOrEqual(direct + 1)
})

test('a Redis that hangs is noticed, and does not hold up the turns', async () => {
  const own = await redis()
  await own.start()
  const ran = book()
  const work = queue(own.url, name => ran.turn(name))
  work.lead([{ name: 'guardian', everyMs: 500 }])
  await until(() => ran.ran.length >= 2)
  own.signal('SIGSTOP')
  await until(() => !work.health().connected)
  const had = ran.ran.length
  await until(() => ran.ran.length >= had + 3)
  const began = performance.now()
  await Promise.all(Array.from({ length: 10 }, () => work.ask('guardian')))
  for (let i = 0; i < 10; i++) await work.ask('guardian')
  expect(performance.now() - began).toBeLessThan(8_000)
  own.signal('SIGCONT')
  await until(() => work.health().connected)
})

test('a scheduler that somebody changed, added or set far ahead is mended', async () => {
  const own = await redis()
  await own.start()
  const ran = book()
  const work = queue(own.url, name => ran.turn(name))
  work.lead([{ name: 'guardian', everyMs: 60_000 }])
  await until(() => ran.ran.length >= 1)
  const ahead = String(Date.now() + 40 * 86_400_000)
  await own.command('ZADD', 'test:turns:repeat', ahead, 'guardian')
  expect(await work.mend()).toBe(true)
  await own.command('ZADD', 'test:turns:repeat', String(Date.now()), 'left-over')
  await own.command('HSET', 'test:turns:repeat:left-over', 'name', 'left-over', 'every', '1000', 'ic', '1')
  expect(await work.mend()).toBe(true)
  expect(await own.command('ZRANGE', 'test:turns:repeat', '0', '-1')).toEqual(['guardian'])
  expect(Number(await own.command('ZSCORE', 'test:turns:repeat', 'guardian'))).toBeLessThan(Date.now() + 120_000)
})

test('a turn that throws is shown, is not repeated by the queue, and the next tick brings another', async () => {
  const own = await redis()
  await own.start()
  let turns = 0
  const work = queue(own.url, async () => {
    turns++
    if (turns === 1) throw new Error('the scan was incomplete')
  })
  work.lead([{ name: 'guardian', everyMs: 1_000 }])
  await until(() => work.health().lastFailure['guardian'] === 'the scan was incomplete' || turns > 1)
  await until(() => turns >= 2)
  await until(() => work.health().lastFailure['guardian'] === undefined)
})

test('a process that is killed during a turn holds its name up for no longer than the watchdog allows', async () => {
  const own = await redis()
  await own.start()
  const child = spawn(process.execPath, [new URL('../support/queue-holder.ts', import.meta.url).pathname, own.url], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
  const ran = book()
  const work = queue(own.url, name => ran.turn(name), { graceMs: 1_000 })
  const began = performance.now()
  work.lead([{ name: 'guardian', everyMs: 2_000 }])
  await until(() => ran.ran.length >= 1)
  expect(performance.now() - began).toBeLessThan(3_000)
  // The dead process's lock runs out and is swept: from then on the turns come from Redis again.
  await until(() => work.health().directTurns > 0 && ran.ran.length > work.health().directTurns + 1, 40_000)
})

test('Redis is judged: eviction refused, missing persistence told, an absent one named, the password never shown', async () => {
  const good = await redis()
  await good.start()
  expect((await inspectRedis({ redisUrl: good.url })).map(({ what, level }) => `${what} ${level}`)).toEqual([
    'reachable ok',
    'version ok',
    'maxmemory-policy ok',
    'appendonly ok'
  ])

  const password = 'hunter2-is-not-shown'
  const bad = await redis(['--appendonly', 'no', '--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'], password)
  await bad.start()
  const findings = await inspectRedis({ redisUrl: bad.url })
  expect(findings).toContainEqual({ level: 'refuse', what: 'maxmemory-policy', found: 'allkeys-lru', expected: 'noeviction' })
  expect(findings).toContainEqual({ level: 'warn', what: 'appendonly', found: 'no', expected: 'yes' })
  const { log, warnings } = lines()
  const work = queue(bad.url, async () => undefined, { log })
  await until(() => work.health().findings.length > 0)
  expect(work.health().degraded).toBe(true)
  await until(() => warnings.some(line => line.includes('allkeys-lru')))

  const wrong = await inspectRedis({ redisUrl: bad.url.replace(password, `wrong-${password}`) })
  const none = await inspectRedis({ redisUrl: `redis://:${password}@127.0.0.1:${await freePort()}` })
  expect(wrong[0]).toMatchObject({ level: 'refuse', what: 'reachable' })
  expect(wrong[0]!.found).toMatch(/WRONGPASS|invalid|NOAUTH/)
  expect(none[0]).toMatchObject({ level: 'refuse', what: 'reachable' })
  expect(JSON.stringify([findings, wrong, none, warnings, work.health()])).not.toContain(password)
})

test('a URL that is none, and a name that cannot be one, are refused in one sentence', async () => {
  await expect(inspectRedis({ redisUrl: 'localhost' })).rejects.toThrow('the Redis URL is not of the form')
  expect(() => openQueue({ redisUrl: 'http://x', prefix: 'test', log: lines().log, concurrency: 1, onTurn: async () => undefined })).toThrow(
    'the Redis URL is not of the form'
  )
  const own = await redis()
  const work = queue(own.url, async () => undefined)
  await expect(work.ask('a:b')).rejects.toThrow("expected letters, digits, '.', '_' and '-'")
  expect(() => work.lead([{ name: '123', everyMs: 1 }])).toThrow('not digits alone')
  expect(() => work.lead([{ name: 'guardian', everyMs: Number.NaN }])).toThrow('everyMs is NaN')
  expect(await work.ask('guardian')).toBe('lost')
})
