import { keyNameOf } from '#shared/audit-log/place.ts'
import { openSigner } from '#shared/credentials/signer.ts'
import type { AuditLogSettings } from '#shared/engine/stream.ts'
import type { Policy } from './policy.ts'

/** What whoever reads and verifies the log must know of it. */
export function auditLog({ topic, chains, prefix, keys, firstKey, anchors }: Policy, clusterId: string): AuditLogSettings {
  const name = keyNameOf({ prefix, clusterId })
  const vkeys = keys.map(secret => openSigner({ secret, name })().vkey)
  return { topic, partitions: chains, prefix, vkeys: firstKey === undefined ? vkeys : [firstKey, ...vkeys], anchors }
}
