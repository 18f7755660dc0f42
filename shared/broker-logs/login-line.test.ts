import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LogEntry } from './entry.ts'
import { LOG4J_JSON } from './json-layout.ts'
import { KAFKA_PATTERN } from './layout.ts'
import { eventRules, openLogFormat, readBrokerLogLine, type BrokerLogLine, type LoginLine } from './line.ts'
import { EventCutter } from './tail/event-cutter.ts'

const server = openLogFormat({ layout: KAFKA_PATTERN, timeZone: 'UTC', content: 'server' })
const json = openLogFormat({ layout: LOG4J_JSON, timeZone: 'UTC', content: 'server' })
const coordinate = { kind: 'topic', topic: 'logs', partition: 0, offset: 7, host: null } as const
const entryOf = (text: string, flaws: LogEntry['flaws'] = []): LogEntry => ({
  text,
  lengthBytes: Buffer.byteLength(text),
  sha256: hash('sha256', text, 'hex'),
  flaws,
  coordinate
})

/** What such a log holds, as a tailed file would give it. */
function tailed(bytes: Buffer, maxBytes = 1_048_576): BrokerLogLine[] {
  const cutter = new EventCutter({ ...eventRules(server), maxBytes }, 0, false)
  return [...cutter.push(bytes), ...cutter.finish()].map(event => readBrokerLogLine(server, { ...event, coordinate }))
}

const line = (message: string, logger = 'org.apache.kafka.common.network.Selector') => `[2026-11-21 23:44:30,123] INFO ${message} (${logger})`
const refused = (said: string) =>
  line(`[SocketServer listenerType=BROKER, nodeId=1] Failed authentication with /10.0.0.7 (channelId=10.0.0.1:9093-10.0.0.7:40112-3-0) (${said})`)
const read = (text: string, format = server) => readBrokerLogLine(format, entryOf(text))

describe.each(['4.1.1', '4.4.0'])('the server log of Kafka %s', version => {
  const lines = tailed(readFileSync(new URL(`captured/server-${version}.txt`, import.meta.url)))
  const logins = lines.filter((each): each is LoginLine => each.kind === 'login')

  test('each login that failed says from where, to which listener, how and why', () => {
    const failed = logins.filter(({ succeeded }) => !succeeded).map(({ mechanism, reason }) => `${mechanism} ${reason}`)
    expect(failed).toEqual([
      ...['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'PLAIN', 'PLAIN'].map(mechanism => `${mechanism} invalid-credentials`),
      'null unexpected-request',
      'SSL ssl-handshake',
      'SSL ssl-handshake',
      'SSL ssl-handshake',
      'null unsupported-mechanism',
      'null unsupported-mechanism',
      'SSL ssl-handshake'
    ])
    expect(logins.find(({ mechanism }) => mechanism === 'SCRAM-SHA-256')).toMatchObject({
      address: '127.0.0.1',
      listenerType: 'BROKER',
      listener: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      port: expect.any(Number),
      again: false,
      level: 'INFO',
      time: { timeCertainty: 'zoned' }
    })
  })

  test('each that succeeded says from where, and whether it was one more of the same connection', () => {
    const succeeded = logins.filter(each => each.succeeded)
    expect(succeeded.map(({ again }) => again).filter(Boolean)).toHaveLength(2)
    expect(new Set(succeeded.map(({ address, mechanism, reason }) => `${address} ${mechanism} ${reason}`))).toEqual(new Set(['127.0.0.1 null null']))
  })

  test('whatever else it holds is passed over, a stack trace too, and what somebody wrote into a mechanism is forgeable', () => {
    expect(lines.filter(each => each.kind === 'unparsed')).toEqual([])
    expect(lines.filter(each => each.kind === 'other')).toHaveLength(2)
    expect(logins.at(-1)).toMatchObject({ address: '10.66.66.66', forgeable: true })
  })

  test('nothing that a client sent is taken over', () => {
    expect(JSON.stringify(lines)).not.toContain('hunter2')
  })
})

test.each([
  ['Authentication failed: username not specified', 'malformed', 'PLAIN'],
  ['Invalid SASL/PLAIN response: expected 3 tokens, got 4', 'malformed', 'PLAIN'],
  ['Authentication failed: Client requested an authorization id that is different from username', 'other-authorization-id', null],
  [
    "Authentication failed: Client requested an authorization id (a) that is different from the token's principal name (b)",
    'other-authorization-id',
    'OAUTHBEARER'
  ],
  ['{"status":"invalid_token"}', 'invalid-token', 'OAUTHBEARER'],
  ['Authentication failed: 1 extensions are invalid! They are: a: b', 'invalid-token', 'OAUTHBEARER'],
  ['Failing SASL authentication due to invalid receive size', 'malformed', null],
  ["SASL mechanism 'PLAIN' requested by client is not supported for re-authentication of mechanism 'SCRAM-SHA-512'", 'mechanism-changed', null],
  ['Cannot change principals during re-authentication from User.a: User.b', 'principal-changed', null],
  ['Authentication failed during re-authentication due to invalid credentials with SASL mechanism GSSAPI', 'invalid-credentials', 'GSSAPI'],
  ['Failed to process post-handshake messages', 'ssl-handshake', 'SSL'],
  ['Unsupported SASL mechanism Authentication failed: Invalid username or password', 'unsupported-mechanism', null],
  ['the directory says that pa55word is wrong', 'other', null],
  ['null', 'other', null]
])('%s is %s', (said, reason, mechanism) => {
  expect(read(refused(said))).toMatchObject({ kind: 'login', reason, mechanism, address: '10.0.0.7', port: 40_112, listener: '10.0.0.1:9093' })
})

test('the text that ends a reason does not move what stands before it', () => {
  const evil = 'Unsupported SASL mechanism x) (channelId=1.1.1.1:1-2.2.2.2:2-0-0) (SSL handshake failed'
  expect(read(refused(evil))).toMatchObject({ kind: 'login', address: '10.0.0.7', reason: 'unsupported-mechanism' })
})

test.each([
  [
    'of a controller',
    '[SocketServer listenerType=CONTROLLER, nodeId=3] Failed re-authentication with host.example/0:0:0:0:0:0:0:1 (channelId=0:0:0:0:0:0:0:1:9093-0:0:0:0:0:0:0:1:40112-3-0) (x)'
  ],
  ['by a name that was looked up', '[SocketServer listenerType=CONTROLLER, nodeId=3] Successfully re-authenticated with host.example/0:0:0:0:0:0:0:1']
])('a login %s over IPv6 is read', (_, message) => {
  expect(read(line(message))).toMatchObject({ kind: 'login', listenerType: 'CONTROLLER', address: '0:0:0:0:0:0:0:1', again: true })
})

test.each([
  ['a broker that logs in elsewhere', line('[RaftManager id=1] Failed authentication with /10.0.0.2 (channelId=2) (SSL handshake failed)')],
  ['another logger', line('[SocketServer listenerType=BROKER, nodeId=1] Failed authentication with /10.0.0.7', 'com.example.Filter')],
  [
    'what the authorizer says',
    line(
      'Principal = User:a is Denied operation = READ from host = 10.0.0.7 on resource = Topic:LITERAL:t for request = Fetch with resourceRefCount = 1 based on rule DefaultDeny',
      'kafka.authorizer.logger'
    )
  ],
  ['a stack trace', '\tat org.apache.kafka.common.network.Selector.poll(Selector.java:481)'],
  ['a long one', 'x'.repeat(1_000)]
])('%s is no login', (_, text) => {
  expect(read(text)).toMatchObject({ kind: 'other' })
})

test.each([
  ['without a channel', line('[SocketServer listenerType=BROKER, nodeId=1] Failed authentication with /10.0.0.7 (oh)')],
  ['of another layout', 'INFO [SocketServer listenerType=BROKER, nodeId=1] Failed authentication with /10.0.0.7']
])('what can only be a login and cannot be read is an event: %s', (_, text) => {
  expect(read(text)).toMatchObject({ kind: 'unparsed', login: true })
})

test('one that is too long is an event too, and anything else that is too long is not', () => {
  expect(readBrokerLogLine(server, entryOf(refused('x'.repeat(500)).slice(0, 300), ['cut']))).toMatchObject({
    kind: 'unparsed',
    reason: 'too-long',
    login: true
  })
  expect(readBrokerLogLine(server, entryOf('x'.repeat(300), ['cut']))).toMatchObject({ kind: 'other', time: null })
})

test('in JSON a line break in what a client sent stays inside', () => {
  const message = `[SocketServer listenerType=BROKER, nodeId=1] Failed authentication with /10.0.0.7 (channelId=10.0.0.1:9093-10.0.0.7:40112-3-0) (Unsupported SASL mechanism x\n${refused('SSL handshake failed')})`
  const text = JSON.stringify({
    instant: { epochSecond: 1_795_305_870, nanoOfSecond: 0 },
    level: 'INFO',
    loggerName: 'org.apache.kafka.common.network.Selector',
    message
  })
  expect(read(text, json)).toMatchObject({ kind: 'login', reason: 'unsupported-mechanism', forgeable: false, time: { timeCertainty: 'stated' } })
})

test('a logger that is written short is known by the configuration alone', () => {
  const short = refused('SSL handshake failed').replace('org.apache.kafka.common.network.Selector', 'o.a.k.c.n.Selector')
  expect(read(short)).toMatchObject({ kind: 'login' })
  expect(read(short, openLogFormat({ layout: KAFKA_PATTERN, timeZone: 'UTC', content: 'authorizer' }))).toMatchObject({ kind: 'other' })
})

describe('any text', () => {
  const nasty = fc.array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom(
        ') (',
        '\n',
        ' (channelId=1.1.1.1:1-2.2.2.2:2-0-0) (',
        'SSL handshake failed',
        '[SocketServer listenerType=BROKER, nodeId=1] Failed authentication with /'
      )
    ),
    { maxLength: 6 }
  )

  test('what a client sent never changes from where it came', () => {
    fc.assert(
      fc.property(nasty, parts => {
        expect(read(refused(parts.join('')))).toMatchObject({ kind: 'login', address: '10.0.0.7', port: 40_112, listener: '10.0.0.1:9093' })
      })
    )
  })

  test('no bytes make the reader fail, and only what can be a login is an event', () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)),
      fc
        .constantFrom(
          '[2026-11-21 20:23:07,411] INFO ',
          '[SocketServer listenerType=BROKER, nodeId=1] ',
          'Failed authentication with ',
          'Successfully authenticated with /1.2.3.4',
          '/1.2.3.4 (channelId=1.1.1.1:1-1.2.3.4:2-0-0) (',
          ')',
          ' (org.apache.kafka.common.network.Selector)',
          '\n'
        )
        .map(text => Buffer.from(text))
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), fc.integer({ min: 40, max: 300 }), (parts, maxBytes) => {
        const bytes = Buffer.concat(parts)
        for (const each of tailed(bytes, maxBytes)) {
          expect(['login', 'other', 'unparsed']).toContain(each.kind)
          if (each.kind === 'unparsed') expect(bytes.toString('latin1')).toMatch(/(?:Failed|Successfully) authenticat/)
        }
      }),
      { numRuns: 500 }
    )
  })

  test('a line made to be slow is read in no time', () => {
    const started = performance.now()
    read(line(`[SocketServer listenerType=BROKER, nodeId=1] Failed authentication with ${'/1.1.1.1 (channelId=1:'.repeat(40_000)}`))
    read('[SocketServer '.repeat(70_000))
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})
