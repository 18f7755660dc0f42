import type { AclEntry } from '../kafka/ports.ts'

export type Access = Pick<AclEntry, 'resourceType' | 'resourceName' | 'pattern' | 'operation'>

/** Operations that hold for another where they are allowed (KIP-50's implied operations); a denial implies nothing. */
const implies: Readonly<Record<string, readonly string[]>> = {
  describe: ['read', 'write', 'delete', 'alter'],
  'describe-configs': ['alter-configs']
}

/** Whether an entry speaks of a resource of this name. */
export function covers(entry: AclEntry, resourceType: AclEntry['resourceType'], name: string): boolean {
  if (entry.resourceType !== resourceType) return false
  return entry.pattern === 'prefixed' ? name.startsWith(entry.resourceName) : entry.resourceName === name || entry.resourceName === '*'
}

/** Whether an entry lets whoever it is for do this, somewhere. */
export function lets(entry: AclEntry, operation: string): boolean {
  return entry.permission === 'allow' && [operation, 'all', ...(implies[operation] ?? [])].includes(entry.operation)
}

/**
 * What the entries alone say, as StandardAuthorizer reads them: a denial wins, then one allowance for the whole of it, else no. For `topic *`
 * or a prefix, `refusedBy` are denials of any part. Super users and allow.everyone.if.no.acl.found are in no entry; an entry for
 * some hosts only counts as if it were for Reeve's.
 */
export function byEntries(
  acls: readonly AclEntry[],
  principal: string,
  access: Access
): { readonly granted: boolean; readonly refusedBy: readonly AclEntry[] } {
  const { resourceType, resourceName: name, pattern, operation } = access
  const everything = pattern === 'literal' && name === '*'
  const mine = acls.filter(entry => entry.resourceType === resourceType && (entry.principal === principal || entry.principal === 'User:*'))
  const part = (entry: AclEntry): boolean => everything || covers(entry, resourceType, name) || (pattern === 'prefixed' && entry.resourceName.startsWith(name))
  const whole = (entry: AclEntry): boolean =>
    (entry.pattern === 'literal' && entry.resourceName === '*') ||
    (!everything && (entry.pattern === 'prefixed' ? name.startsWith(entry.resourceName) : pattern === 'literal' && entry.resourceName === name))
  return {
    granted: mine.some(entry => whole(entry) && lets(entry, operation)),
    refusedBy: mine.filter(entry => entry.permission === 'deny' && part(entry) && [operation, 'all'].includes(entry.operation))
  }
}
