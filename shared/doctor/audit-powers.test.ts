import { describe, expect, test } from 'vitest'
import type { AclEntry } from '../kafka/ports.ts'
import { auditFinding, auditFound, auditTopic, withAcls, withSettings } from '#test/support/doctor-audit.ts'
import { principal, settings } from '#test/support/doctor-facts.ts'
import type { Facts } from './facts.ts'

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
    const destroyers = auditFinding('audit-destroyers', {}, withAcls(entry))
    expect(destroyers).toMatchObject({ severity: 'warning', what: `User:ops could destroy ${auditTopic}, by ACLs` })
    expect(destroyers?.why[0]).toBe(`User:ops: ${text}`)
    expect(destroyers?.remedy).toEqual([expect.stringContaining(command)])
    const denials = [...destroyers!.remedy[0]!.matchAll(/--operation (\S+)/g)].map(([, name]) =>
      name!.replaceAll(/(?!^)[A-Z]/g, letter => `-${letter}`).toLowerCase()
    )
    const after = command.startsWith('--add') ? [entry, ...denials.map(operation => ({ operation, permission: 'deny' as const }))] : []
    expect(auditFinding('audit-destroyers', {}, withAcls(...after))?.severity).toBe('ok')
  })

  test('everybody of User:* is not shut out by a denial, which would shut out the mirror too', () => {
    expect(auditFinding('audit-destroyers', {}, withAcls({ principal: 'User:*', resourceName: '*' }))?.remedy).toEqual([
      expect.stringMatching(/^narrow the entries of User:\* that cover topic audit/)
    ])
  })

  test('the writer is not among them, for whom there is a finding of its own', () => {
    const own = auditFinding('audit-destroyers', {}, withAcls({ principal: 'User:reeve-audit' }))
    expect(own).toMatchObject({ severity: 'ok', what: `no ACL lets anybody else delete or alter ${auditTopic}, or the cluster` })
  })

  test('super users that are hidden are unknown, and none only where the brokers say so', () => {
    const of = (changes: Partial<Facts>) => auditFinding('audit-super-users', {}, changes)?.severity
    expect([of(withSettings({ 'super.users': 'x' })), of(withSettings({})), of({ settings: { why: 'CLUSTER_AUTHORIZATION_FAILED' } })]).toEqual([
      'unknown',
      'ok',
      'unknown'
    ])
    const some = { settings: { value: new Map([[1, settings({})]]) } }
    expect(auditFinding('audit-super-users', {}, some)).toMatchObject({ severity: 'unknown', what: expect.stringContaining('only 1 of 3 brokers') })
  })

  test('ACLs that cannot be listed are unknown, and without an authorizer nothing is said of them', () => {
    expect(auditFinding('audit-destroyers', {}, { acls: { why: 'CLUSTER_AUTHORIZATION_FAILED' } })?.severity).toBe('unknown')
    expect(auditFinding('audit-destroyers', {}, { acls: { why: 'SECURITY_DISABLED' } })).toBeUndefined()
  })

  test('who reads the metadata log is told from others, and is none to take the right from', () => {
    const cluster = { resourceType: 'cluster', resourceName: 'kafka-cluster', operation: 'cluster-action' } as const
    const reader = { ...cluster, principal: 'User:reeve-metadata' }
    expect(auditFinding('audit-destroyers', {}, withAcls(reader))).toMatchObject({ severity: 'note', remedy: [] })
    const both = auditFinding('audit-destroyers', {}, withAcls(reader, cluster))
    expect(both).toMatchObject({
      severity: 'warning',
      why: expect.arrayContaining(['User:reeve-metadata: CLUSTER_ACTION on the cluster, to read the metadata log'])
    })
    expect(both?.remedy.join()).not.toContain('reeve-metadata')
    expect(auditFinding('audit-destroyers', { metadata: null }, withAcls(reader))?.severity).toBe('warning')
    expect(auditFinding('audit-destroyers', {}, withAcls({ ...reader, operation: 'alter' }))?.severity).toBe('warning')
  })
})

describe('the writer', () => {
  const login = (name: string) => {
    const own = principal([], { roles: ['audit-mirror'], principal: name, rights: [] })
    return { principals: [own] }
  }

  test('that may delete the log itself is a warning with the command', () => {
    const own = { exists: true, operations: new Set(['read', 'write', 'delete', 'alter-configs']) }
    const held = auditFinding(
      'audit-writer-powers',
      { rights: { value: new Map([[auditTopic, own]]) } },
      withAcls({ principal: 'User:reeve-audit', operation: 'delete' })
    )
    expect(held?.what).toBe(`audit-mirror (User:reeve-audit) may DELETE, ALTER_CONFIGS ${auditTopic}`)
    expect(held?.remedy).toEqual([expect.stringMatching(/--remove --force --allow-principal User:reeve-audit --operation Delete --topic audit/)])
  })

  test('that logs in by another name than its policy says is told, and not called a stranger; a guess is not judged', () => {
    const other = auditFound({}, { ...login('User:mirror'), ...withAcls({ principal: 'User:mirror', operation: 'write' }) })
    expect(other.find(({ id }) => id === 'audit-principal')?.what).toBe('audit-mirror logs in as User:mirror, and its policy says that User:reeve-audit writes')
    expect(other.map(({ id }) => id)).not.toContain('audit-strangers')
    expect(auditFinding('audit-principal', {}, login("User:<the token's subject>"))).toBeUndefined()
  })

  test('is not alone: whoever may write into the log, or take its place, is named with the command', () => {
    const foreign = auditFinding(
      'audit-strangers',
      {},
      withAcls({ operation: 'write', resourceName: '*' }, { resourceType: 'transactional-id', resourceName: 'audit', pattern: 'prefixed', operation: 'all' })
    )
    expect(foreign).toMatchObject({ severity: 'error', what: `User:ops may write into ${auditTopic}, or take its writer's place` })
    expect(foreign?.remedy).toEqual([
      expect.stringContaining('--add --deny-principal User:ops --operation Write --topic audit.platform-operations'),
      expect.stringMatching(/--add --deny-principal User:ops --operation Write --transactional-id audit-writer-audit\.platform-operations/)
    ])
  })
})
