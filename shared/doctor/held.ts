import type { Right } from '../engine/rights.ts'
import type { AclEntry } from '../kafka/ports.ts'
import { byEntries, covers } from './acl.ts'
import { known, type PrincipalFacts } from './facts.ts'

/** Whether a principal has a right: the brokers' own word where they give it, else the ACLs; null where neither could be seen. */
export interface Held {
  readonly right: Right
  readonly held: boolean | null
  /** Topics for which it does not hold although it does for topics in general. */
  readonly except: readonly string[]
  readonly refusedBy: readonly AclEntry[]
}

export function heldRights(principal: PrincipalFacts, acls: readonly AclEntry[] | null): readonly Held[] {
  const authority = authorityOf(principal, acls)
  return principal.rights.map(right => {
    const entries = acls && byEntries(acls, principal.principal, accessOf(right))
    const said = brokersSay(principal, right)
    const except = said?.except ?? []
    const refusedBy = said?.held === true && except.length === 0 ? [] : (entries?.refusedBy ?? [])
    if (said?.held !== undefined) return { right, held: said.held && except.length === 0, except, refusedBy }
    if ('why' in principal.connected || entries === null) return { right, held: null, except, refusedBy }
    // No request tells WRITE on a transactional id without using it.
    const granted = entries.granted || authority === 'super' || authority === 'everyone' || authority === 'either'
    return { right, held: granted && refusedBy.length === 0, except, refusedBy }
  })
}

/** Where rights come from that no entry gives: `either` where it cannot be told which. `listed`: the entries explain everything. */
export type Authority = 'listed' | 'super' | 'everyone' | 'either' | 'unknown'

const onTopics = ['read', 'write', 'create', 'delete', 'alter', 'describe', 'describe-configs', 'alter-configs']
const onCluster = ['create', 'alter', 'describe', 'cluster-action', 'describe-configs', 'alter-configs', 'idempotent-write']

/**
 * Tells a super user from allow.everyone.if.no.acl.found=true, which brokers never show: both may what no entry allows, but only a
 * super user where an entry for somebody else exists, and only he lacks nothing.
 */
export function authorityOf(principal: PrincipalFacts, acls: readonly AclEntry[] | null): Authority {
  const cluster = known(principal.cluster)
  const topics = known(principal.named)
  if (acls === null || cluster === null || topics === null) return 'unknown'
  const places = [
    { type: 'cluster' as const, name: 'kafka-cluster', has: cluster, all: onCluster },
    ...[...topics].map(([name, { operations }]) => ({ type: 'topic' as const, name, has: operations, all: onTopics }))
  ]
  const lacks = places.some(({ has, all }) => all.some(operation => !has.has(operation)))
  const beyond = places.flatMap(({ type, name, has }) => {
    const allowed = (operation: string) =>
      byEntries(acls, principal.principal, { resourceType: type, resourceName: name, pattern: 'literal', operation }).granted
    return [...has].some(operation => !allowed(operation)) ? [{ spokenOf: acls.some(entry => covers(entry, type, name)) }] : []
  })
  if (beyond.length === 0) return 'listed'
  if (lacks) return beyond.some(({ spokenOf }) => !spokenOf) ? 'everyone' : 'unknown'
  return beyond.some(({ spokenOf }) => spokenOf) ? 'super' : 'either'
}

export function accessOf({ resource, name, pattern, operation }: Right) {
  return { resourceType: resource, resourceName: name, pattern, operation }
}

/** Undefined `held` where no broker's answer tells. */
function brokersSay(
  { cluster, named, topics, describes, probes }: PrincipalFacts,
  { resource, name, pattern, operation }: Right
): { held: boolean | undefined; except: string[] } | null {
  if (resource === 'cluster') return { held: known(cluster)?.has(operation), except: [] }
  if (resource === 'topic') {
    const everything = pattern === 'literal' && name === '*'
    const asked = everything ? probes.anything : pattern === 'prefixed' ? probes.ours : name
    const held = known(named)?.get(asked)?.operations.has(operation)
    const refused = everything && held ? [...(known(topics) ?? [])].filter(([, { operations }]) => !operations.has(operation)) : []
    return { held, except: refused.map(([topic]) => topic) }
  }
  const describable = known(describes)?.get(`${resource} ${name === '*' ? probes.anything : name}`) ?? undefined
  if (operation === 'describe') return { held: describable, except: [] }
  return describable === false ? { held: false, except: [] } : null
}

/** `READ on topic reeve.state` */
export function rightText({ operation, resource, name, pattern }: Right): string {
  return `${operation.toUpperCase().replaceAll('-', '_')} on ${resource === 'cluster' ? 'the cluster' : `${resource} ${name}${pattern === 'prefixed' ? '*' : ''}`}`
}

/** `the engine (User:reeve-engine)` */
export function nameOf({ roles, principal }: PrincipalFacts): string {
  return `${roles.map(role => (role === 'engine' ? 'the engine' : role)).join(' and ')} (${principal})`
}
