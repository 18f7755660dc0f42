import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { openHttp, type Http } from '../http/server.ts'
import { telemetryRoutes } from '../http/telemetry.ts'
import { openLog, withoutCredentials } from './log.ts'
import { openMetrics, type TurnFacts } from './metrics.ts'

const nothing = () => undefined
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const facts: TurnFacts = {
  look: {
    observed: {
      view: { atMs: 90_000, unseen: [{ kind: 'broker' }, { kind: 'maintenance' }] },
      standing: [{ appliedAtMs: 60_000 }, { appliedAtMs: 30_000 }],
      notices: new Map([
        ['a', { state: 'failed' }],
        ['b', { state: 'delivered' }]
      ])
    }
  },
  decision: {
    verdicts: [
      { subject: 'g1', state: 'healthy', lagMessages: 5 },
      { subject: 'g"2\n\\', state: 'stuck', lagMessages: null }
    ]
  },
  judged: { refused: [{ approvable: true }, { approvable: false }] },
  outcomes: [
    { undo: false, outcome: 'done' },
    { undo: true, outcome: 'unknown' }
  ]
}
const samples = async (text: Promise<string>) => (await text).split('\n').filter(line => /^reeve_(?!process|nodejs)/.test(line))

test('before anything is known the metrics claim nothing', async () => {
  const lines = await samples(openMetrics().text())
  expect(lines).toEqual([])
})

test('a turn is counted, and unknown lag has no sample', async () => {
  const metrics = openMetrics(() => 100_000)
  const eu = metrics.cluster('eu')
  eu.tick('consumer-guardian', 'ok', 300)
  eu.tick('consumer-guardian', 'failed', 300)
  eu.turn('consumer-guardian', facts)
  eu.role(true, 7)
  eu.read({
    queue: () => ({ connected: true, degraded: false, directTurns: 3 }),
    kafka: () => [{ client: 'reeve', requests: 12, throttledMs: 1_500 }],
    clockTrusted: () => null,
    backlog: () => ({ undeliverable: 2, oldestSinceMs: 40_000 }),
    observerIntervalMs: () => 30_000
  })
  const lines = await samples(metrics.text())
  for (const line of [
    'reeve_turns_total{cluster="eu",name="consumer-guardian",result="ok"} 1',
    'reeve_turns_total{cluster="eu",name="consumer-guardian",result="failed"} 1',
    'reeve_turn_seconds_count{cluster="eu",name="consumer-guardian"} 2',
    'reeve_last_success_timestamp_seconds{cluster="eu",name="consumer-guardian"} 100',
    'reeve_actions_total{cluster="eu",agent="consumer-guardian",direction="apply",outcome="done"} 1',
    'reeve_actions_total{cluster="eu",agent="consumer-guardian",direction="undo",outcome="unknown"} 1',
    'reeve_verdicts{cluster="eu",agent="consumer-guardian",state="stuck"} 1',
    'reeve_lag_messages{cluster="eu",agent="consumer-guardian",subject="g1"} 5',
    'reeve_notices{cluster="eu",agent="consumer-guardian",state="failed"} 1',
    'reeve_standing_actions{cluster="eu",agent="consumer-guardian"} 2',
    'reeve_oldest_standing_action_timestamp_seconds{cluster="eu",agent="consumer-guardian"} 30',
    'reeve_refused_actions{cluster="eu",agent="consumer-guardian"} 2',
    'reeve_approvable_actions{cluster="eu",agent="consumer-guardian"} 1',
    'reeve_unseen_parts{cluster="eu",agent="consumer-guardian"} 2',
    'reeve_judgement_suspended{cluster="eu",agent="consumer-guardian"} 1',
    'reeve_observation_age_seconds{cluster="eu",agent="consumer-guardian"} 10',
    'reeve_leader{cluster="eu"} 1',
    'reeve_observer_interval_seconds{cluster="eu"} 30',
    'reeve_epoch{cluster="eu"} 7',
    'reeve_redis_connected{cluster="eu"} 1',
    'reeve_redis_degraded{cluster="eu"} 0',
    'reeve_redis_direct_turns{cluster="eu"} 3',
    'reeve_kafka_requests{cluster="eu",client="reeve"} 12',
    'reeve_kafka_throttled_seconds{cluster="eu",client="reeve"} 1.5',
    'reeve_notices_undeliverable{cluster="eu"} 2',
    'reeve_oldest_undelivered_notice_seconds{cluster="eu"} 60'
  ])
    expect(lines).toContain(line)
  expect(lines.filter(line => line.startsWith('reeve_lag_messages')).length).toBe(1)
  expect(lines.filter(line => line.startsWith('reeve_clock_trusted'))).toEqual([])
})

test('what is gone at the next turn is gone from the metrics', async () => {
  const metrics = openMetrics()
  const eu = metrics.cluster('eu')
  eu.turn('consumer-guardian', facts)
  expect((await samples(metrics.text())).filter(line => line.startsWith('reeve_verdicts')).length).toBe(2)
  eu.turn('consumer-guardian', { ...facts, decision: { verdicts: [] }, outcomes: [] })
  const lines = await samples(metrics.text())
  expect(lines.filter(line => /^reeve_(verdicts|lag_messages)/.test(line))).toEqual([])
  expect(lines).toContain('reeve_actions_total{cluster="eu",agent="consumer-guardian",direction="apply",outcome="done"} 1')
})

test('what a former leader saw is gone from its metrics, what it counted stays', async () => {
  const metrics = openMetrics()
  const eu = metrics.cluster('eu')
  eu.role(true, 3)
  eu.tick('consumer-guardian', 'ok', 300)
  eu.turn('consumer-guardian', facts)
  eu.role(false, null)
  const lines = await samples(metrics.text())
  expect(lines.filter(line => /^reeve_(verdicts|lag_messages|unseen_parts|standing_actions)/.test(line))).toEqual([])
  for (const line of ['reeve_leader{cluster="eu"} 0', 'reeve_turns_total{cluster="eu",name="consumer-guardian",result="ok"} 1']) expect(lines).toContain(line)
})

test('what can happen has a count of 0 before it first does, so that the first time is an increase', async () => {
  const metrics = openMetrics()
  const eu = metrics.cluster('eu')
  eu.tick('observer', 'ok', 300)
  eu.turn('consumer-guardian', { ...facts, outcomes: [] })
  const lines = await samples(metrics.text())
  expect(lines).toContain('reeve_turns_total{cluster="eu",name="observer",result="failed"} 0')
  for (const outcome of ['done', 'not-done', 'unknown'])
    expect(lines).toContain(`reeve_actions_total{cluster="eu",agent="consumer-guardian",direction="apply",outcome="${outcome}"} 0`)
})

const opened: Http[] = []
afterEach(async () => {
  for (const http of opened.splice(0)) await http.close()
})
async function port(main: () => { role: string } & object = () => ({ role: 'leader' })) {
  const one = await openHttp({
    host: '127.0.0.1',
    port: 0,
    routes: telemetryRoutes({ metrics: openMetrics(), clusters: () => ({ main: main() }) }),
    log: silent
  })
  opened.push(one)
  return { one, get: (path: string, init: RequestInit = {}) => fetch(`http://${one.address}${path}`, init) }
}

test('the three paths answer a GET, all else is refused', async () => {
  const { get } = await port()
  const metrics = await get('/metrics')
  expect([metrics.status, metrics.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  expect(await (await get('/healthz?x=1')).json()).toEqual({ alive: true })
  expect((await get('/')).status).toBe(404)
  expect((await get('/metrics/../secret')).status).toBe(404)
  for (const method of ['POST', 'DELETE', 'HEAD']) expect((await get('/metrics', { method })).status).toBe(405)
})

test('a replica is ready when it leads or stands by, and says what each part says', async () => {
  let role = 'starting'
  const { get } = await port(() => ({ role, queue: { degraded: true } }))
  const starting = await get('/readyz')
  expect([starting.status, await starting.json()]).toEqual([503, { ready: false, clusters: { main: { role: 'starting', queue: { degraded: true } } } }])
  for (role of ['leader', 'standby']) expect((await get('/readyz')).status).toBe(200)
})

test('a part that throws gives 500 and the port lives on', async () => {
  const { get } = await port(() => {
    throw new Error('broken part')
  })
  const response = await get('/readyz')
  expect([response.status, await response.text()]).toEqual([500, 'this request could not be answered\n'])
  expect((await get('/healthz')).status).toBe(200)
})

test('garbage on the port, oversized headers and cut connections leave it working', async () => {
  const { one, get } = await port()
  const number = Number(one.address.split(':')[1])
  const throwAt = async (bytes: Uint8Array | string) => {
    const socket = connect(number, '127.0.0.1').on('error', nothing)
    let said = ''
    socket.on('data', chunk => (said += String(chunk)))
    socket.end(bytes)
    await once(socket, 'close')
    return said
  }
  expect(await throwAt('\x16\x03\x01\x02\x00\x01\x00\x01\xfc')).toContain('400 Bad Request')
  expect(await throwAt(`GET /metrics HTTP/1.1\r\nhost: x\r\nx-long: ${'a'.repeat(20_000)}\r\n\r\n`)).toContain('431')
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async bytes => void (await throwAt(bytes))),
    { numRuns: 60 }
  )
  const cut = connect(number, '127.0.0.1').on('error', nothing)
  await once(cut, 'connect')
  cut.write('GET /met')
  cut.resetAndDestroy()
  expect((await get('/healthz')).status).toBe(200)
})

test('closing ends waiting connections and frees the port; a taken port is one sentence', async () => {
  const { one } = await port()
  const number = Number(one.address.split(':')[1])
  await expect(openHttp({ host: '127.0.0.1', port: number, routes: [], log: silent })).rejects.toThrow(
    `http: cannot listen on 127.0.0.1:${number} (EADDRINUSE)`
  )
  const socket = connect(number, '127.0.0.1').on('error', nothing)
  await once(socket, 'connect')
  const closed = once(socket, 'close')
  await one.close()
  await closed
  await expect(fetch(`http://127.0.0.1:${number}/healthz`)).rejects.toThrow('fetch failed')
})

function logged() {
  const lines: string[] = []
  return { lines, log: openLog({ level: 'info', to: { write: line => void lines.push(line) } }) }
}

test('secrets are redacted by name at every depth, in children and in errors', () => {
  const { lines, log } = logged()
  const child = log.child({ part: 'queue' })
  const config = { cluster: { sasl: { username: 'u', password: 'hunter2' } }, notify: { channels: { x: { slackWebhook: 'hunter2' } } }, token: 'hunter2' }
  child.info({ password: 'hunter2', a: { password: 'hunter2' }, b: { c: { secret: 'hunter2' } }, config }, 'hello')
  const error = Object.assign(new Error('connect to redis://user:hunter2@host:6379 failed'), { command: { name: 'auth', args: ['hunter2'] } })
  child.error({ err: error }, 'it failed')
  child.error(error, 'bare')
  child.info('redis://u:hunter2@host is %s', 'away')
  log.child({ token: 'hunter2' }).info({ deep: { list: [{ slackWebhook: 'hunter2' }] } }, 'x')
  child.error({ error: 'https://hooks.slack.com/services/T0/B0/hunter2' }, 'it failed')
  const signed = ['{"alg":"RS256","typ":"JWT"}', '{"sub":"hunter2"}', 'hunter2'].map(part => Buffer.from(part).toString('base64url')).join('.')
  child.warn({ clientSecret: 'hunter2', a: { access_token: 'hunter2' }, reason: `it was Bearer ${signed}` }, `refused: ${signed}`)
  expect(lines.length).toBe(7)
  expect(lines.join('')).not.toContain(signed.split('.')[1])
  expect(lines.join('')).not.toContain('hunter2')
  expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'info', service: 'reeve', part: 'queue', msg: 'hello', password: '[redacted]' })
  expect(JSON.parse(lines[1]!).err.message).toBe('connect to redis://host:6379 failed')
})

test('a level below the chosen one is not written, and a line break in a name does not make a line', () => {
  const { lines, log } = logged()
  log.debug({ a: 1 }, 'quiet')
  log.info({ group: 'a\n{"level":"error"}' }, 'one\ntwo')
  expect(lines.length).toBe(1)
  expect(lines[0]!.trimEnd()).not.toContain('\n')
})

test('credentials in an address go, whatever they are made of', () => {
  const word = fc.stringMatching(/^[A-Za-z0-9!$&'()*+,;=._~%-]{6,30}$/)
  fc.assert(
    fc.property(word, word, (user, password) => {
      expect(withoutCredentials(`cannot reach rediss://${user}:${password}@host/0 now`)).toBe('cannot reach rediss://host/0 now')
    })
  )
})
