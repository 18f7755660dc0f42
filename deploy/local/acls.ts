import { policySchema as mirrorPolicy } from '#agents/audit-mirror/policy.ts'
import { rights as mirrorRights } from '#agents/audit-mirror/rights.ts'
import { rights as guardianRights } from '#agents/consumer-guardian/rights.ts'
import { aclsFor, doctorRights, engineRights, governedConsumerRights, operatorRights, type Right } from '#shared/engine/rights.ts'
import type { AclEntry } from '#shared/kafka/ports.ts'

export type Role = 'engine' | 'consumer-guardian' | 'audit-mirror' | 'operator' | 'governed-consumer' | 'doctor'

/** What each principal of the local stack is granted, and nothing else: deploy/acls.md is this list for people. */
export const rights: Readonly<Record<Role, readonly Right[]>> = {
  engine: engineRights,
  'consumer-guardian': guardianRights,
  'audit-mirror': mirrorRights(mirrorPolicy.parse({})),
  operator: operatorRights,
  'governed-consumer': governedConsumerRights,
  doctor: doctorRights
}

/** The entries of one role for one principal, for example `User:reeve-engine`. `prefix` is `topics.prefix` of the configuration. */
export function aclsOf(role: Role, principal: string, prefix = 'reeve'): AclEntry[] {
  return aclsFor(rights[role], principal, prefix)
}
