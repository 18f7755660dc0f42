import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auditTopicSettings } from '../audit-log/topic.ts'
import type { AclEntry } from '../kafka/ports.ts'
import { audit, auditedFacts, auditTopic, config, disk, principal, settings, view } from '#test/support/doctor-facts.ts'
import type { AuditFacts } from './audit-facts.ts'
import { auditCapacityFindings } from './checks/audit-capacity.ts'
import type { Facts } from './facts.ts'
import type { Finding } from './finding.ts'
import { findings } from './findings.ts'

const found = (ofAudit: Partial<AuditFacts> = {}, changes: Partial<Facts> = {}) =>
  findings(auditedFacts(ofAudit, changes)).filter(({ area }) => area === 'audit')
const one = (id: Finding['id'], ofAudit: Partial<AuditFacts> = {}, changes: Partial<Facts> = {}) => found(ofAudit, changes).find(each => each.id === id)
const troubles = (all: readonly Finding[]) => all.filter(({ severity }) => !['ok', 'note'].includes(severity)).map(({ severity, id }) => `${severity} ${id}`)
const acl = (changes: Partial<AclEntry>): AclEntry => ({
  resourceType: 'topic',
  resourceName: auditTopic,
  pattern: 'literal',
  principal: 'User:ops',
  host: '*',
  operation: 'delete',
  permission: 'allow',
  ...changes
})
const acls = (...entries: Partial<AclEntry>[]): Partial<Facts> => ({ acls: { value: entries.map(acl) } })
const brokers = (values: Record<string, string>) => ({ settings: { value: new Map([1, 2, 3].map(id => [id, settings(values)])) } })
const sized = (changes: Record<string, unknown>) => ({ value: view({ topics: { [auditTopic]: [{ end: 1_000, replicas: 3, ...changes }] } }) })
const day = 86_400_000

test('where all is well nothing is wrong, and what there is is said in lines of its own', () => {
  const all = found({}, brokers({}))
  expect(troubles(all)).toEqual([])
  expect(all.map(({ severity, id }) => `${severity} ${id}`)).toEqual([
    'ok audit-topic-right',
    'ok audit-destroyers',
    'ok audit-super-users',
    'ok audit-capacity',
    'ok audit-key',
    'ok audit-anchor',
    'note audit-metadata'
  ])
  expect(one('audit-topic-right')?.what).toBe(
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
    expect(one('audit-topic-missing', missing(['create']), without)).toMatchObject({ severity: 'note', what: expect.stringContaining(auditTopic) })
    const error = one('audit-topic-missing', missing([]), without)
    expect(error?.severity).toBe('error')
    expect(error?.remedy).toEqual([
      expect.stringMatching(
        /^kafka-topics .* --create --topic audit\.platform-operations --partitions 1 --replication-factor 3 .*--config retention\.ms=315576000000 .*--config min\.insync\.replicas=2/
      ),
      expect.stringMatching(/--create --topic reeve\.audit-mirror --partitions 1 /)
    ])
    expect(found(missing([]), without).map(({ id }) => id)).not.toEqual(expect.arrayContaining(['audit-topic-right', 'audit-capacity', 'audit-topic-settings']))
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
    ['too few partitions', { audits: [audit({ ground: { ...audit().ground, partitions: 4 } })] }, 'warning', 'partitions is 1, expected 4', '--partitions 4']
  ])('%s', (_name, changes, severity, text, command) => {
    const drift = one('audit-topic-settings', {}, changes)
    expect(drift).toMatchObject({ severity, what: expect.stringContaining(text) })
    expect(drift?.why.length).toBe(1)
    expect(drift?.remedy.join('\n')).toContain(command)
    expect(one('audit-topic-right', {}, changes)).toBeUndefined()
  })

  test('keeping records for longer, and on more brokers, is right', () => {
    expect(troubles(found({}, { ...brokers({}), ...set({ 'retention.ms': '-1', 'min.insync.replicas': '3' }) }))).toEqual([])
  })

  test('whose settings nobody was told is unknown, and not right', () => {
    const blind = found({}, { topicSettings: { why: 'TOPIC_AUTHORIZATION_FAILED' } })
    expect(blind.find(({ id }) => id === 'audit-topic-unknown')).toMatchObject({
      severity: 'unknown',
      what: expect.stringContaining('TOPIC_AUTHORIZATION_FAILED')
    })
    expect(blind.map(({ id }) => id)).not.toContain('audit-topic-right')
  })

  test('without an authorizer is open to everybody', () => {
    const open = one('audit-open', {}, { acls: { why: 'ACLs: SECURITY_DISABLED: No Authorizer is configured.' } })
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
      expect(one('audit-open', may('read', 'write'), { ...hidden, ...acls() })).toBeUndefined()
      expect(one('audit-open', may('delete', 'alter', 'alter-configs'), { ...hidden, ...acls({ operation: 'read' }) })).toBeUndefined()
    })

    test('it is unknown where the mirror may do everything, and is given the command that settles it', () => {
      const open = one('audit-open', may('delete', 'alter', 'alter-configs'), { ...hidden, ...acls() })
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
      const open = one('audit-open', may('delete', 'alter', 'alter-configs'), { ...hidden, ...acls(), principals: [{ ...app, named }] })
      expect(open).toMatchObject({ severity: 'error', why: ['allow.everyone.if.no.acl.found is true, and no ACL names the topic', expect.any(String)] })
    })
  })
})

describe('who could destroy it', () => {
  test.each<[string, Partial<AclEntry>, string, string]>([
    [
      'DELETE on the topic',
      {},
      'DELETE on topic audit.platform-operations',
      '--remove --force --allow-principal User:ops --operation Delete --topic audit.platform-operations'
    ],
    [
      'ALTER on every topic',
      { resourceName: '*', operation: 'alter' },
      'ALTER on topic *',
      '--add --deny-principal User:ops --operation Alter --topic audit.platform-operations'
    ],
    [
      'ALL on a prefix',
      { resourceName: 'audit.', pattern: 'prefixed', operation: 'all' },
      'ALL on topic audit.*',
      '--add --deny-principal User:ops --operation Delete --operation Alter --operation AlterConfigs --topic audit.platform-operations'
    ],
    [
      'ALTER on the cluster',
      { resourceType: 'cluster', resourceName: 'kafka-cluster', operation: 'alter' },
      'ALTER on the cluster',
      '--remove --force --allow-principal User:ops --operation Alter --cluster'
    ]
  ])('%s is listed with the command that takes it away, and with that is gone', (_name, entry, text, command) => {
    const destroyers = one('audit-destroyers', {}, acls(entry))
    expect(destroyers).toMatchObject({ severity: 'warning', what: `User:ops could destroy ${auditTopic}, by ACLs` })
    expect(destroyers?.why[0]).toBe(`User:ops: ${text}`)
    expect(destroyers?.remedy).toEqual([expect.stringContaining(command)])
    const denials = [...destroyers!.remedy[0]!.matchAll(/--operation (\S+)/g)].map(([, name]) =>
      name!.replaceAll(/(?!^)[A-Z]/g, letter => `-${letter}`).toLowerCase()
    )
    const after = command.startsWith('--add') ? [entry, ...denials.map(operation => ({ operation, permission: 'deny' as const }))] : []
    expect(one('audit-destroyers', {}, acls(...after))?.severity).toBe('ok')
  })

  test('everybody of User:* is not shut out by a denial, which would shut out the mirror too', () => {
    expect(one('audit-destroyers', {}, acls({ principal: 'User:*', resourceName: '*' }))?.remedy).toEqual([
      expect.stringMatching(/^narrow the entries of User:\* that cover topic audit/)
    ])
  })

  test('super users that are hidden are unknown, and none only where the brokers say so', () => {
    const of = (changes: Partial<Facts>) => one('audit-super-users', {}, changes)?.severity
    expect([of(brokers({ 'super.users': 'x' })), of(brokers({})), of({ settings: { why: 'CLUSTER_AUTHORIZATION_FAILED' } })]).toEqual([
      'unknown',
      'ok',
      'unknown'
    ])
    const some = { settings: { value: new Map([[1, settings({})]]) } }
    expect(one('audit-super-users', {}, some)).toMatchObject({ severity: 'unknown', what: expect.stringContaining('only 1 of 3 brokers') })
  })

  test('ACLs that cannot be listed are unknown, and without an authorizer nothing is said of them', () => {
    expect(one('audit-destroyers', {}, { acls: { why: 'CLUSTER_AUTHORIZATION_FAILED' } })?.severity).toBe('unknown')
    expect(one('audit-destroyers', {}, { acls: { why: 'SECURITY_DISABLED' } })).toBeUndefined()
  })

  test('who reads the metadata log is told from others, and is none to take the right from', () => {
    const cluster = { resourceType: 'cluster', resourceName: 'kafka-cluster', operation: 'cluster-action' } as const
    const reader = { ...cluster, principal: 'User:reeve-metadata' }
    expect(one('audit-destroyers', {}, acls(reader))).toMatchObject({ severity: 'note', remedy: [] })
    const both = one('audit-destroyers', {}, acls(reader, cluster))
    expect(both).toMatchObject({
      severity: 'warning',
      why: expect.arrayContaining(['User:reeve-metadata: CLUSTER_ACTION on the cluster, to read the metadata log'])
    })
    expect(both?.remedy.join()).not.toContain('reeve-metadata')
    expect(one('audit-destroyers', { metadata: null }, acls(reader))?.severity).toBe('warning')
    expect(one('audit-destroyers', {}, acls({ ...reader, operation: 'alter' }))?.severity).toBe('warning')
  })
})

describe('the writer', () => {
  const login = (name: string) => {
    const own = principal([], { roles: ['audit-mirror'], principal: name, rights: [] })
    return { principals: [own] }
  }

  test('that may delete the log itself is a warning with the command', () => {
    const own = { exists: true, operations: new Set(['read', 'write', 'delete', 'alter-configs']) }
    const held = one('audit-writer-powers', { rights: { value: new Map([[auditTopic, own]]) } }, acls({ principal: 'User:reeve-audit', operation: 'delete' }))
    expect(held?.what).toBe(`audit-mirror (User:reeve-audit) may DELETE, ALTER_CONFIGS ${auditTopic}`)
    expect(held?.remedy).toEqual([expect.stringMatching(/--remove --force --allow-principal User:reeve-audit --operation Delete --topic audit/)])
  })

  test('that logs in by another name than its policy says is told, and not called a stranger; a guess is not judged', () => {
    const other = found({}, { ...login('User:mirror'), ...acls({ principal: 'User:mirror', operation: 'write' }) })
    expect(other.find(({ id }) => id === 'audit-principal')?.what).toBe('audit-mirror logs in as User:mirror, and its policy says that User:reeve-audit writes')
    expect(other.map(({ id }) => id)).not.toContain('audit-strangers')
    expect(one('audit-principal', {}, login("User:<the token's subject>"))).toBeUndefined()
  })

  test('is not alone: whoever may write into the log, or take its place, is named with the command', () => {
    const foreign = one(
      'audit-strangers',
      {},
      acls({ operation: 'write', resourceName: '*' }, { resourceType: 'transactional-id', resourceName: 'audit', pattern: 'prefixed', operation: 'all' })
    )
    expect(foreign).toMatchObject({ severity: 'error', what: `User:ops may write into ${auditTopic}, or take its writer's place` })
    expect(foreign?.remedy).toEqual([
      expect.stringContaining('--add --deny-principal User:ops --operation Write --topic audit.platform-operations'),
      expect.stringMatching(/--add --deny-principal User:ops --operation Write --transactional-id audit-writer-audit\.platform-operations/)
    ])
  })
})

describe('ten years beside the disks', () => {
  const of = (changes: Partial<AuditFacts>, more: Partial<Facts> = {}) => one('audit-capacity', changes, more)
  const disks = (...all: ReturnType<typeof disk>[]): Partial<AuditFacts> => ({ disks: { value: { value: all, unseen: [] } } })
  const three = (sizes: number[], usable: number | null = 500e9) => disks(...[1, 2, 3].map(broker => disk(broker, sizes, usable)))

  test('are computed from what the log has taken since it began', () => {
    expect(of({})).toMatchObject({
      severity: 'ok',
      what: `${auditTopic} grows by 10 MB a day (measured over 10 days); ten years with 3 replicas are 110 GB; its fullest disk (broker 1: /kafka) needs 36.4 GB and has 500 GB free`,
      figures: {
        bytesPerDay: 10e6,
        measuredOverMs: 10 * day,
        sizeBytes: 100e6,
        replicas: 3,
        tenYearBytes: 36_525 * 1e6 * 3,
        freeBytes: 1_500e9,
        fullAfterMs: null
      }
    })
  })

  test('go by the last seven days where these brought more', () => {
    const recent: AuditFacts['recent'] = { value: [{ topic: auditTopic, partition: 0, offset: 100, broker: 1, timestampMs: 993 * day }] }
    expect(of({ recent })?.figures).toMatchObject({ bytesPerDay: Math.round(90e6 / 7), measuredOverMs: 7 * day })
    expect(of({ recent: { value: [] } })?.figures).toMatchObject({ bytesPerDay: 10e6 })
    expect(of({ recent: { why: 'away' } })?.figures).toMatchObject({ bytesPerDay: 10e6 })
  })

  test('that a disk has no room for are a warning that says when it is full, and whether a topic a year would do', () => {
    const one = of(disks(disk(1, [100e6], 10e9), disk(2, [100e6]), disk(3, [100e6])))
    expect(one).toMatchObject({ severity: 'warning', what: expect.stringMatching(/more than its disks have: broker 1: \/kafka is full of it in 2\.7 years$/) })
    expect(one?.why[1]).toContain('a topic a year, each on other disks, is enough')
    expect(one?.figures).toMatchObject({ fullAfterMs: 1_000 * day, freeBytes: 1_010e9 })
    const all = of(three([100e6], 10e9))
    expect(all?.why[1]).toContain('no room for it either: tiered storage')
    expect(all?.remedy[1]).toMatch(/^kafka-configs .*remote\.storage\.enable=true/)
  })

  test('of several partitions go by what lies on each disk', () => {
    const topic = { value: view({ topics: { [auditTopic]: [1, 2, 3].map(end => ({ end: end * 100, replicas: 1 })) } }) }
    const spread = disks(
      { ...disk(1, []), replicas: [{ topic: auditTopic, partition: 0, sizeBytes: 30e6 }] },
      { ...disk(2, [], 20e9), replicas: [{ topic: auditTopic, partition: 1, sizeBytes: 10e6 }] },
      { ...disk(3, []), replicas: [{ topic: auditTopic, partition: 2, sizeBytes: 60e6 }] }
    )
    const found = of({ ...spread, recent: { value: [] } }, { view: topic })
    expect(found).toMatchObject({ severity: 'ok', figures: { bytesPerDay: 10e6, replicas: 1, tenYearBytes: 36_525e6 } })
    expect(found?.what).toMatch(/its fullest disk \(broker 2: \/kafka\) needs 3\.64 GB and has 20 GB free$/)
  })

  test.each<[string, Partial<AuditFacts>, string]>([
    [
      'a log of hours',
      { oldest: { value: [{ topic: auditTopic, partition: 0, offset: 0, broker: 1, timestampMs: 1_000 * day - 7_200_000 }] } },
      'younger than a day (100 MB in 2 hours so far)'
    ],
    ['a log without records', { oldest: { value: [] } }, 'it holds no record yet (100 MB so far)'],
    ['brokers that tell no sizes', { disks: { why: 'CLUSTER_AUTHORIZATION_FAILED' } }, 'CLUSTER_AUTHORIZATION_FAILED'],
    [
      'no broker that holds it',
      { disks: { value: { value: [], unseen: [{ id: 'broker 1', why: 'TIMED_OUT' }] } } },
      `no broker tells the size of ${auditTopic}-0: TIMED_OUT`
    ],
    ['no times', { oldest: { why: 'away' } }, 'away'],
    ['disks that say nothing of themselves', three([100e6], null), 'how much room its disks have is not known'],
    [
      'one broker that is away',
      { disks: { value: { value: [disk(1, [100e6]), disk(2, [100e6])], unseen: [{ id: 'broker 3', why: 'TIMED_OUT' }] } } },
      'broker 3: TIMED_OUT'
    ]
  ])('are unknown, and not nothing, for %s', (_name, changes, text) => {
    const found = of(changes)
    expect(found?.severity).toBe('unknown')
    expect(found?.what).toContain(text)
    expect(found?.figures?.['fullAfterMs'] ?? null).toBeNull()
  })

  test('are unknown where tiered storage holds a part that no broker tells the size of', () => {
    const settingsOf = settings({ ...auditTopicSettings(auditTopic, 1, 3).configs, 'remote.storage.enable': 'true' })
    expect(of({}, { topicSettings: { value: new Map([[auditTopic, settingsOf]]) } })).toMatchObject({ severity: 'unknown', figures: { bytesPerDay: null } })
  })

  test('never have a sum that is no number, whatever sizes, ages and rooms there are', () => {
    const amount = fc.maxSafeNat()
    const base = auditedFacts()
    const at = { topic: auditTopic, broker: 1, partition: 0 }
    fc.assert(
      fc.property(
        fc.array(amount, { minLength: 1, maxLength: 3 }),
        fc.option(amount),
        fc.nat({ max: 5_000 }),
        fc.nat({ max: 1_000 }),
        (sizes, usable, ageDays, from) => {
          const log = audit({
            ...three(sizes, usable),
            oldest: { value: [{ ...at, offset: 0, timestampMs: (1_000 - ageDays) * day }] },
            recent: { value: [{ ...at, offset: from, timestampMs: 0 }] }
          })
          const topic = { value: view({ topics: { [auditTopic]: sizes.map(() => ({ end: 1_000, replicas: 3 })) } }) }
          const [found] = auditCapacityFindings({ ...base, view: topic }, log)
          expect(found?.what).not.toMatch(/NaN|undefined|Infinity| -\d|e[+-]\d/)
          for (const figure of Object.values(found?.figures ?? {})) expect(figure === null || (Number.isFinite(figure) && figure >= 0)).toBe(true)
          if (ageDays < 1) expect(found?.severity).toBe('unknown')
        }
      )
    )
  })
})

describe('what it is trusted for', () => {
  test("no key, a key that cannot be read and one that is not the log's are errors, each with what to do", () => {
    const none = one('audit-key', { keys: { value: [] }, ground: { ...audit().ground, keys: [] } })
    expect(none).toMatchObject({ severity: 'error', what: expect.stringContaining('keys is empty') })
    expect(none?.remedy[0]).toBe('reeve audit keygen audit-key --name reeve.audit/cluster-under-test')
    expect(one('audit-key', { keys: { why: 'the private key is that of another log' } })?.what).toContain('the private key is that of another log')
    const foreign = one('audit-key', {
      signers: {
        value: new Map([
          [0, ['other+01234567+BBBB']],
          [1, null]
        ])
      }
    })
    expect(foreign).toMatchObject({
      severity: 'error',
      what: `${auditTopic} is signed by other+01234567+BBBB, which is none of agents.audit-mirror.policy.keys`
    })
    expect(foreign?.remedy[0]).toContain('other+01234567')
    expect(one('audit-key', { signers: { why: 'TOPIC_AUTHORIZATION_FAILED' } })?.severity).toBe('unknown')
    expect(one('audit-key', { signers: { value: new Map([[0, null]]) } })?.what).toContain('will sign')
  })

  test('a missing key for the hashes beside the metadata log is an error of its own', () => {
    const { metadata } = audit()
    const errors = found({ metadata: { ...metadata!, hashKey: { why: 'there is none' } } }).filter(({ severity }) => severity === 'error')
    expect(errors.map(({ what }) => what)).toEqual([expect.stringContaining('hashKey: expected a key of at least 32 bytes')])
  })

  test('without an anchor outside the cluster it is self-attested, also where there is one inside', () => {
    expect(one('audit-unanchored', { anchors: [] })).toMatchObject({ severity: 'warning', what: expect.stringContaining('SELF-ATTESTED') })
    const inside = found({ anchors: [{ name: 'directory', kind: 'directory', outside: false, checked: { value: [] } }] })
    expect(inside.map(({ id }) => id)).toEqual(expect.arrayContaining(['audit-anchor', 'audit-unanchored']))
  })

  test('an anchor that cannot be used is an error, and a doubtful one a warning', () => {
    const of = (checked: AuditFacts['anchors'][number]['checked']) => one('audit-anchor', { anchors: [{ name: 'vault', kind: 's3', outside: true, checked }] })
    expect(of({ why: 'the bucket x has no Object Lock' })).toMatchObject({
      severity: 'error',
      what: 'anchor vault (s3) cannot be used: the bucket x has no Object Lock'
    })
    expect(of({ value: ['it lies on the same volume'] })?.severity).toBe('warning')
  })
})

describe('its sources', () => {
  const at = (...answers: (true | 'authorization' | 'unreachable')[]): Partial<AuditFacts> => ({
    metadata: {
      ...audit().metadata!,
      controllers: answers.map((mayRead, index) => ({
        address: `127.0.0.1:${9_095 + index}`,
        mayRead: mayRead === true ? { value: true } : { why: mayRead, kind: mayRead }
      }))
    }
  })

  test('the metadata log without CLUSTER_ACTION is an error with the command; controllers that are away are a warning while one answers', () => {
    const refused = one('audit-metadata', at(true, 'authorization'))
    expect(refused?.severity).toBe('error')
    expect(refused?.remedy).toEqual([expect.stringMatching(/--add --allow-principal User:reeve-metadata --operation ClusterAction --cluster$/)])
    expect(one('audit-metadata', at(true, 'unreachable', 'unreachable'))).toMatchObject({
      severity: 'warning',
      what: expect.stringMatching(/^2 of 3 controllers/)
    })
    expect(one('audit-metadata', at('unreachable', 'unreachable'))?.severity).toBe('error')
    expect(one('audit-metadata', at(true))).toMatchObject({ severity: 'note', why: [expect.stringContaining('as much as being a broker')] })
  })

  test('who reads the metadata log should have no other right and be nobody else', () => {
    const beyond = one('audit-metadata-rights', {}, acls({ principal: 'User:reeve-metadata', operation: 'read', resourceName: '*' }))
    expect(beyond).toMatchObject({
      severity: 'warning',
      remedy: [expect.stringContaining("--remove --force --allow-principal User:reeve-metadata --operation Read --topic '*'")]
    })
    const shared = one('audit-metadata-rights', { metadata: { ...audit().metadata!, principal: 'User:reeve-audit' } })
    expect(shared?.what).toBe('the metadata log is read as User:reeve-audit, as which audit-mirror logs in too')
    expect(
      one(
        'audit-metadata-rights',
        {},
        acls({ principal: 'User:reeve-metadata', resourceType: 'cluster', resourceName: 'kafka-cluster', operation: 'cluster-action' })
      )
    ).toBeUndefined()
  })

  test('a topic that is not there and a file that cannot be read are errors', () => {
    const logs = [
      { id: 'a', content: 'authorizer', topic: 'nowhere', file: null },
      { id: 'b', content: 'request', topic: null, file: '/var/log/x y' }
    ] as const
    const errors = found({
      ground: { ...audit().ground, logs },
      rights: { value: new Map([['nowhere', { exists: false, operations: new Set() }]]) },
      files: new Map([['/var/log/x y', { why: 'EACCES' }]])
    }).filter(({ id }) => id === 'audit-source')
    expect(errors.map(({ severity, what }) => `${severity}: ${what}`)).toEqual([
      'error: source a: there is no topic nowhere',
      'error: source b: /var/log/x y cannot be read from here: EACCES'
    ])
    expect(errors[1]?.remedy).toEqual(["ls -l '/var/log/x y'"])
  })

  describe('what they leave out', () => {
    const levels = (logger: string, ...all: string[]) => ({
      loggers: { value: { value: new Map(all.map((level, index) => [index + 1, new Map([[logger, level]])])), unseen: [] } }
    })
    const log = (content: 'authorizer' | 'request' | 'server') => ({
      ground: { ...audit().ground, logs: [{ id: 'x', content, topic: 'authorizer-log', file: null }] }
    })
    test.each<[string, Partial<AuditFacts>, string | null, string]>([
      [
        'an authorizer log of denials alone',
        levels('kafka.authorizer.logger', 'DEBUG', 'INFO'),
        'note',
        'tells denials alone: kafka.authorizer.logger is INFO on broker 2'
      ],
      ['an authorizer log of nothing', levels('kafka.authorizer.logger', 'WARN'), 'warning', 'the authorizer log tells nothing'],
      ['an authorizer log of everything', levels('kafka.authorizer.logger', 'TRACE'), null, ''],
      ['a request log of nothing', { ...log('request'), ...levels('kafka.request.logger', 'INFO') }, 'warning', 'the request log tells nothing'],
      [
        'a server log of failed logins alone',
        { ...log('server'), ...levels('org.apache.kafka.common.network.Selector', 'INFO') },
        'note',
        'tells logins that failed alone'
      ],
      ['levels that nobody may see', { loggers: { why: 'CLUSTER_AUTHORIZATION_FAILED' } }, 'unknown', 'CLUSTER_AUTHORIZATION_FAILED'],
      ['a broker that does not say', { loggers: { value: { value: new Map(), unseen: [{ id: 'broker 1', why: 'TIMED_OUT' }] } } }, 'unknown', 'TIMED_OUT'],
      ['a logger that none lists', levels('another'), 'unknown', 'none lists the logger kafka.authorizer.logger'],
      ['no log at all', { ground: { ...audit().ground, logs: [] } }, 'note', 'no log of the brokers is read'],
      ['no metadata log', { ground: { ...audit().ground, metadata: null }, metadata: null }, 'note', 'the metadata log is not read']
    ])('%s', (_name, changes, severity, text) => {
      const told = one('audit-coverage', changes)
      expect(told?.severity ?? null).toBe(severity)
      expect(told?.what ?? '').toContain(text)
    })

    test('is mended by a command for each broker', () => {
      expect(one('audit-coverage', levels('kafka.authorizer.logger', 'INFO', 'INFO'))?.remedy.slice(0, 2)).toEqual([
        expect.stringMatching(/--entity-type broker-loggers --entity-name 1 --add-config kafka\.authorizer\.logger=DEBUG$/),
        expect.stringMatching(/--entity-name 2 /)
      ])
    })
  })
})

test('whatever could not be seen is unknown, and nothing of it is good', () => {
  const why = { why: 'nobody answers' }
  const blind = found(
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
  expect(troubles(blind)).toEqual(
    expect.arrayContaining(['unknown audit-topic-unknown', 'unknown audit-destroyers', 'unknown audit-super-users', 'unknown audit-coverage'])
  )
})
