import type { AuditGround } from '#shared/engine/audit-ground.ts'
import { auditLog } from './audit-log.ts'
import { controllersOf } from './controllers.ts'
import type { Policy } from './policy.ts'

/** What `reeve doctor` looks at. */
export function auditGround(policy: Policy): AuditGround {
  const { principal, continues = null, keys, hashKey, metadata, logs } = policy
  // Without the keys: one that cannot be read is something to be found, and nothing to fail by.
  const { topic, partitions, prefix, anchors } = auditLog({ ...policy, keys: [] }, '')
  return {
    topic,
    partitions,
    continues,
    prefix,
    writer: principal,
    keys,
    anchors,
    metadata: metadata === undefined ? null : { controllers: controllersOf(metadata), hashKey: hashKey ?? null },
    logs: logs.map(({ id, content, topic: filled = null, file = null }) => ({ id, content, topic: filled, file }))
  }
}
