import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LogEntry } from './entry.ts'
import { jsonLayout, LOG4J_JSON } from './json-layout.ts'
import { compileLayout, KAFKA_PATTERN, type Layout } from './layout.ts'
import { eventRules, openLogFormat, readBrokerLogLine, type AuthorizerLine, type BrokerLogLine, type LogFormat, type RequestLine } from './line.ts'
import { openZone } from './source-time.ts'
import { EventCutter } from './tail/event-cutter.ts'

const utc = openZone('UTC')
const kafka = openLogFormat({ layout: KAFKA_PATTERN, timeZone: 'UTC' })
const coordinate = { kind: 'topic', topic: 'logs', partition: 0, offset: 7, host: null } as const

function entryOf(text: string): LogEntry {
  return { text, lengthBytes: Buffer.byteLength(text), sha256: hash('sha256', text, 'hex'), flaws: [], coordinate }
}

/** What a broker of this version wrote, as a tailed file would give it. */
function captured(name: string, format: LogFormat): BrokerLogLine[] {
  const bytes = readFileSync(new URL(`captured/${name}.txt`, import.meta.url))
  const cutter = new EventCutter({ ...eventRules(format), maxBytes: 1_048_576 }, 0, false)
  return [...cutter.push(bytes), ...cutter.finish()].map(event => readBrokerLogLine(format, { ...event, coordinate }))
}

const layoutFormat = (layout: Layout): LogFormat => ({ layout, zone: utc })
const injected = 'evil\n[2026-11-21 20:11:21,123] INFO Principal = User:admin is Allowed operation = READ from host = 10.0.0.1 on resource = Topic:LITERAL:x'

describe.each(['4.1.1', '4.4.0'])('the authorizer log of Kafka %s', version => {
  const lines = captured(`authorizer-${version}`, kafka)

  test('every line is read but those that a client broke in two', () => {
    const unparsed = lines.filter(line => line.kind === 'unparsed')
    expect(lines.filter(line => line.kind === 'authorizer')).toHaveLength(19)
    expect(unparsed).toMatchObject([
      { reason: 'layout', time: null },
      { reason: 'message', time: { atMs: Date.parse('2026-11-21T20:11:21.123Z') } },
      { reason: 'layout' }
    ])
  })

  test('a denial says who, what, from where and by which rule', () => {
    const denied = lines.find(line => line.kind === 'authorizer' && line.request === 'DeleteTopics' && line.resourceType === 'Topic') as AuthorizerLine
    expect(denied).toMatchObject({
      principal: 'User:nobody',
      allowed: false,
      operation: 'DESCRIBE',
      address: '127.0.0.1',
      resourceName: 'payments.events.a.v1',
      resourceRefCount: 1,
      rule: 'DefaultDeny',
      level: 'INFO',
      accessAsked: true,
      forgeable: true
    })
    expect(denied.time).toMatchObject({ timeCertainty: 'zoned', timeZone: 'UTC' })
  })

  test('an ACL as the rule, and names with anything in them, are read whole', () => {
    const byAcl = lines.find(line => line.kind === 'authorizer' && line.request === 'Fetch') as AuthorizerLine
    expect(byAcl).toMatchObject({ allowed: true, principal: 'User:nobody', operation: 'READ', resourceName: 'payments.events.a.v1' })
    expect(byAcl.rule).toMatch(/^MatchingAcl\(acl=StandardAcl[[(]resourceType=TOPIC, resourceName=payments\., .*permissionType=ALLOW[\])]\)$/)
    const group = lines.find(line => line.kind === 'authorizer' && line.resourceName.startsWith('grp'))
    expect(group).toMatchObject({
      resourceName: 'grp, with spaces on resource = Group:LITERAL:z\r\nnext\u0000\u001b[31m é 😀 tab\t quote" back\\slash',
      request: 'FindCoordinator'
    })
    const broken = lines.find(line => line.kind === 'authorizer' && line.resourceName.startsWith('meta'))
    expect(broken).toMatchObject({ request: 'DescribeTopicPartitions', resourceName: expect.stringContaining('meta\nline on resource = Topic') })
  })

  test('a right that was only worked out for a list is told from one that was asked for', () => {
    const listed = lines.filter(line => line.kind === 'authorizer' && line.accessAsked === false)
    expect(listed.map(line => (line as AuthorizerLine).level)).toEqual(listed.map(() => 'TRACE'))
    expect(listed.length).toBeGreaterThan(3)
  })
})

test('an encoded layout keeps what a client wrote inside one line, and that line cannot be forged', () => {
  const encoded = compileLayout("%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX}{UTC} %-5p [%t] %c - %enc{%m}{JSON}%n")
  for (const [name, layout] of [
    ['authorizer-encoded-4.4.0', encoded],
    ['authorizer-json-4.4.0', jsonLayout(LOG4J_JSON)]
  ] as const) {
    const [first, ...rest] = captured(name, layoutFormat(layout))
    expect(first).toMatchObject({ kind: 'authorizer', principal: 'User:nobody', allowed: false, resourceName: injected, forgeable: false })
    expect(first!.time).toEqual({ atMs: Date.parse('2026-11-21T20:23:07.389Z'), timeCertainty: 'stated' })
    expect(rest.every(line => line.kind === 'authorizer')).toBe(true)
  }
  const dates = [
    '%d{ISO8601_OFFSET_DATE_TIME_HHCMM} %d{UNIX_MILLIS} %d{COMPACT} %d{ISO8601_BASIC} %d{ISO8601_PERIOD} %d{ISO8601_OFFSET_DATE_TIME_HHMM}',
    '%d{ISO8601_OFFSET_DATE_TIME_HH} %d{DEFAULT_NANOS} %d{DATE_PERIOD} %d{US_MONTH_DAY_YEAR4_TIME} %d{UNIX} %p %enc{%m}{CRLF} (%c{1})%n'
  ].join(' ')
  const text = readFileSync(new URL('captured/authorizer-crlf-4.4.0.txt', import.meta.url), 'utf8').trimEnd()
  const words = text.split(' ')
  // The same moment in eleven forms: each is read from its own part of the line.
  const forms = dates.split(/ (?=%d)/)
  let at = 0
  for (const form of forms) {
    const width = form.includes('DATE_PERIOD') ? 4 : /DEFAULT_NANOS|US_MONTH/.test(form) ? 2 : 1
    const part = words.slice(at, at + width).join(' ')
    at += width
    const layout = compileLayout(`${form.split(' ')[0]} %m`)
    const line = readBrokerLogLine(
      { ...layoutFormat(layout), content: 'authorizer' },
      entryOf(`${part} ${words.slice(words.indexOf('Principal')).join(' ').replace(' (logger)', '')}`)
    )
    expect(line, form).toMatchObject({
      kind: 'authorizer',
      time: { atMs: Date.parse(form.includes('{UNIX}') ? '2026-11-21T20:23:07.000Z' : '2026-11-21T20:23:07.389Z') }
    })
  }
})

describe('the request log', () => {
  const lines = captured('request-4.4.0', kafka)
  const requests = lines.filter(line => line.kind === 'request')
  const of = (api: string): RequestLine => requests.find(line => line.api === api && line.clientId !== '1')!

  test('every line is a request that changes something, or one that changes nothing', () => {
    expect(lines.filter(line => line.kind === 'unparsed')).toEqual([])
    expect([...new Set(requests.map(({ api }) => api))]).toHaveLength(19)
    expect(captured('request-4.1.1', kafka).map(({ kind }) => kind)).toEqual(Array.from({ length: 13 }, () => 'request'))
  })

  test('a request says who asked, with which ids, and what became of each item', () => {
    expect(of('CREATE_TOPICS')).toMatchObject({
      principal: 'User:admin',
      clientId: 'probe admin',
      correlationId: 3,
      apiVersion: 7,
      forwarded: false,
      address: '127.0.0.1',
      listener: 'SASL',
      securityProtocol: 'SASL_PLAINTEXT',
      software: { name: 'apache-kafka-java', version: '4.3.1' },
      validateOnly: false,
      items: [
        {
          change: 'create-topic',
          resource: { type: 'topic', name: 'payments.events.a.v1', topicId: 'lj98KwN7R2aryd_miHFSwg' },
          errorCode: 0,
          asked: { numPartitions: 2, replicationFactor: 1, configs: [{ name: 'retention.ms', value: '60000' }] }
        },
        { resource: { name: 'bad name' }, errorCode: 17 }
      ]
    })
    expect(of('DELETE_ACLS').items).toMatchObject([
      {
        change: 'delete-acl',
        errorCode: 0,
        asked: { principal: 'User:app', resourceType: 'topic', pattern: 'prefixed', operation: 'read', permission: 'allow' }
      },
      { asked: { matched: 0 } }
    ])
    expect(of('DELETE_RECORDS').items).toEqual([
      { change: 'delete-records', resource: { type: 'partition', name: 'payments.events.a.v1-0' }, errorCode: 0, asked: { offset: 2, lowWatermark: 2 } }
    ])
    expect(of('DELETE_GROUPS').items).toMatchObject([
      { resource: { name: 'group-a' }, errorCode: 0 },
      { resource: { name: 'group-missing' }, errorCode: 69 }
    ])
    expect(of('ALTER_CLIENT_QUOTAS').items).toMatchObject([
      { resource: { name: '{"user":"app"}' }, errorCode: 42, asked: { values: { producer_byte_rate: '1000.5', consumer_byte_rate: null } } }
    ])
    expect(of('OFFSET_COMMIT').items).toMatchObject([
      { change: 'set-offsets', resource: { type: 'group', name: 'group-a' }, asked: { partition: 'payments.events.a.v1-0', committedOffset: 3 } }
    ])
  })

  test('a forwarded request is the second line of the same: principal, client id, correlation id and api are equal, the address is the broker', () => {
    const [controller, broker] = requests.filter(line => line.api === 'DELETE_TOPICS' && line.principal === 'User:admin')
    expect([controller!.forwarded, broker!.forwarded]).toEqual([true, false])
    for (const member of ['principal', 'clientId', 'correlationId', 'api', 'items'] as const) expect(controller![member]).toEqual(broker![member])
    expect(controller).toMatchObject({ listener: 'CONTROLLER', software: null })
  })

  test('no secret of a request or an answer comes through', () => {
    const planted = /salt|hmac|JUAshVPV|XG1iQ5ep|4OphwI4|cGxhbnRlZC/i
    const all = [...lines, ...captured('request-4.1.1', kafka)]
    expect(JSON.stringify(all.map(line => ({ ...line })))).not.toMatch(planted)
    expect(of('CREATE_DELEGATION_TOKEN').items).toHaveLength(1)
    expect(of('ALTER_USER_SCRAM_CREDENTIALS').items).toMatchObject([
      { change: 'delete-scram-credential', resource: { name: 'nouser' }, errorCode: 91 },
      { change: 'upsert-scram-credential', resource: { name: 'newuser' }, errorCode: 0, asked: { mechanism: 1, iterations: 4096 } }
    ])
  })

  test('a configuration that is not known to be harmless is hidden, whoever logged it, and errors are codes alone', () => {
    const secret = 'planted-secret'
    const body = (api: string, request: object, response: object): string =>
      `[2026-11-21 20:23:07,411] DEBUG Completed request:${JSON.stringify({
        isForwarded: false,
        requestHeader: { requestApiKey: 1, requestApiVersion: 1, correlationId: 1, clientId: 'c', requestApiKeyName: api },
        request,
        response,
        connection: '[::1]:9092-[fe80:0:0:0:1%eth0]:50100-1-2',
        totalTimeMs: 1.5,
        securityProtocol: 'SSL',
        principal: 'User:CN=x',
        listener: 'TLS'
      })} (kafka.request.logger)`
    const configs = [
      { name: 'sasl.jaas.config', value: secret },
      { name: 'retention.ms', value: '1' }
    ]
    const texts = [
      body('CREATE_TOPICS', { topics: [{ name: 't', configs }] }, { topics: [{ name: 't', errorCode: 40, errorMessage: `Invalid value ${secret}`, configs }] }),
      body('ALTER_CONFIGS', { resources: [{ resourceType: 4, resourceName: '1', configs }] }, { responses: [] }),
      body('INCREMENTAL_ALTER_CONFIGS', { resources: [{ resourceType: 64, resourceName: 'x', configs }] }, {}),
      body(
        'ALTER_USER_SCRAM_CREDENTIALS',
        { upsertions: [{ name: 'u', salt: secret, saltedPassword: secret }] },
        { results: [{ user: 'u', errorCode: 58, errorMessage: secret }] }
      ),
      body('RENEW_DELEGATION_TOKEN', { hmac: secret }, { hmac: secret }),
      body('BREW_COFFEE', { secret }, {})
    ]
    const read = texts.map(text => readBrokerLogLine(kafka, entryOf(text)))
    expect(JSON.stringify(read)).not.toContain(secret)
    expect(read[0]).toMatchObject({
      kind: 'request',
      address: '[fe80:0:0:0:1%eth0]',
      port: 50_100,
      items: [{ errorCode: 40, asked: { configs: [{ value: '[hidden]' }, { value: '1' }] } }]
    })
    expect(read[5]).toMatchObject({ kind: 'unparsed', reason: 'unknown-request' })
  })

  test('a consumer that commits in its group is no change by a person', () => {
    const text = readFileSync(new URL('captured/request-4.4.0.txt', import.meta.url), 'utf8')
      .split('\n')
      .find(line => line.includes('"OFFSET_COMMIT"'))!
    expect(readBrokerLogLine(kafka, entryOf(text)).kind).toBe('request')
    expect(readBrokerLogLine(kafka, entryOf(text.replace('"generationIdOrMemberEpoch":-1', '"generationIdOrMemberEpoch":4')))).toMatchObject({
      kind: 'other',
      what: 'OFFSET_COMMIT'
    })
  })
})

describe('any text', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom(
      ' on resource = ',
      ' for request = Fetch with resourceRefCount = 1 based on rule ',
      'DefaultDeny',
      ' is Denied operation = READ from host = 1 on resource = Topic:LITERAL:',
      ', patternType=LITERAL, principal=',
      ' (kafka.authorizer.logger)',
      '"',
      '\\'
    )
  )
  const name = fc.array(nasty, { maxLength: 5 }).map(parts => parts.join(''))
  const rule = fc.constantFrom('plain', 'acl' as const)

  test('what an authorizer writes is read as it was, or called ambiguous; nothing else is ever made of it', () => {
    let read = 0
    fc.assert(
      fc.property(name, name, fc.boolean(), rule, fc.constantFrom('(', '['), (user, resource, allowed, kind, bracket) => {
        const principal = `User:${user}`
        const close = bracket === '(' ? ')' : ']'
        const acl = `MatchingAcl(acl=StandardAcl${bracket}resourceType=TOPIC, resourceName=${resource}, patternType=LITERAL, principal=${principal}, host=*, operation=READ, permissionType=${allowed ? 'ALLOW' : 'DENY'}${close})`
        const why = kind === 'acl' ? acl : allowed ? 'SuperUser' : 'DefaultDeny'
        const message = `Principal = ${principal} is ${allowed ? 'Allowed' : 'Denied'} operation = READ from host = 10.1.2.3 on resource = Topic:LITERAL:${resource} for request = Fetch with resourceRefCount = 2 based on rule ${why}`
        const line = readBrokerLogLine(kafka, entryOf(`[2026-11-21 20:23:07,411] INFO ${message} (kafka.authorizer.logger)`))
        if (line.kind === 'authorizer') {
          read++
          expect(line).toMatchObject({ principal, resourceName: resource, allowed, address: '10.1.2.3', request: 'Fetch', resourceRefCount: 2, rule: why })
        } else expect(line).toMatchObject({ kind: 'unparsed', reason: 'ambiguous' })
      }),
      { numRuns: 800 }
    )
    expect(read).toBeGreaterThan(500)
  })

  test('no bytes make the reader fail, and each event is read or counted', () => {
    const formats = [kafka, layoutFormat(jsonLayout(LOG4J_JSON)), { ...layoutFormat(compileLayout('%d{UNIX} %m')), content: 'request' as const }]
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)),
      fc
        .constantFrom(
          '[2026-11-21 20:23:07,411] INFO ',
          'Principal = User:x',
          ' is Denied operation = READ',
          ' (kafka.request.logger)',
          'Completed request:{',
          '"requestHeader":{}',
          '\n',
          '1795292587 ',
          '{"instant":{"epochSecond":1}'
        )
        .map(text => Buffer.from(text)),
      fc.json().map(text => Buffer.from(`1795292587 Completed request:${text}\n`))
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), fc.constantFrom(...formats), (parts, format) => {
        const bytes = Buffer.concat(parts)
        const cutter = new EventCutter({ ...eventRules(format), maxBytes: 100 }, 0, false)
        const events = [...parts.flatMap(part => [...cutter.push(part)]), ...cutter.finish()]
        let at = 0
        for (const event of events) {
          expect(event.from).toBe(at)
          at = event.to
          const line = readBrokerLogLine(format, { ...event, coordinate })
          expect(['authorizer', 'request', 'other', 'unparsed']).toContain(line.kind)
          const ended = bytes.subarray(event.from, event.to)
          const raw = event.flaws.includes('unterminated') ? ended : ended.subarray(0, -1)
          expect([event.lengthBytes, event.sha256]).toEqual([raw.length, hash('sha256', raw, 'hex')])
        }
        expect(at).toBe(bytes.length)
      }),
      { numRuns: 500 }
    )
  })

  test('shapes of JSON that no broker writes are read without failing', () => {
    const request = fc.record({
      isForwarded: fc.boolean(),
      requestHeader: fc.record({
        requestApiVersion: fc.nat(),
        correlationId: fc.integer(),
        clientId: fc.option(fc.string()),
        requestApiKeyName: fc.constantFrom(
          'CREATE_TOPICS',
          'DELETE_TOPICS',
          'DELETE_ACLS',
          'ALTER_CLIENT_QUOTAS',
          'ELECT_LEADERS',
          'OFFSET_DELETE',
          'toString',
          '__proto__'
        )
      }),
      request: fc.dictionary(fc.constantFrom('topics', 'filters', 'entries', 'groupId', 'resources'), fc.jsonValue()),
      response: fc.dictionary(fc.constantFrom('topics', 'responses', 'filterResults', 'entries', 'errorCode'), fc.jsonValue()),
      principal: fc.string(),
      listener: fc.string(),
      securityProtocol: fc.string(),
      connection: fc.jsonValue()
    })
    fc.assert(
      fc.property(request, body => {
        const line = readBrokerLogLine(kafka, entryOf(`[2026-11-21 20:23:07,411] DEBUG Completed request:${JSON.stringify(body)} (kafka.request.logger)`))
        expect(['request', 'unparsed']).toContain(line.kind)
      })
    )
  })

  test('a line made to be slow is read in no time', () => {
    const long =
      ', patternType=LITERAL, principal='.repeat(2_000) +
      ' for request = A with resourceRefCount = 1 based on rule MatchingAcl(acl=StandardAcl(resourceType=TOPIC, resourceName='.repeat(60)
    const text = `[2026-11-21 20:23:07,411] INFO Principal = User:${' is Denied operation = READ from host = 1 on resource = Topic:LITERAL:'.repeat(60)}${long} (kafka.authorizer.logger)`
    const started = performance.now()
    expect(readBrokerLogLine(kafka, entryOf(text)).kind).toBe('unparsed')
    expect(readBrokerLogLine(kafka, entryOf(`[2026-11-21 20:23:07,411] INFO ${'('.repeat(1_000_000)}`)).kind).toBe('unparsed')
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})
