import { keysOf } from '../../config/http-schema.ts'
import { aclsFor, passingOn, type Right } from '../../engine/rights.ts'
import type { AclEntry } from '../../kafka/ports.ts'
import { addAcls, removeAcls } from '../commands.ts'
import { existing, type Facts, known, type PrincipalFacts } from '../facts.ts'
import { counted, type Finding, inArea, listed } from '../finding.ts'
import { authorityOf, type Held, heldRights, nameOf, rightText } from '../held.ts'

const finding = inArea('rights')

/** What each principal of Reeve's may not do and should; what nobody could tell is unknown. */
export function rightsFindings(facts: Facts): Finding[] {
  return facts.principals.flatMap(principal => {
    if ('why' in principal.connected) return notConnected(principal, principal.connected)
    const held = heldRights(principal, known(facts.acls)).filter(({ right }) => isNeeded(facts, right))
    const found = [...missing(facts, principal, held), ...denied(facts, principal, held), ...unseen(facts, principal, held)]
    return found.length > 0 ? found : [finding('ok', 'rights-held', `${nameOf(principal)} has the ${counted(held.length, 'right')} that it needs`)]
  })
}

/** CREATE only while a topic of Reeve's is missing (of audit logs it is said apart), and what serves people only where something is served to them. */
function isNeeded(facts: Facts, { name, operation, enables }: Right): boolean {
  if (operation === 'create' && facts.audits.some(({ ground, memory }) => [ground.topic, memory.name].includes(name))) return false
  if (operation === 'create') return [...existing(facts).values()].some(exists => exists !== true)
  return enables !== passingOn || keysOf(facts.config.http).length > 0
}

function notConnected(principal: PrincipalFacts, { why, kind }: { readonly why: string; readonly kind?: string }): Finding[] {
  const own = principal.roles.find(role => role !== 'engine')
  const place = principal.roles.includes('engine') ? 'cluster.sasl' : `agents.${own}.sasl`
  if (kind === 'authentication')
    return [
      finding('error', 'principal-refused', `the brokers do not let ${nameOf(principal)} in: ${why}`, `What it should do, nobody does.`, [
        `check the mechanism, user and password in ${place}, and that the user exists: kafka-configs --describe --entity-type users`
      ])
    ]
  return [
    finding('unknown', 'rights-unknown', `what ${nameOf(principal)} may do is not known: ${why}`, [], `check ${place}, cluster.tls and the connections above`)
  ]
}

function missing({ config, acls, principals }: Facts, principal: PrincipalFacts, held: readonly Held[]): Finding[] {
  const lacking = held.filter(each => each.held === false && each.refusedBy.length === 0)
  if (lacking.length === 0) return []
  const why = lacking.map(each => `${rightText(each.right)}${extent(each, principal)}: ${each.right.why}`)
  return [
    finding(
      'error',
      'right-missing',
      `${nameOf(principal)} lacks ${lacking.length} of the ${counted(held.length, 'right')} that it needs`,
      [...why, ...trap(principals, known(acls))],
      addAcls(config.cluster.brokers, entriesFor(principal, lacking))
    )
  ]
}

function denied({ config }: Facts, principal: PrincipalFacts, held: readonly Held[]): Finding[] {
  const refused = held.filter(each => each.held !== true && each.refusedBy.length > 0)
  if (refused.length === 0) return []
  const entries = [...new Set(refused.flatMap(({ refusedBy }) => refusedBy))]
  return [
    finding(
      'error',
      'right-denied',
      `an ACL that denies takes from ${nameOf(principal)} what it needs`,
      refused.map(each => `${rightText(each.right)}${extent(each, principal)}: ${each.right.why}`),
      removeAcls(config.cluster.brokers, entries)
    )
  ]
}

function unseen({ config, acls }: Facts, principal: PrincipalFacts, held: readonly Held[]): Finding[] {
  const nobodyAsks = 'why' in acls && acls.why.includes('SECURITY_DISABLED')
  const unknown = nobodyAsks ? [] : held.filter(each => each.held === null)
  if (unknown.length === 0) return []
  return [
    finding(
      'unknown',
      'rights-unknown',
      `whether ${nameOf(principal)} has ${unknown.length} of its ${counted(held.length, 'right')} is not known: ${'why' in acls ? acls.why : 'no broker said'}`,
      unknown.map(({ right }) => `${rightText(right)}: ${right.why}`),
      addAcls(config.cluster.brokers, entriesFor(principal, unknown))
    )
  ]
}

/** For a right on everything: where it holds all the same, or where it does not. */
function extent({ right, except }: Held, { topics }: PrincipalFacts): string {
  if (except.length > 0) return ` (not for ${listed(except)})`
  const seen = known(topics)
  if (right.resource !== 'topic' || right.name !== '*' || seen === null) return ''
  const on = [...seen.values()].filter(({ operations }) => operations.has(right.operation)).length
  return on > 0 ? ` (only for ${on} of the ${counted(seen.size, 'topic')} that it sees)` : ''
}

/** Where everybody may do what no ACL speaks of, the first ACL on a resource is a lock-out. It is safe where something was refused without an ACL. */
function trap(principals: readonly PrincipalFacts[], acls: readonly AclEntry[] | null): string[] {
  if (principals.some(principal => authorityOf(principal, acls) === 'listed')) return []
  return ['First make sure that allow.everyone.if.no.acl.found is false: where it is true, the first ACL on topic * or group * shuts out everybody else.']
}

function entriesFor({ principal }: PrincipalFacts, held: readonly Held[]): AclEntry[] {
  return aclsFor(
    held.map(({ right }) => right),
    principal
  )
}
