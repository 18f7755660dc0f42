import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { aclsFor, engineRights } from '../engine/rights.ts'
import type { AclEntry } from '../kafka/ports.ts'
import { address, config, facts, principal, settings, view } from '#test/support/doctor-facts.ts'
import type { Facts } from './facts.ts'
import { findingIds } from './finding-ids.ts'
import { findings, isSound } from './findings.ts'

/** `severity id` of what is neither ok nor a note of every cluster. */
const troubles = (changes: Partial<Facts>) =>
  findings(facts(changes))
    .filter(({ severity, id }) => severity !== 'ok' && !['not-visible', 'mission-audit-isr', 'clocks-partly', 'agents-none'].includes(id))
    .map(({ severity, id }) => `${severity} ${id}`)
    .sort()
const what = (id: string, changes: Partial<Facts>) => findings(facts(changes)).find(each => each.id === id)?.what

test('where all is well nothing is found', () => {
  expect(troubles({})).toEqual([])
})

test('README.md means every finding, and no other, and each can be found', () => {
  const table = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8').split('## What it finds')[1]!
  const named = [...table.matchAll(/^\| (`[^|]+`) +\|/gm)].flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, id]) => id!))
  expect(named.toSorted()).toEqual(findingIds.toSorted())
  const folder = join(import.meta.dirname, 'checks')
  const checks = readdirSync(folder).map(file => readFileSync(join(folder, file), 'utf8'))
  expect(findingIds.filter(id => !checks.some(check => check.includes(`'${id}'`)))).toEqual([])
})

test('what nobody answered is unknown, and nothing of it is said to be good', () => {
  const why = { why: 'nobody answers' }
  const blind = facts({
    view: why,
    scanMs: null,
    settings: why,
    topicSettings: why,
    acls: why,
    quotas: why,
    clocks: { controller: why, stamps: why, redis: why },
    principals: [principal([], { connected: why, cluster: why, topics: why, named: why, describes: why })],
    addresses: [{ address: '127.0.0.1:9093', bootstrap: true, broker: null, answer: { value: { tookMs: 1, supported: {}, finalized: {}, missingApis: [] } } }]
  })
  const found = findings(blind)
  const aboutKafka = found.filter(({ area }) => !['redis', 'notices', 'configuration', 'mission'].includes(area))
  expect(aboutKafka.filter(({ severity }) => severity === 'ok')).toEqual([])
  expect(
    found
      .filter(({ severity }) => severity === 'unknown')
      .map(({ id }) => id)
      .sort()
  ).toEqual([
    'administrators-unknown',
    'clock-unknown',
    'clock-unknown',
    'mission-lag-alert',
    'mission-unknown',
    'owners-unknown',
    'quotas-unknown',
    'rights-unknown',
    'scan-partial',
    'settings-unknown',
    'tools-unknown',
    'topics-unknown'
  ])
})

test('no broker that lets Reeve in is one error, and what rests on brokers is not said again', () => {
  const answer = { why: 'ApiVersions to any broker: SASL_AUTHENTICATION_FAILED', kind: 'authentication' }
  const found = findings(facts({ addresses: [{ address: 'a:1', bootstrap: true, broker: null, answer }] }))
  expect(isSound(found)).toBe(false)
  expect([...new Set(found.map(({ area }) => area))]).toEqual(['connections', 'redis', 'notices', 'configuration'])
})

describe('versions', () => {
  const of = (...levels: (number | undefined)[]) => ({
    addresses: levels.map((level, index) => address(index + 1, { supported: level === undefined ? {} : { 'metadata.version': level } }))
  })
  test.each([
    [
      '3.9 is older than what Reeve was tried with',
      of(21, 21, 21),
      ['note upgrade-unfinished', 'warning version-untested'],
      'Kafka 3.9 on broker 1, broker 2, broker 3'
    ],
    ['4.1 is tested', of(27, 27, 27), [], undefined],
    ['4.4 is tested', of(33, 33, 33), [], undefined],
    ['what comes after 4.4 is not', of(34, 34, 34), ['warning version-untested'], 'Kafka later than 4.4 on broker 1, broker 2, broker 3'],
    ['what does not say is not', of(undefined, undefined, undefined), ['warning version-untested'], 'Kafka unknown on'],
    ['a rolling upgrade is seen', of(27, 29, 29), ['warning version-mixed'], undefined]
  ])('%s', (_, changes, expected, text) => {
    const all = troubles(changes).filter(each => each !== 'note upgrade-unfinished')
    expect(all).toEqual(expected.filter(each => each !== 'note upgrade-unfinished'))
    if (text !== undefined) expect(what('version-untested', changes)).toContain(text)
  })
  test('a request that a broker does not understand is an error, with the request', () => {
    const changes = { addresses: [address(1), address(2, { missingApis: ['Fetch v13 (it has v4 to v12)'] })] }
    expect(troubles(changes)).toEqual(['error request-unknown'])
    expect(what('request-unknown', changes)).toBe("broker 2 does not understand 1 request of Reeve's: Fetch v13 (it has v4 to v12)")
  })
  test('an upgrade whose features were not raised is a note, once every broker could', () => {
    const upgraded = (...levels: number[]) => ({ addresses: levels.map((level, index) => address(index + 1, { supported: { 'metadata.version': level } })) })
    expect(troubles(upgraded(29, 30))).toEqual(['note upgrade-unfinished', 'warning version-mixed'])
    expect(what('upgrade-unfinished', upgraded(29, 30))).toBe('metadata.version is 27, the brokers support 29')
    expect(troubles(upgraded(30, 27))).toEqual(['warning version-mixed'])
  })
  test.each([
    ['know transactions of the second version', 2, 'kafka-features'],
    ['do not', 1, 'upgrade every broker']
  ])('the command for KIP-890 is given where all brokers %s', (_, level, expected) => {
    const finalized = { 'metadata.version': 27, 'group.version': 1 }
    const addresses = [2, level].map((most, index) => address(index + 1, { finalized, supported: { 'metadata.version': 27, 'transaction.version': most } }))
    const [remedy] = findings(facts({ addresses })).find(({ id }) => id === 'transactions-old')!.remedy
    expect(remedy).toMatch(new RegExp(`^${expected} `))
  })
})

describe('rights', () => {
  const acls = aclsFor(engineRights, 'User:reeve')
  const other = (operation: string, resourceName: string, more: Partial<AclEntry> = {}): AclEntry => ({
    resourceType: 'topic',
    resourceName,
    pattern: 'literal',
    principal: 'User:other',
    host: '*',
    operation,
    permission: 'allow',
    ...more
  })

  test('where the ACLs cannot be listed, what only they tell is unknown', () => {
    expect(troubles({ acls: { why: 'CLUSTER_AUTHORIZATION_FAILED' } })).toEqual(['unknown administrators-unknown', 'unknown rights-unknown'])
  })
  test.each(
    engineRights
      .filter(({ operation, enables }) => operation !== 'create' && !enables.startsWith('pass on'))
      .map(right => [`${right.operation} on ${right.resource} ${right.name}`, right] as const)
  )('without %s it is missing, and the command names it', (_, right) => {
    const fewer = acls.filter(
      ({ resourceType, resourceName, operation }) => !(resourceType === right.resource && resourceName === right.name && operation === right.operation)
    )
    const implied = right.operation === 'describe' && fewer.some(entry => entry.resourceType === right.resource && entry.resourceName === right.name)
    const found = findings(facts({ acls: { value: fewer }, principals: [principal(fewer)] })).filter(
      ({ severity, id }) => severity === 'error' && id !== 'agents-none'
    )
    expect(found.map(({ id }) => id)).toEqual(implied ? [] : ['right-missing'])
    expect(found[0]?.remedy.join()).toContain(right.resource === 'cluster' ? '--cluster' : `--${right.resource} ${right.name === '*' ? "'*'" : right.name}`)
  })
  test('DESCRIBE on a transactional id, which is all that a broker tells, is not taken for WRITE', () => {
    const describes = acls.map(acl => (acl.resourceType === 'transactional-id' && acl.resourceName === 'reeve.state' ? { ...acl, operation: 'describe' } : acl))
    expect(troubles({ acls: { value: describes }, principals: [principal(describes)] })).toEqual(['error right-missing'])
  })
  test('a wide right of a stranger is not taken away from him: this topic is denied to him', () => {
    const entries = [...acls, other('all', '*')]
    const found = findings(facts({ acls: { value: entries }, principals: [principal(acls)] })).find(({ id }) => id === 'topics-open')!
    expect(found.remedy).toContainEqual(expect.stringMatching(/--add --deny-principal User:other --operation Write --topic reeve\.control$/))
    expect(found.remedy.join()).not.toContain('--remove')
  })
  test('what is for everybody is denied to nobody: that would shut out Reeve', () => {
    const entries = [...acls, other('write', '*', { principal: 'User:*' })]
    const found = findings(facts({ acls: { value: entries }, principals: [principal(acls)] })).find(({ id }) => id === 'topics-open')!
    expect(found.remedy.every(line => line.startsWith('narrow the entries of User:*'))).toBe(true)
  })
  test('another authorizer, and plug-ins of the brokers, are named', () => {
    const value = new Map([
      [
        1,
        settings({
          'authorizer.class.name': 'org.openpolicyagent.kafka.OpaAuthorizer',
          'client.quota.callback.class': 'io.strimzi.kafka.quotas.StaticQuotaCallback'
        })
      ]
    ])
    expect(troubles({ settings: { value }, view: { value: view({ brokers: [1] }) } })).toEqual(
      expect.arrayContaining(['note authorizer-foreign', 'warning plugin-found'])
    )
  })
})

test('where no authorizer runs nobody needs a right, and none is unknown although no ACL tells', () => {
  const silent = principal([], { describes: { value: new Map() }, cluster: principal(aclsFor(engineRights, 'User:reeve')).cluster })
  const without = (why: string) => troubles({ acls: { why }, principals: [silent] })
  expect(without('ACLs: SECURITY_DISABLED: No Authorizer is configured.')).toEqual(expect.not.arrayContaining(['unknown rights-unknown']))
  expect(without('ACLs: SECURITY_DISABLED: No Authorizer is configured.')).toContain('warning authorizer-none')
  expect(without('ACLs: CLUSTER_AUTHORIZATION_FAILED')).toContain('unknown rights-unknown')
})

describe('listeners that take tokens', () => {
  const kafkas = 'org.apache.kafka.common.security.oauthbearer'
  const all = { listeners: 'PLAIN://:9092,OIDC://:9093', 'listener.security.protocol.map': 'PLAIN:PLAINTEXT,OIDC:SASL_SSL', 'sasl.enabled.mechanisms': 'PLAIN' }
  const checked = {
    'listener.name.oidc.sasl.enabled.mechanisms': 'SCRAM-SHA-512, OAUTHBEARER',
    'listener.name.oidc.oauthbearer.sasl.server.callback.handler.class': `${kafkas}.OAuthBearerValidatorCallbackHandler`,
    'sasl.oauthbearer.jwt.validator.class': `${kafkas}.DefaultJwtValidator`
  }
  const keys = { 'listener.name.oidc.sasl.oauthbearer.jwks.endpoint.url': 'https://id.example/jwks' }
  const validator = (name: string) => ({ 'listener.name.oidc.sasl.oauthbearer.jwt.validator.class': name })
  const of = (values: Readonly<Record<string, string>>, level = 27) => ({
    settings: { value: new Map([1, 2].map(id => [id, settings({ ...all, ...values })])) },
    addresses: [1, 2].map(id => address(id, { supported: { 'metadata.version': level } }))
  })
  test.each<[string, Readonly<Record<string, string>>, number, string | null]>([
    ['where none takes tokens nothing is said', {}, 27, null],
    ['without a handler unsigned tokens are let in', { ...checked, 'listener.name.oidc.oauthbearer.sasl.server.callback.handler.class': '' }, 33, 'not set'],
    [
      'so they are with the handler for trying things out',
      {
        ...checked,
        'listener.name.oidc.oauthbearer.sasl.server.callback.handler.class': `${kafkas}.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler`
      },
      33,
      'OAuthBearerUnsecured'
    ],
    ["Kafka 4.1's default checks nothing although it has keys", { ...checked, ...keys }, 27, 'DefaultJwtValidator'],
    ['later ones check by the keys', { ...checked, ...keys }, 29, null],
    ['and have none to check by where none are set', checked, 29, 'DefaultJwtValidator'],
    ["the clients' validator never checks", { ...checked, ...keys, ...validator(`${kafkas}.ClientJwtValidator`) }, 33, 'ClientJwtValidator'],
    ["the brokers' does", { ...checked, ...keys, ...validator(`${kafkas}.BrokerJwtValidator`) }, 27, null],
    ['what a class of somebody else does is not known here', { ...checked, ...validator('io.example.Validator') }, 27, null],
    [
      'nor what another handler does',
      { ...checked, 'listener.name.oidc.oauthbearer.sasl.server.callback.handler.class': 'io.strimzi.kafka.oauth.Handler' },
      27,
      null
    ],
    ['before Kafka 4.1 there is no choice, and signatures are checked', { ...checked, 'sasl.oauthbearer.jwt.validator.class': '' }, 25, null]
  ])('%s', (_, values, level, expected) => {
    const found = findings(facts(of(values, level))).filter(({ id }) => id === 'tokens-unverified')
    expect(found.map(({ severity, id }) => `${severity} ${id}`)).toEqual(expected === null ? [] : ['error tokens-unverified'])
    if (expected === null) return
    expect(found[0]!.what).toContain('listener OIDC of broker 1, broker 2 lets in forged tokens')
    expect(found[0]!.what).toContain(expected)
    expect(found[0]!.remedy[0]).toContain(`listener.name.oidc.sasl.oauthbearer.jwt.validator.class=${kafkas}.BrokerJwtValidator`)
  })
})

describe('settings of brokers', () => {
  const of = (values: Readonly<Record<string, string>>, brokers = 3) => ({
    settings: { value: new Map(Array.from({ length: brokers }, (_, index) => [index + 1, settings(values)])) }
  })
  const quick = { 'broker.session.timeout.ms': '6000', 'replica.lag.time.max.ms': '10000' }
  test.each([
    ['with the defaults of Kafka a controller kill and a cut are beyond the limits', {}, ['warning mission-controller-kill', 'warning mission-isr']],
    [
      'a session of 10 s is beyond the limit for every leader',
      { ...quick, 'broker.session.timeout.ms': '10000' },
      ['warning mission-controller-kill', 'warning mission-leader-kill']
    ],
    ['18 s of lag are within', { ...quick, 'replica.lag.time.max.ms': '18000' }, []],
    ['20 s of lag are not', { ...quick, 'replica.lag.time.max.ms': '20000' }, ['warning mission-isr']],
    [
      'one copy by default',
      { ...quick, 'default.replication.factor': '1', 'min.insync.replicas': '1' },
      ['warning min-isr-default', 'warning replication-default']
    ],
    ['automatic topics, where Reeve has its own', { ...quick, 'auto.create.topics.enable': 'true' }, ['note auto-create']],
    ['offsets for an hour', { ...quick, 'offsets.retention.minutes': '60' }, ['warning offsets-expire']],
    ['offsets for a day', { ...quick, 'offsets.retention.minutes': '1440' }, []]
  ])('%s', (_, values, expected) => {
    expect(troubles(of(values))).toEqual(expected)
  })
  test('the figures are those of the settings: session and quorum fetch for a controller, one and a half times the lag for a replica', () => {
    expect(what('mission-controller-kill', of({}))).toBe('a killed controller that leads is replaced: about 11 s, beyond the limit of 10 s')
    expect(what('mission-isr', of({}))).toBe('a replica that is cut off leaves the in-sync set: about 45 s, beyond the limit of 30 s')
  })
  test('the slowest broker counts, and brokers that differ are said to', () => {
    const value = new Map([
      [1, settings(quick)],
      [2, settings({ ...quick, 'replica.lag.time.max.ms': '30000' })],
      [3, settings(quick)]
    ])
    expect(troubles({ settings: { value } })).toEqual(['warning mission-isr', 'warning settings-differ'])
  })
  test('a broker that listed nothing is unknown', () => {
    expect(troubles(of(quick, 2))).toEqual(['unknown settings-unknown'])
  })
  test('controllers of their own are said to hide their settings', () => {
    const clocks = { ...facts().clocks, controller: { value: { broker: 101, offMs: 0, withinMs: 5, voters: [101, 102, 103] } } }
    expect(
      findings(facts({ clocks }))
        .find(({ id }) => id === 'mission-leader-kill')!
        .why.join()
    ).toContain('processes of their own')
  })
  test('a lease that ends before an election does is too short', () => {
    expect(
      troubles({
        ...of({ ...quick, 'broker.session.timeout.ms': '7000' }),
        config: config('lease: { renewEvery: 2s, takeOverAfter: 8s }\nowners: [{ team: shipping, channel: platform, groups: [shipping] }]')
      })
    ).toEqual(['warning lease-short'])
  })
  test('positions of groups with one replica, and topics with one, are found', () => {
    const single = (name: string) => ({ [name]: [{ end: 1, replicas: 1, inSyncReplicas: 1 }] })
    const sketch = { topics: { ...single('__consumer_offsets'), ...single('orders') }, groups: { shipping: {} } }
    expect(troubles({ view: { value: view(sketch) } })).toEqual(['note mission-single-copies', 'warning internal-replication'])
  })
  test('a scan that takes long comes too rarely to see a spike in time, at an interval that bounds that it does not, and of one that failed nothing is known', () => {
    const owners = 'owners: [{ team: shipping, channel: platform, groups: [shipping] }]'
    const lagAlert = (changes: Partial<Facts>) => findings(facts(changes)).find(({ id }) => id === 'mission-lag-alert')!
    expect(lagAlert({ scanMs: 553 })).toMatchObject({
      severity: 'warning',
      what: 'a spike of lag is seen within 240 s (two scans), beyond the limits of 60 s, and 120 s for any trouble',
      why: [
        expect.any(String),
        'A scan took 553 ms just now. So that it is no burden, it comes every 120 s in place of 30 s.',
        'At 7 s it would come every 28 s: requests that arrive during a scan wait for it, and their 99th percentile would show it.'
      ],
      remedy: ['observer: { interval: 7s }']
    })
    expect(lagAlert({ scanMs: 290 }).what).toBe('a spike of lag is seen within 120 s (two scans), beyond the limit of 60 s')
    expect(lagAlert({ scanMs: 553, config: config(`observer: { interval: 7s }\n${owners}`) }).severity).toBe('ok')
    expect(lagAlert({ scanMs: null })).toMatchObject({ severity: 'unknown', what: expect.stringContaining('within 60 s') })
  })
  test('a scan every 31 s sees a spike too late', () => {
    expect(troubles({ config: config('observer: { interval: 31s }\nowners: [{ team: shipping, channel: platform, groups: [shipping] }]') })).toEqual([
      'warning mission-lag-alert'
    ])
  })
})

describe('clocks', () => {
  const clocks = facts().clocks
  const controller = (offMs: number, withinMs = 5) => ({ clocks: { ...clocks, controller: { value: { broker: 1, offMs, withinMs, voters: [1, 2, 3] } } } })
  test.each([
    ['half a second is well', controller(500), []],
    ['two seconds are not kept by NTP', controller(-2_000), ['warning clock-off']],
    ['two seconds that the way there may have taken are nothing', controller(-2_000, 1_500), []],
    ['a minute is outvoted', controller(60_000), ['error clock-off']],
    ['a broker that stamps the future runs ahead', { clocks: { ...clocks, stamps: { value: new Map([[2, 90_000]]) } } }, ['error clock-off']],
    [
      'with nobody else to ask no clock agrees',
      { clocks: { controller: { why: 'x' }, stamps: { value: new Map() }, redis: { why: 'x' } } },
      ['error clocks-alone', 'unknown clock-unknown', 'unknown clock-unknown']
    ]
  ])('%s', (_, changes, expected) => {
    expect(troubles(changes)).toEqual(expected)
  })
})

describe('the configuration', () => {
  const owners = 'owners: [{ team: shipping, channel: platform, groups: [shipping] }]'
  const away = [1, 2, 3].map(id => address(id, { address: `kafka-${id}.bank.example:9092` }))
  test.each([
    ['passwords in clear beyond this machine', { addresses: away }, ['warning transport-plain']],
    [
      'one bootstrap address of three',
      { config: config(`${owners}\ncluster: { brokers: ['127.0.0.1:9093'], sasl: { mechanism: PLAIN, username: reeve, password: x } }`) },
      ['note bootstrap-one']
    ],
    [
      'nobody in particular',
      { addresses: away, config: config(`${owners}\ncluster: { brokers: ['a:1', 'b:1'] }`) },
      ['warning anonymous', 'warning transport-plain']
    ],
    ['a port for everybody', { config: config(`${owners}\nhttp: { host: 0.0.0.0 }`) }, ['note http-open']],
    ['Redis in clear beyond this machine', { redis: { ...facts().redis, address: 'redis.bank.example:6379' } }, ['warning redis-plain']]
  ])('%s', (_, changes, expected) => {
    expect(troubles(changes)).toEqual(expected)
  })
})

describe('channels', () => {
  const reached = { value: 'reached' }
  const of = (...ways: readonly (readonly [string, 'info' | 'page' | null])[]) => ({
    channels: [{ channel: 'platform', place: 'x', ways: ways.map(([way, tellsFrom]) => ({ way, tellsFrom, reached })) }]
  })
  test.each([
    ['a channel without a way', of(), ['warning channel-mute']],
    ['one whose webhook no person reads', of(['webhook', null]), ['warning channel-mute']],
    ['one that only pages', of(['PagerDuty', 'page'], ['webhook', null]), ['warning channel-partly']],
    ['one that pages and tells', of(['PagerDuty', 'page'], ['Slack', 'info']), []]
  ])('%s', (_, changes, expected) => {
    expect(troubles(changes)).toEqual(expected)
  })
})

describe('other tools', () => {
  test.each([
    ['__strimzi_store_topic', ['Strimzi']],
    ['strimzi.cruisecontrol.metrics', ['Strimzi', 'Cruise Control']],
    ['__CruiseControlMetrics', ['Cruise Control']],
    ['__KafkaCruiseControlModelTrainingSamples', ['Cruise Control']],
    ['_conduktor_gateway_acls', ['Conduktor Gateway']],
    ['_confluent-metrics', ['Confluent Platform or Cloud']],
    ['__oprtr_audit_log', ['Kpow']],
    ['__kui-audit-log', ['Kafka UI']],
    ['mm2-offsets.source.internal', ['MirrorMaker 2']],
    ['orders', []],
    ['strimzi-orders', []]
  ])('%s', (topic, tools) => {
    const found = findings(facts({ view: { value: view({ topics: { [topic]: [1] }, groups: { shipping: {} } }) } })).filter(({ id }) => id === 'tool-found')
    expect(found.map(each => each.what.split(' was here')[0])).toEqual(tools)
  })
  test('a tool is known by the client id of a member of a group too', () => {
    const groups = { shipping: { members: [{ memberId: 'm', clientId: 'oprtr.compute.metrics.v2-1', host: '/h' }] } }
    expect(troubles({ view: { value: view({ groups }) } })).toEqual(['warning tool-found'])
  })
  test("Strimzi's operators are known by their certificates in ACLs too", () => {
    const acls = [
      ...aclsFor(engineRights, 'User:reeve'),
      ...aclsFor([], ''),
      { ...aclsFor(engineRights, 'User:CN=my-cluster-entity-topic-operator,O=io.strimzi')[0]! }
    ]
    expect(troubles({ acls: { value: acls } })).toEqual(['warning tool-found'])
  })
  test('a scan that missed groups does not say that a rule matches nothing', () => {
    const sketch = { unseen: [{ kind: 'groups' as const, id: 'all', why: 'x' }] }
    const lines = 'owners: [{ team: gone, channel: platform, groups: [gone] }, { team: shipping, channel: platform, groups: [shipping] }]'
    expect(troubles({ view: { value: view(sketch) }, config: config(lines) })).toEqual(['unknown owner-idle', 'unknown scan-partial'])
    expect(troubles({ config: config(lines) })).toEqual(['warning owner-idle'])
  })
})
