import { expect, test } from 'vitest'
import type { LogRecord } from '../kafka/ports.ts'
import { coordinateText } from './entry.ts'
import { jsonLayout } from './json-layout.ts'
import { compileLayout, KAFKA_PATTERN } from './layout.ts'
import { openZone } from './source-time.ts'
import { readTopicLine } from './topic-lines.ts'

const zone = openZone('UTC')
const raw = { layout: compileLayout(KAFKA_PATTERN), zone }
const message =
  'Principal = User:x is Denied operation = READ from host = 10.0.0.9 on resource = Topic:LITERAL:t for request = Fetch with resourceRefCount = 1 based on rule DefaultDeny'
const text = `[2026-11-21 20:23:07,389] INFO ${message} (kafka.authorizer.logger)`

function recordOf(value: string | Buffer | null, headers: Record<string, string> = {}): LogRecord {
  return {
    topic: 'broker-logs',
    partition: 3,
    offset: 42,
    timestampMs: 1,
    key: null,
    value: typeof value === 'string' ? Buffer.from(value) : value,
    headers: Object.entries(headers).map(([key, content]) => ({ key, value: Buffer.from(content) }))
  }
}

const read = { kind: 'authorizer', principal: 'User:x', resourceName: 't', time: { atMs: Date.parse('2026-11-21T20:23:07.389Z') } }

test('a raw line, a wrapped one and one in JSON are the same line, with the host from a header or a field', () => {
  const line = readTopicLine({ format: raw, hostHeader: 'host' }, recordOf(`${text}\r\n`, { host: 'broker-1' }))
  expect(line).toMatchObject({ ...read, forgeable: true, coordinate: { topic: 'broker-logs', partition: 3, offset: 42, host: 'broker-1' } })
  expect(coordinateText(line.coordinate)).toBe('broker-logs/3@42')
  const wrapped = { format: raw, wrapped: { message: 'message', host: 'host.name' } }
  expect(readTopicLine(wrapped, recordOf(JSON.stringify({ message: text, host: { name: 'broker-2' } })))).toMatchObject({
    ...read,
    coordinate: { host: 'broker-2' }
  })
  const json = { format: { layout: jsonLayout({ message: 'msg', timestamp: 'ts', logger: 'name' }), zone }, hostField: 'node' }
  const event = { msg: message, ts: '2026-11-21T20:23:07.389Z', name: 'kafka.authorizer.logger', node: 'broker-3' }
  expect(readTopicLine(json, recordOf(JSON.stringify(event)))).toMatchObject({ ...read, forgeable: false, coordinate: { host: 'broker-3' } })
})

test('what is no line is counted with its length and hash', () => {
  for (const value of [null, '', 'noise', '{"message":1}', '{', Buffer.from([0xff, 0xfe])]) {
    const wrapped = readTopicLine({ format: raw, wrapped: { message: 'message' } }, recordOf(value))
    expect(wrapped).toMatchObject({ kind: 'unparsed', reason: 'layout', lengthBytes: value?.length ?? 0 })
  }
  expect(readTopicLine({ format: raw, maxBytes: 100 }, recordOf(text))).toMatchObject({
    kind: 'unparsed',
    reason: 'too-long',
    lengthBytes: text.length,
    flaws: ['cut']
  })
  expect(readTopicLine({ format: raw }, recordOf(`${text}\n${text}`))).toMatchObject({ kind: 'unparsed', reason: 'ambiguous' })
})
