import { describe, expect, test } from 'vitest'
import type { AclEntry, ConfigValue } from '../kafka/ports.ts'
import { guard, type GuardFacts, powersOf } from './guard.ts'
import { auditTopicSettings, tooFewBrokers } from './topic.ts'

const topic = 'audit.platform-operations'
const settings = (values: Readonly<Record<string, string | null>>): ReadonlyMap<string, ConfigValue> =>
  new Map(Object.entries(values).map(([name, value]) => [name, { value, isDefault: false, isSensitive: value === null }]))
const good: GuardFacts = {
  topic,
  partitions: 1,
  writer: 'User:reeve-audit',
  brokers: 4,
  found: { value: { partitions: 1, replicationFactors: [4] } },
  topicSettings: { value: settings(auditTopicSettings(topic, 1, 4).configs) },
  brokerSettings: { value: new Map([['broker:1', settings({ 'super.users': null })]]) },
  acls: { value: [] }
}
const acl = (entry: Partial<AclEntry>): AclEntry => ({
  resourceType: 'topic',
  resourceName: topic,
  pattern: 'literal',
  principal: 'User:ops',
  host: '*',
  operation: 'delete',
  permission: 'allow',
  ...entry
})
const judged = (facts: Partial<GuardFacts>) => guard({ ...good, ...facts }, ['reeve.audit-audit.platform-operations-0'])
const withSetting = (name: string, value: string) => ({ topicSettings: { value: settings({ ...auditTopicSettings(topic, 1, 4).configs, [name]: value }) } })

describe('the settings', () => {
  test.each([
    [1, 1, '1'],
    [2, 2, '1'],
    [3, 3, '2'],
    [4, 4, '3'],
    [9, 4, '3']
  ])('for %i brokers are %i replicas of which %s must have each record', (brokers, replicas, inSync) => {
    const { replicationFactor, configs } = auditTopicSettings(topic, 1, brokers)
    expect([replicationFactor, configs['min.insync.replicas'], configs['retention.ms']]).toEqual([replicas, inSync, String(3_652.5 * 86_400_000)])
    expect(tooFewBrokers(brokers) === null).toBe(brokers >= 4)
  })

  test('as they should be are no drift, nor are stricter ones', () => {
    expect(judged({}).drift).toEqual([])
    expect(judged(withSetting('retention.ms', '-1')).drift).toEqual([])
    expect(judged(withSetting('min.insync.replicas', '4')).drift).toEqual([])
    expect(judged({ found: { value: { partitions: 1, replicationFactors: [5] } } }).drift).toEqual([])
  })

  test.each([
    ['cleanup.policy', 'compact'],
    ['retention.ms', '604800000'],
    ['retention.bytes', '1000000'],
    ['compression.type', 'producer'],
    ['message.timestamp.type', 'CreateTime'],
    ['min.insync.replicas', '2'],
    ['unclean.leader.election.enable', 'true']
  ])('drift where %s is %s', (name, value) => {
    expect(judged(withSetting(name, value)).drift).toEqual([
      { setting: `config:${name}`, expected: auditTopicSettings(topic, 1, 4).configs[name], actual: value }
    ])
  })

  test('drift where the topic, a partition or a replica is missing, and are unknown where they were not seen', () => {
    expect(judged({ found: { value: null } }).drift).toEqual([{ setting: 'topic', expected: topic, actual: null }])
    expect(judged({ found: { value: { partitions: 2, replicationFactors: [4, 3] } } }).drift.map(({ setting }) => setting)).toEqual([
      'partitions',
      'replication-factor'
    ])
    const unseen = judged({ found: { why: 'TIMED_OUT' }, topicSettings: { why: 'TOPIC_AUTHORIZATION_FAILED' } })
    expect(unseen.drift).toEqual([])
    expect(unseen.unknown).toEqual([
      { what: 'topic', why: 'TIMED_OUT' },
      { what: 'settings of the topic', why: 'TOPIC_AUTHORIZATION_FAILED' }
    ])
  })
})

describe('who could destroy the log', () => {
  test.each<[string, Partial<AclEntry>, string | null]>([
    ['DELETE on the topic', {}, 'DELETE on topic audit.platform-operations'],
    ['ALTER on a prefix', { operation: 'alter', resourceName: 'audit.', pattern: 'prefixed' }, 'ALTER on topic audit.*'],
    ['ALTER_CONFIGS on every topic', { operation: 'alter-configs', resourceName: '*' }, 'ALTER_CONFIGS on topic *'],
    ['ALL on the topic from one host', { operation: 'all', host: '10.0.0.1' }, 'ALL on topic audit.platform-operations from 10.0.0.1'],
    ['ALTER on the cluster', { resourceType: 'cluster', resourceName: 'kafka-cluster', operation: 'alter' }, 'ALTER on the cluster'],
    ['CLUSTER_ACTION', { resourceType: 'cluster', resourceName: 'kafka-cluster', operation: 'cluster-action' }, 'CLUSTER_ACTION on the cluster'],
    ['READ of the topic: nobody', { operation: 'read' }, null],
    ['DELETE on another topic: nobody', { resourceName: 'audit' }, null],
    ['DELETE of a group: nobody', { resourceType: 'group', resourceName: '*' }, null],
    ['a denial: nobody', { permission: 'deny' }, null]
  ])('%s', (_name, entry, may) => {
    expect(judged({ acls: { value: [acl(entry)] } }).destroyers).toEqual(may === null ? [] : [{ principal: 'User:ops', may: [may] }])
  })

  test('is not whom a denial of all of it stops, and still is whom one of a part, of another topic or of one host does not', () => {
    const wide = acl({ resourceName: '*' })
    const by = (allowance: AclEntry, ...denials: Partial<AclEntry>[]) =>
      judged({ acls: { value: [allowance, ...denials.map(denial => acl({ ...denial, permission: 'deny' }))] } }).destroyers.length
    expect([by(wide, { resourceName: '*' }), by(wide, { resourceName: '*', operation: 'all', principal: 'User:*' }), by(wide, {})]).toEqual([0, 0, 0])
    expect([
      by(wide, { resourceName: 'audit' }),
      by(wide, { resourceName: '*', host: '10.0.0.1' }),
      by(wide, { resourceName: '*', operation: 'read' }),
      by(wide, { resourceName: '*', principal: 'User:x' })
    ]).toEqual([1, 1, 1, 1])
    const all = acl({ operation: 'all', resourceName: '*' })
    expect([by(all, {}, { operation: 'alter' }), by(all, {}, { operation: 'alter' }, { operation: 'alter-configs' })]).toEqual([1, 0])
  })

  test('the writer is named where it may do too much, and is no stranger where it writes', () => {
    const acls = {
      value: [acl({ principal: good.writer, operation: 'write' }), acl({ principal: good.writer }), acl({ operation: 'write', resourceName: '*' })]
    }
    expect(judged({ acls }).destroyers.map(({ principal }) => principal)).toEqual([good.writer])
    expect(judged({ acls }).strangers).toEqual([{ principal: 'User:ops', may: ['WRITE on topic *'] }])
  })

  test('whoever may use the transactional id could take the log over', () => {
    const acls = { value: [acl({ resourceType: 'transactional-id', resourceName: 'reeve', pattern: 'prefixed', operation: 'write' })] }
    expect(judged({ acls }).strangers).toEqual([{ principal: 'User:ops', may: ['WRITE on transactional-id reeve*'] }])
  })

  test('super users are hidden by Kafka, and unknown where no broker was seen', () => {
    expect(judged({}).superUsers).toBe('hidden')
    expect(judged({ brokerSettings: { value: new Map([['broker:1', settings({})]]) } }).superUsers).toBe('none')
    expect(judged({ brokerSettings: { why: 'CLUSTER_AUTHORIZATION_FAILED' } }).superUsers).toBe('unknown')
  })
})

describe('whether everybody may', () => {
  const everyone = (value: string | null) => ({ brokerSettings: { value: new Map([['broker:1', settings({ 'allow.everyone.if.no.acl.found': value })]]) } })
  test.each<[string, Partial<GuardFacts>, string]>([
    ['no where nothing says so', {}, 'no'],
    ['no where it is set to false', everyone('false'), 'no'],
    ['yes where it is set to true', everyone('true'), 'yes'],
    ['no where it is true and the topic has an ACL', { ...everyone('true'), acls: { value: [acl({ operation: 'read' })] } }, 'no'],
    ['unknown where the value is hidden', everyone(null), 'unknown'],
    ['unknown where no broker was seen', { brokerSettings: { why: 'TIMED_OUT' } }, 'unknown'],
    ['yes without an authorizer', { acls: { why: 'ACLs: SECURITY_DISABLED: No Authorizer is configured.' } }, 'yes']
  ])('%s', (_name, facts, open) => {
    expect(judged(facts)).toMatchObject({ open, openWhy: expect.stringMatching(/./) })
  })

  test('a checkpoint says all of it', () => {
    expect(powersOf(judged({ acls: { why: 'CLUSTER_AUTHORIZATION_FAILED' } }))).toEqual({
      destroyers: [],
      strangers: [],
      superUsers: 'hidden',
      open: 'no',
      openWhy: expect.any(String),
      unknown: [{ what: 'ACLs', why: 'CLUSTER_AUTHORIZATION_FAILED' }]
    })
  })
})
