import { describe, expect, test } from 'vitest'
import { auditTopicSettings } from '../audit-log/topic.ts'
import { audit, auditedFacts, auditFinding, auditFound, auditTopic, troublesOf, withAcls, withSettings } from '#test/support/doctor-audit.ts'
import { config, principal, settings, view } from '#test/support/doctor-facts.ts'
import type { AuditFacts } from './audit-facts.ts'
import type { Facts } from './facts.ts'
import { findings } from './findings.ts'

const sized = (changes: Record<string, unknown>) => ({ value: view({ topics: { [auditTopic]: [{ end: 1_000, replicas: 3, ...changes }] } }) })

test('where all is well nothing is wrong, and what there is is said in lines of its own', () => {
  const all = auditFound({}, withSettings({}))
  expect(troublesOf(all)).toEqual([])
  expect(all.map(({ severity, id }) => `${severity} ${id}`)).toEqual([
    'ok audit-topic-right',
    'ok audit-destroyers',
    'ok audit-super-users',
    'ok audit-capacity',
    'ok audit-key',
    'ok audit-anchor',
    'note audit-metadata'
  ])
  expect(auditFinding('audit-topic-right')?.what).toBe(
    `${auditTopic}: 1 partition, replication factor 3, min.insync.replicas 2, ten years, uncompressed, stamped by the brokers`
  )
})

test('a configuration without an audit log has no findings of one', () => {
  expect(findings(auditedFacts({}, { audits: [] })).filter(({ area }) => area === 'audit')).toEqual([])
})

test('with three brokers it is said aloud that the audit topic has three replicas, two in sync', () => {
  const aloud = (changes: Partial<Facts>) => findings(auditedFacts({}, changes)).find(({ id }) => id === 'mission-audit-isr')
  expect(aloud({})?.why[0]).toBe('3 brokers: the audit topic has 3 replicas and min.insync.replicas 2; with four brokers it would have 4 and 3')
  expect(aloud({ view: { value: view({ brokers: [1], topics: { [auditTopic]: [1] } }) } })?.why[0]).toMatch(/^1 broker: the audit topic has 1 replica/)
  expect(aloud({ view: { value: view({ brokers: [1], topics: { orders: [1] } }) }, audits: [] })).toBeUndefined()
  expect(aloud({ view: { value: view({ brokers: [1, 2, 3, 4], topics: { [auditTopic]: [1] } }) } })).toBeUndefined()
})

describe('the topic', () => {
  const missing = (operations: readonly string[]): Partial<AuditFacts> => ({
    rights: {
      value: new Map(
        [auditTopic, 'reeve.audit-mirror', 'authorizer-log'].map(name => [name, { exists: name === 'authorizer-log', operations: new Set(operations) }])
      )
    }
  })
  const without = { view: { value: view() } }

  test('that is not there yet is a note where the mirror may make it, and an error with the commands where it may not', () => {
    expect(auditFinding('audit-topic-missing', missing(['create']), without)).toMatchObject({ severity: 'note', what: expect.stringContaining(auditTopic) })
    const error = auditFinding('audit-topic-missing', missing([]), without)
    expect(error?.severity).toBe('error')
    expect(error?.remedy).toEqual([
      expect.stringMatching(
        /^kafka-topics .* --create --topic audit\.platform-operations --partitions 1 --replication-factor 3 .*--config retention\.ms=315576000000 .*--config min\.insync\.replicas=2/
      ),
      expect.stringMatching(/--create --topic reeve\.audit-mirror --partitions 1 /)
    ])
    expect(auditFound(missing([]), without).map(({ id }) => id)).not.toEqual(
      expect.arrayContaining(['audit-topic-right', 'audit-capacity', 'audit-topic-settings'])
    )
  })

  const set = (changes: Record<string, string>) => ({
    topicSettings: { value: new Map([[auditTopic, settings({ ...auditTopicSettings(auditTopic, 1, 3).configs, ...changes })]]) }
  })
  test.each<[string, Partial<Facts>, string, string, string]>([
    [
      'a day of retention loses records',
      set({ 'retention.ms': '86400000' }),
      'error',
      'retention.ms is 86400000, expected 315576000000',
      'retention.ms=315576000000'
    ],
    ['a bound in bytes loses records', set({ 'retention.bytes': '1000' }), 'error', 'retention.bytes is 1000, expected -1', 'retention.bytes=-1'],
    ['compaction loses records', set({ 'cleanup.policy': 'compact' }), 'error', 'cleanup.policy is compact, expected delete', 'cleanup.policy=delete'],
    ['compression', set({ 'compression.type': 'producer' }), 'warning', 'compression.type is producer, expected uncompressed', 'compression.type=uncompressed'],
    ['times of the writer', set({ 'message.timestamp.type': 'CreateTime' }), 'warning', 'expected LogAppendTime', 'message.timestamp.type=LogAppendTime'],
    ['one replica in sync', set({ 'min.insync.replicas': '1' }), 'warning', 'min.insync.replicas is 1, expected 2', 'min.insync.replicas=2'],
    ['unclean election', set({ 'unclean.leader.election.enable': 'true' }), 'warning', 'expected false', 'unclean.leader.election.enable=false'],
    ['one replica', { view: sized({ replicas: 1 }) }, 'warning', 'replication-factor is 1, expected 3', '"replicas":[1,2,3]'],
    [
      'too few partitions',
      { audits: [audit({ ground: { ...audit().ground, partitions: 4 } })] },
      'error',
      'partitions is 1, expected 4',
      'chains: as many as it began with'
    ],
    [
      'more partitions than chains',
      { view: { value: view({ topics: { [auditTopic]: [1, 1].map(end => ({ end, replicas: 3 })) } }) } },
      'warning',
      'partitions is 2, expected 1',
      'a new topic that continues this one'
    ]
  ])('%s', (_name, changes, severity, text, command) => {
    const drift = auditFinding('audit-topic-settings', {}, changes)
    expect(drift).toMatchObject({ severity, what: expect.stringContaining(text) })
    expect(drift?.why.length).toBe(1)
    expect(drift?.remedy.join('\n')).toContain(command)
    expect(auditFinding('audit-topic-right', {}, changes)).toBeUndefined()
  })

  test('keeping records for longer, and on more brokers, is right', () => {
    expect(troublesOf(auditFound({}, { ...withSettings({}), ...set({ 'retention.ms': '-1', 'min.insync.replicas': '3' }) }))).toEqual([])
  })

  test('that it goes on from must keep its records as well', () => {
    const { configs } = auditTopicSettings(auditTopic, 1, 3)
    const told = auditFound(
      { ground: { ...audit().ground, continues: 'audit-2026' } },
      {
        view: { value: view({ topics: { [auditTopic]: [{ end: 9, replicas: 3 }], 'audit-2026': [1, 1].map(end => ({ end, replicas: 3 })) } }) },
        topicSettings: {
          value: new Map([
            [auditTopic, settings(configs)],
            ['audit-2026', settings({ ...configs, 'retention.ms': '1000' })]
          ])
        }
      }
    )
    expect(told.filter(({ id }) => id === 'audit-topic-settings').map(({ severity, what }) => `${severity}: ${what}`)).toEqual([
      'error: audit-2026: retention.ms is 1000, expected 315576000000'
    ])
  })

  test('whose settings nobody was told is unknown, and not right', () => {
    const blind = auditFound({}, { topicSettings: { why: 'TOPIC_AUTHORIZATION_FAILED' } })
    expect(blind.find(({ id }) => id === 'audit-topic-unknown')).toMatchObject({
      severity: 'unknown',
      what: expect.stringContaining('TOPIC_AUTHORIZATION_FAILED')
    })
    expect(blind.map(({ id }) => id)).not.toContain('audit-topic-right')
  })

  test('without an authorizer is open to everybody', () => {
    const open = auditFinding('audit-open', {}, { acls: { why: 'ACLs: SECURITY_DISABLED: No Authorizer is configured.' } })
    expect(open).toMatchObject({ severity: 'error', what: `${auditTopic} is open to everybody` })
  })

  describe('where the brokers hide allow.everyone.if.no.acl.found', () => {
    const hidden = {
      settings: {
        value: new Map([1, 2, 3].map(id => [id, new Map([['allow.everyone.if.no.acl.found', { value: null, isDefault: false, isSensitive: true }]])]))
      }
    }
    const may = (...operations: string[]) => ({ rights: { value: new Map([[auditTopic, { exists: true, operations: new Set(operations) }]]) } })

    test('it is closed where the mirror may not do what no ACL lets it do, or an ACL names the topic', () => {
      expect(auditFinding('audit-open', may('read', 'write'), { ...hidden, ...withAcls() })).toBeUndefined()
      expect(auditFinding('audit-open', may('delete', 'alter', 'alter-configs'), { ...hidden, ...withAcls({ operation: 'read' }) })).toBeUndefined()
    })

    test('it is unknown where the mirror may do everything, and is given the command that settles it', () => {
      const open = auditFinding('audit-open', may('delete', 'alter', 'alter-configs'), { ...hidden, ...withAcls() })
      expect(open?.severity).toBe('unknown')
      expect(open?.remedy[0]).toMatch(/--add --allow-principal 'User:<reader>' --operation Read --topic audit\.platform-operations$/)
    })

    test('it is open where somebody may do what no ACL allows, and not everything', () => {
      const app = principal([], {
        roles: ['audit-mirror'],
        principal: 'User:app',
        rights: [],
        cluster: { value: new Set(['describe']) }
      })
      const named = {
        value: new Map([
          ['reeve.state', { exists: true, operations: new Set(['read']) }],
          ['x', { exists: false, operations: new Set<string>() }]
        ])
      }
      const open = auditFinding('audit-open', may('delete', 'alter', 'alter-configs'), { ...hidden, ...withAcls(), principals: [{ ...app, named }] })
      expect(open).toMatchObject({ severity: 'error', why: ['allow.everyone.if.no.acl.found is true, and no ACL names the topic', expect.any(String)] })
    })
  })
})

test('whatever could not be seen is unknown, and nothing of it is good', () => {
  const why = { why: 'nobody answers' }
  const blind = auditFound(
    {
      rights: why,
      keys: why,
      signers: why,
      disks: why,
      oldest: why,
      recent: why,
      loggers: why,
      anchors: [],
      metadata: null
    },
    { view: why, settings: why, topicSettings: why, acls: why, config: config() }
  )
  expect(blind.filter(({ severity }) => severity === 'ok')).toEqual([])
  expect(troublesOf(blind)).toEqual(
    expect.arrayContaining(['unknown audit-topic-unknown', 'unknown audit-destroyers', 'unknown audit-super-users', 'unknown audit-coverage'])
  )
})
