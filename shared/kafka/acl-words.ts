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
