import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { policySchema } from '#agents/audit-mirror/policy.ts'
import { rights } from '#agents/audit-mirror/rights.ts'
import { createAuditTopic } from '#shared/audit-log/topic.ts'
import { aclsFor } from '#shared/engine/rights.ts'
import type { AclEntry, Kafka } from '#shared/kafka/ports.ts'
import { formatSigner, parseSigner } from '#shared/proof/note-key.ts'
import { auditLogWorld, batchOf } from './audit-log-world.ts'
import type { Parts } from './reeve-process.ts'
import { removeUsers, type ScramUser, scramUser } from './scram-user.ts'
import { stack, unique } from './stack.ts'

/** An audit log with a few entries, a principal that writes it, one that reads the metadata log, and a configuration of the mirror that is right. */
export interface AuditedCluster {
  readonly topic: string
  readonly mirror: ScramUser
  readonly metadata: ScramUser
  readonly vkey: string
  /** Variables that `agent` names. */
  readonly env: Readonly<Record<string, string>>
  /** `agents` of a configuration: the mirror, with other words of its policy. */
  agent(policy?: Parts): Parts
  login(user: ScramUser): Parts
  /** Gives both principals what they need, and nothing else. */
  grant(): Promise<void>
  close(): Promise<void>
}

/** `linesTopic` is there, for the mirror to read. Topics of Reeve begin with `prefix`. */
export async function auditedCluster(kafka: Kafka, prefix: string, linesTopic: string): Promise<AuditedCluster> {
  const topic = unique('doctor-audit')
  const folder = mkdtempSync(join(tmpdir(), 'reeve-doctor-audit-'))
  const { clusterId } = await kafka.admin.features()
  const skey = formatSigner(`reeve.audit/${clusterId}`, generateKeyPairSync('ed25519').privateKey)
  const signer = parseSigner(skey)
  const memory = `${prefix}.audit-mirror`
  const [mirror, metadata] = await Promise.all([
    scramUser('doctor-mirror'),
    scramUser('doctor-metadata'),
    createAuditTopic(kafka.admin, topic, 1),
    kafka.admin.createTopics([{ name: memory, partitions: 1 }])
  ])
  const world = auditLogWorld(kafka, topic, 0, signer, clusterId)
  const log = await world.open()
  await log.offer(batchOf(0, 20))
  await log.checkpoint()
  await world.close()
  const logs = [{ id: 'authorizer', content: 'authorizer' as const, topic: linesTopic }]
  const login = ({ username }: ScramUser) => ({
    mechanism: 'SCRAM-SHA-512',
    username,
    password: username === mirror.username ? '${MIRROR_PASSWORD}' : '${METADATA_PASSWORD}'
  })
  const reading: AclEntry = {
    resourceType: 'cluster',
    resourceName: 'kafka-cluster',
    pattern: 'literal',
    principal: metadata.principal,
    host: '*',
    operation: 'cluster-action',
    permission: 'allow'
  }
  return {
    topic,
    mirror,
    metadata,
    vkey: signer.vkey,
    env: { MIRROR_PASSWORD: mirror.password, METADATA_PASSWORD: metadata.password, AUDIT_KEY: skey, AUDIT_HASH_KEY: 'x'.repeat(32) },
    agent: policy => ({
      'audit-mirror': {
        sasl: login(mirror),
        policy: {
          topic,
          principal: mirror.principal,
          keys: ['${AUDIT_KEY}'],
          hashKey: '${AUDIT_HASH_KEY}',
          metadata: { controllers: [...stack().saslControllers], sasl: login(metadata) },
          logs,
          anchors: [{ directory: { path: folder } }],
          ...policy
        }
      }
    }),
    login,
    grant: () => kafka.admin.createAcls([...aclsFor(rights(policySchema.parse({ topic, logs })), mirror.principal, prefix), reading]),
    async close() {
      rmSync(folder, { recursive: true })
      await removeUsers([mirror, metadata])
      const { topics } = await kafka.admin.scan({ atMs: 0, groups: false })
      for (const name of [topic, memory]) if (topics.has(name)) await kafka.admin.deleteTopicById(topics.get(name)!.topicId)
    }
  }
}
