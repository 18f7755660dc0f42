import type { JsonValue } from '../../domain/json.ts'
import type { Acl, AclFacts } from './facts.ts'

/** What an operation brings along (StandardAuthorizer): who may read, write, delete or alter may describe too; a DENY of these does not. */
const implied: Readonly<Record<string, readonly string[]>> = {
  read: ['describe'],
  write: ['describe'],
  delete: ['describe'],
  alter: ['describe'],
  'alter-configs': ['describe-configs']
}

const everybody = 'User:*'
const anyResource = '*'

/** Who gains or loses what by an ACL that was added or removed. */
export function aclConsequence(acl: Acl, change: 'added' | 'removed', facts: AclFacts | null): JsonValue {
  if (facts === null) return { unknown: 'The other ACLs could not be read.' }
  const allows = acl.permission === 'allow'
  const gives = allows === (change === 'added')
  const others = facts.others.filter(other => !sameAcl(other, acl))
  const [same, against] = [others.filter(({ permission }) => permission === acl.permission), others.filter(({ permission }) => permission !== acl.permission)]
  const world = everybodyElse(acl, change, others, facts.allowEveryone)
  const { principal, host, resourceType, resourceName, pattern } = acl
  const answer = (effect: string, operations: readonly string[], why: string, because: readonly Acl[] = []): JsonValue => ({
    effect,
    why,
    principal,
    host,
    operations,
    resourceType,
    resourceName,
    pattern,
    because: [...new Set(because.map(text))].sort(),
    everybodyElse: world
  })
  // Each operation that comes along is judged for itself: a DENY of WRITE leaves DESCRIBE.
  const parts = [acl.operation, ...(allows ? (implied[acl.operation] ?? []) : [])].map(operation => ({ ...acl, operation }))
  const operations = parts.map(({ operation }) => operation)
  if (facts.superUsers?.includes(principal)) return answer('nothing', operations, 'ACLs do not concern a super user.')
  const uncovered = parts.filter(part => !same.some(other => covers(other, part)))
  if (uncovered.length === 0) {
    const covering = same.filter(other => parts.some(part => covers(other, part)))
    return answer('nothing', operations, change === 'added' ? 'Other ACLs say as much already.' : 'Other ACLs still say as much.', covering)
  }
  if (allows) {
    const left = uncovered.filter(part => !against.some(other => covers(other, part)))
    if (left.length === 0)
      return answer(
        'nothing',
        operations,
        'Other ACLs deny it, and a DENY wins.',
        against.filter(other => uncovered.some(part => covers(other, part)))
      )
    const exceptions = against.filter(other => parts.some(part => overlaps(other, part)))
    const why = exceptions.length > 0 ? 'But for what other ACLs deny.' : 'No other ACL says so or denies it.'
    return answer(
      gives ? 'gains' : 'loses',
      left.map(({ operation }) => operation),
      why,
      exceptions
    )
  }
  const allowing = against.filter(other => overlaps(other, acl))
  if (allowing.length > 0) return answer(gives ? 'gains' : 'loses', operations, 'As far as other ACLs allow it.', allowing)
  if (facts.allowEveryone === false) return answer('nothing', operations, 'No other ACL allows it, and what is not allowed is denied.')
  const effect = facts.allowEveryone === null ? 'unknown' : gives ? 'gains' : 'loses'
  return answer(effect, operations, 'No other ACL allows it; whether everybody may depends on allow.everyone.if.no.acl.found.')
}

/** Where everybody may do what no ACL speaks of, the first ACL of a resource takes it from all others, and the last gives it back. */
function everybodyElse(acl: Acl, change: 'added' | 'removed', others: readonly Acl[], allowEveryone: boolean | null): string {
  if (allowEveryone === false) return 'unchanged'
  const spoken = others.some(other => other.resourceType === acl.resourceType && reaches(other, acl))
  if (spoken) return 'unchanged'
  const effect = change === 'added' ? 'loses access to resources that no other ACL speaks of' : 'gains access to resources that no other ACL speaks of'
  return allowEveryone === null ? `unknown: where allow.everyone.if.no.acl.found is true everybody ${effect}` : effect
}

/** Whether the one says all that the other does. */
function covers(one: Acl, other: Acl): boolean {
  const operation =
    one.operation === 'all' || one.operation === other.operation || (one.permission === 'allow' && (implied[one.operation] ?? []).includes(other.operation))
  return (
    operation &&
    wide(one.principal, other.principal, everybody) &&
    wide(one.host, other.host, '*') &&
    one.resourceType === other.resourceType &&
    reaches(one, other)
  )
}

/** Whether the resources of the one hold those of the other. */
function reaches(one: Acl, other: Acl): boolean {
  if (one.pattern === 'prefixed')
    return other.resourceName.startsWith(one.resourceName) && !(other.pattern === 'literal' && other.resourceName === anyResource && one.resourceName !== '')
  if (one.resourceName === anyResource) return true
  return other.pattern === 'literal' && one.resourceName === other.resourceName
}

function overlaps(one: Acl, other: Acl): boolean {
  const operations = one.operation === 'all' || other.operation === 'all' || one.operation === other.operation || bring(one, other) || bring(other, one)
  const principals = one.principal === other.principal || one.principal === everybody || other.principal === everybody
  const hosts = one.host === other.host || one.host === '*' || other.host === '*'
  return operations && principals && hosts && one.resourceType === other.resourceType && (reaches(one, other) || reaches(other, one))
}

function bring(one: Acl, other: Acl): boolean {
  return one.permission === 'allow' && (implied[one.operation] ?? []).includes(other.operation)
}

function wide(one: string, other: string, all: string): boolean {
  return one === all || one === other
}

function sameAcl(one: Acl, other: Acl): boolean {
  return text(one) === text(other)
}

function text({ permission, principal, operation, resourceType, pattern, resourceName, host }: Acl): string {
  return `${permission} ${principal} ${operation} on ${resourceType}:${pattern}:${resourceName} from ${host}`
}
