/** Kafka's codes by place; `any` (1) is for filters only. */
export const resourceTypes = ['unknown', 'any', 'topic', 'group', 'cluster', 'transactional-id', 'delegation-token', 'user'] as const
export const patterns = ['unknown', 'any', 'match', 'literal', 'prefixed'] as const
export const permissions = ['unknown', 'any', 'deny', 'allow'] as const
/** AclOperation by its code, as in the sets of authorised operations too. */
export const operationNames = [
  'unknown',
  'any',
  'all',
  'read',
  'write',
  'create',
  'delete',
  'alter',
  'describe',
  'cluster-action',
  'describe-configs',
  'alter-configs',
  'idempotent-write',
  'create-tokens',
  'describe-tokens',
  'two-phase-commit'
] as const

const word = (words: readonly string[], code: unknown): string => (typeof code === 'number' ? (words[code] ?? `code ${code}`) : '')

/** The coded parts of an ACL in words; a code that is not known keeps its number. */
export function aclCodesInWords({
  resourceType,
  patternType,
  operation,
  permissionType
}: Readonly<Record<'resourceType' | 'patternType' | 'operation' | 'permissionType', unknown>>) {
  return {
    resourceType: word(resourceTypes, resourceType),
    pattern: word(patterns, patternType),
    operation: word(operationNames, operation),
    permission: word(permissions, permissionType)
  }
}
