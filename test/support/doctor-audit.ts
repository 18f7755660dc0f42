import { auditTopicSettings } from '#shared/audit-log/topic.ts'
import { Secret } from '#shared/config/secret.ts'
import type { AuditFacts } from '#shared/doctor/audit-facts.ts'
import type { Facts } from '#shared/doctor/facts.ts'
import type { Finding } from '#shared/doctor/finding.ts'
import { findings } from '#shared/doctor/findings.ts'
import { memoryTopic } from '#shared/engine/topics.ts'
import type { AclEntry } from '#shared/kafka/ports.ts'
import { facts, principal, settings, view, wanted } from './doctor-facts.ts'

export const auditTopic = 'audit.platform-operations'
const auditWriter = 'User:reeve-audit'
const day = 86_400_000

/** An audit log of ten days in one partition of 100 MB, anchored, read and written as it should be, but for what is changed. */
export function audit(changes: Partial<AuditFacts> = {}): AuditFacts {
  const own = { exists: true, operations: new Set(['read', 'write', 'describe', 'describe-configs', 'create']) }
  const atMs = 1_000 * day
  const vkey = 'reeve.audit/cluster-under-test+0badc0de+AAAA'
  const levels = new Map([
    ['kafka.authorizer.logger', 'DEBUG'],
    ['kafka.request.logger', 'DEBUG'],
    ['org.apache.kafka.common.network.Selector', 'DEBUG']
  ])
  return {
    agent: 'audit-mirror',
    ground: {
      topic: auditTopic,
      partitions: 1,
      continues: null,
      prefix: 'reeve.audit',
      writer: auditWriter,
      keys: [new Secret('not looked at')],
      anchors: [],
      metadata: { controllers: { brokers: ['127.0.0.1:9095'], clientId: 'x' }, hashKey: new Secret('x'.repeat(32)) },
      logs: [{ id: 'authorizer', content: 'authorizer', topic: 'authorizer-log', file: null }]
    },
    memory: memoryTopic('reeve', 'audit-mirror', 3),
    rights: {
      value: new Map([
        [auditTopic, own],
        ['reeve.audit-mirror', own],
        ['authorizer-log', { exists: true, operations: new Set(['read', 'describe']) }]
      ])
    },
    keys: { value: [vkey] },
    signers: { value: new Map([[0, [vkey]]]) },
    disks: { value: { value: [1, 2, 3].map(broker => disk(broker, [100e6])), unseen: [] } },
    oldest: { value: [{ topic: auditTopic, partition: 0, offset: 0, broker: 1, timestampMs: atMs - 10 * day }] },
    recent: { value: [{ topic: auditTopic, partition: 0, offset: 500, broker: 1, timestampMs: atMs - 7 * day }] },
    atMs,
    anchors: [{ name: 'vault', kind: 's3', outside: true, checked: { value: [] } }],
    metadata: { principal: 'User:reeve-metadata', hashKey: { value: true }, controllers: [{ address: '127.0.0.1:9095', mayRead: { value: true } }] },
    files: new Map(),
    loggers: { value: { value: new Map([1, 2, 3].map(broker => [broker, levels])), unseen: [] } },
    ...changes
  }
}

/** A disk of 1 TB with so many bytes of each partition of the audit log. */
export function disk(broker: number, sizes: readonly number[], usableBytes: number | null = 500e9, logDir = '/kafka') {
  const replicas = sizes.map((sizeBytes, partition) => ({ topic: auditTopic, partition, sizeBytes }))
  return { broker, logDir, totalBytes: 1e12, usableBytes, replicas }
}

/** A cluster with an audit log where all is well, but for what is changed of the log and of the rest. */
export function auditedFacts(ofAudit: Partial<AuditFacts> = {}, changes: Partial<Facts> = {}): Facts {
  const well = facts(changes)
  const { configs } = auditTopicSettings(auditTopic, 1, 3)
  const entries = 'value' in well.acls ? well.acls.value : []
  const mirror = principal(entries, { roles: ['audit-mirror'], principal: auditWriter, rights: [] })
  return {
    ...well,
    principals: [principal(entries), mirror],
    view: {
      value: view({
        topics: { [auditTopic]: [{ end: 1_000, replicas: 3 }], orders: [1], ...Object.fromEntries(wanted.map(({ name }) => [name, [1]])) }
      })
    },
    topicSettings: { value: new Map([...wanted.map(({ name, configs: own }) => [name, settings(own ?? {})] as const), [auditTopic, settings(configs)]]) },
    audits: [audit(ofAudit)],
    ...changes
  }
}

/** What doctor finds of that log, where this is changed. */
export function auditFound(ofAudit: Partial<AuditFacts> = {}, changes: Partial<Facts> = {}): readonly Finding[] {
  return findings(auditedFacts(ofAudit, changes)).filter(({ area }) => area === 'audit')
}

/** The first finding of that id. */
export function auditFinding(id: Finding['id'], ofAudit: Partial<AuditFacts> = {}, changes: Partial<Facts> = {}): Finding | undefined {
  return auditFound(ofAudit, changes).find(each => each.id === id)
}

/** `severity id` of what is neither good nor a note. */
export function troublesOf(all: readonly Finding[]): string[] {
  return all.filter(({ severity }) => !['ok', 'note'].includes(severity)).map(({ severity, id }) => `${severity} ${id}`)
}

/** A cluster with these ACLs; each lets User:ops delete the audit topic, but for what is said. */
export function withAcls(...entries: readonly Partial<AclEntry>[]): Pick<Facts, 'acls'> {
  const entry = {
    resourceType: 'topic',
    resourceName: auditTopic,
    pattern: 'literal',
    principal: 'User:ops',
    host: '*',
    operation: 'delete',
    permission: 'allow'
  } as const
  return { acls: { value: entries.map(changes => ({ ...entry, ...changes })) } }
}

/** A cluster whose three brokers list these settings. */
export function withSettings(values: Readonly<Record<string, string>>): Pick<Facts, 'settings'> {
  return { settings: { value: new Map([1, 2, 3].map(id => [id, settings(values)])) } }
}
