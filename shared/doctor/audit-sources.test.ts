import { describe, expect, test } from 'vitest'
import { audit, auditFinding, auditFound, auditTopic, withAcls } from '#test/support/doctor-audit.ts'
import type { AuditFacts } from './audit-facts.ts'

describe('what it is trusted for', () => {
  test("no key, a key that cannot be read and one that is not the log's are errors, each with what to do", () => {
    const none = auditFinding('audit-key', { keys: { value: [] }, ground: { ...audit().ground, keys: [] } })
    expect(none).toMatchObject({ severity: 'error', what: expect.stringContaining('keys is empty') })
    expect(none?.remedy[0]).toBe('reeve audit keygen audit-key --name reeve.audit/cluster-under-test')
    expect(auditFinding('audit-key', { keys: { why: 'the private key is that of another log' } })?.what).toContain('the private key is that of another log')
    const foreign = auditFinding('audit-key', {
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
    expect(auditFinding('audit-key', { signers: { why: 'TOPIC_AUTHORIZATION_FAILED' } })?.severity).toBe('unknown')
    expect(auditFinding('audit-key', { signers: { value: new Map([[0, null]]) } })?.what).toContain('will sign')
  })

  test('a missing key for the hashes beside the metadata log is an error of its own', () => {
    const { metadata } = audit()
    const errors = auditFound({ metadata: { ...metadata!, hashKey: { why: 'there is none' } } }).filter(({ severity }) => severity === 'error')
    expect(errors.map(({ what }) => what)).toEqual([expect.stringContaining('hashKey: expected a key of at least 32 bytes')])
  })

  test('without an anchor outside the cluster it is self-attested, also where there is one inside', () => {
    expect(auditFinding('audit-unanchored', { anchors: [] })).toMatchObject({ severity: 'warning', what: expect.stringContaining('SELF-ATTESTED') })
    const inside = auditFound({ anchors: [{ name: 'directory', kind: 'directory', outside: false, checked: { value: [] } }] })
    expect(inside.map(({ id }) => id)).toEqual(expect.arrayContaining(['audit-anchor', 'audit-unanchored']))
  })

  test('an anchor that cannot be used is an error, and a doubtful one a warning', () => {
    const of = (checked: AuditFacts['anchors'][number]['checked']) =>
      auditFinding('audit-anchor', { anchors: [{ name: 'vault', kind: 's3', outside: true, checked }] })
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
    const refused = auditFinding('audit-metadata', at(true, 'authorization'))
    expect(refused?.severity).toBe('error')
    expect(refused?.remedy).toEqual([expect.stringMatching(/--add --allow-principal User:reeve-metadata --operation ClusterAction --cluster$/)])
    expect(auditFinding('audit-metadata', at(true, 'unreachable', 'unreachable'))).toMatchObject({
      severity: 'warning',
      what: expect.stringMatching(/^2 of 3 controllers/)
    })
    expect(auditFinding('audit-metadata', at('unreachable', 'unreachable'))?.severity).toBe('error')
    expect(auditFinding('audit-metadata', at(true))).toMatchObject({ severity: 'note', why: [expect.stringContaining('as much as being a broker')] })
  })

  test('who reads the metadata log should have no other right and be nobody else', () => {
    const beyond = auditFinding('audit-metadata-rights', {}, withAcls({ principal: 'User:reeve-metadata', operation: 'read', resourceName: '*' }))
    expect(beyond).toMatchObject({
      severity: 'warning',
      remedy: [expect.stringContaining("--remove --force --allow-principal User:reeve-metadata --operation Read --topic '*'")]
    })
    const shared = auditFinding('audit-metadata-rights', { metadata: { ...audit().metadata!, principal: 'User:reeve-audit' } })
    expect(shared?.what).toBe('the metadata log is read as User:reeve-audit, as which audit-mirror logs in too')
    expect(
      auditFinding(
        'audit-metadata-rights',
        {},
        withAcls({ principal: 'User:reeve-metadata', resourceType: 'cluster', resourceName: 'kafka-cluster', operation: 'cluster-action' })
      )
    ).toBeUndefined()
  })

  test('a topic that is not there and a file that cannot be read are errors', () => {
    const logs = [
      { id: 'a', content: 'authorizer', topic: 'nowhere', file: null },
      { id: 'b', content: 'request', topic: null, file: '/var/log/x y' }
    ] as const
    const errors = auditFound({
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

  test('a topic that is to be continued and is not there is an error', () => {
    const ground = { ...audit().ground, continues: 'audit-2026' }
    const rights = (exists: boolean) => ({ ground, rights: { value: new Map([['audit-2026', { exists, operations: new Set<string>() }]]) } })
    expect(auditFinding('audit-source', rights(false))).toMatchObject({
      severity: 'error',
      what: `there is no topic audit-2026, from which ${auditTopic} goes on`
    })
    expect(auditFinding('audit-source', rights(true))).toBeUndefined()
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
      [
        'a broker that does not say beside one that does',
        { loggers: { value: { value: new Map([[1, new Map([['kafka.authorizer.logger', 'DEBUG']])]]), unseen: [{ id: 'broker 2', why: 'TIMED_OUT' }] } } },
        'unknown',
        'TIMED_OUT'
      ],
      ['a logger that none lists', levels('another'), 'unknown', 'none lists the logger kafka.authorizer.logger'],
      ['no log at all', { ground: { ...audit().ground, logs: [] } }, 'note', 'no log of the brokers is read'],
      ['no metadata log', { ground: { ...audit().ground, metadata: null }, metadata: null }, 'note', 'the metadata log is not read']
    ])('%s', (_name, changes, severity, text) => {
      const told = auditFinding('audit-coverage', changes)
      expect(told?.severity ?? null).toBe(severity)
      expect(told?.what ?? '').toContain(text)
    })

    test('is mended by a command for each broker', () => {
      expect(auditFinding('audit-coverage', levels('kafka.authorizer.logger', 'INFO', 'INFO'))?.remedy.slice(0, 2)).toEqual([
        expect.stringMatching(/--entity-type broker-loggers --entity-name 1 --add-config kafka\.authorizer\.logger=DEBUG$/),
        expect.stringMatching(/--entity-name 2 /)
      ])
    })
  })
})
