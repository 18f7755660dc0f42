/** What `kafka.authorizer.logger` says in one message (StandardAuthorizer of Kafka 4.0 to 4.4). Allowed is not done: it is asked before. */
export interface AuthorizerFacts {
  /** For example `User:app`. */
  readonly principal: string
  readonly allowed: boolean
  /** Kafka's own word, for example READ or ALTER_CONFIGS. */
  readonly operation: string
  /** The client's address; a request that a broker passed on keeps the client's own. */
  readonly address: string
  /** Topic, Group, Cluster, TransactionalId, DelegationToken or User. */
  readonly resourceType: string
  readonly resourceName: string
  /** Name of the request, for example CreateTopics; Envelope where a broker passes one on. */
  readonly request: string
  /** How many items of the request this one line stands for. */
  readonly resourceRefCount: number
  /** SuperUser, DefaultAllow, DefaultDeny, or MatchingAcl(…). */
  readonly rule: string
}

export type AuthorizerReading = AuthorizerFacts | { readonly unreadable: 'not-an-authorizer-line' | 'ambiguous' }

const start = 'Principal = '
const heads = / is (Allowed|Denied) operation = ([A-Z_]{1,40}) from host = ([0-9A-Za-z.:%_-]{1,100}) on resource = ([A-Za-z]{1,40}):LITERAL:/g
const tails = / for request = ([A-Za-z]{1,60}) with resourceRefCount = (-?\d{1,10}) based on rule /g
/** Readings of a line with more places where names could end than this are not tried. */
const MOST_PLACES = 64

/**
 * Reads one message. Principals and names may hold any text, that of this very line too: every way to part it is tried, and where more than
 * one fits it is `ambiguous`.
 */
export function readAuthorizerMessage(message: string): AuthorizerReading {
  if (!message.startsWith(start)) return { unreadable: 'not-an-authorizer-line' }
  const headPlaces = places(heads, message)
  const tailPlaces = places(tails, message)
  if (headPlaces.length > MOST_PLACES || tailPlaces.length > MOST_PLACES) return { unreadable: 'ambiguous' }
  const readings: AuthorizerFacts[] = []
  for (const tail of tailPlaces) {
    const rule = message.slice(tail.index + tail[0].length)
    for (const head of headPlaces) {
      const nameAt = head.index + head[0].length
      if (nameAt > tail.index || head.index < start.length) continue
      const facts: AuthorizerFacts = {
        principal: message.slice(start.length, head.index),
        allowed: head[1] === 'Allowed',
        operation: head[2]!,
        address: head[3]!,
        resourceType: head[4]!,
        resourceName: message.slice(nameAt, tail.index),
        request: tail[1]!,
        resourceRefCount: Number(tail[2]),
        rule
      }
      if (agrees(facts)) readings.push(facts)
    }
  }
  const [only] = readings
  if (only === undefined) return { unreadable: 'not-an-authorizer-line' }
  return readings.length === 1 ? only : { unreadable: 'ambiguous' }
}

/** The places may overlap, so each search begins one character behind the last. */
function places(pattern: RegExp, message: string): RegExpExecArray[] {
  const found: RegExpExecArray[] = []
  pattern.lastIndex = 0
  for (let place = pattern.exec(message); place !== null && found.length <= MOST_PLACES; place = pattern.exec(message)) {
    found.push(place)
    pattern.lastIndex = place.index + 1
  }
  return found
}

/** Whether the rule can have led to what the line says; a text that was put into a name seldom does. */
function agrees({ principal, allowed, operation, resourceType, resourceName, rule }: AuthorizerFacts): boolean {
  if (!/^[^:]+:/.test(principal)) return false
  if (rule === 'SuperUser' || rule === 'DefaultAllow') return allowed
  if (rule === 'DefaultDeny') return !allowed
  return aclAgrees(rule, { principal, allowed, operation, resourceType, resourceName })
}

/** Kafka up to 4.3 writes StandardAcl(…), 4.4 StandardAcl[…]. */
const aclStart = /^MatchingAcl\(acl=StandardAcl[[(]resourceType=([A-Z_]{1,40}), resourceName=/
const aclEnd = /, host=[^,]{1,100}, operation=[A-Z_]{1,40}, permissionType=(ALLOW|DENY)[\])]\)$/

/** The names in an ACL may hold any text too, so it is looked at from both ends, with what must stand there. */
function aclAgrees(rule: string, facts: Omit<AuthorizerFacts, 'address' | 'request' | 'resourceRefCount' | 'rule'>): boolean {
  const begun = aclStart.exec(rule)
  const ended = aclEnd.exec(rule.slice(-400))
  if (begun === null || ended === null || begun[1]!.replaceAll('_', '') !== facts.resourceType.toUpperCase()) return false
  if (facts.allowed !== (ended[1] === 'ALLOW')) return false
  const between = rule.slice(begun[0].length, rule.length - ended[0].length)
  return [facts.principal, 'User:*'].some(
    who =>
      between === `${facts.resourceName}, patternType=LITERAL, principal=${who}` ||
      between === `*, patternType=LITERAL, principal=${who}` ||
      prefixed(between, facts.resourceName, who)
  )
}

function prefixed(between: string, resourceName: string, who: string): boolean {
  const end = `, patternType=PREFIXED, principal=${who}`
  return between.endsWith(end) && resourceName.startsWith(between.slice(0, -end.length))
}
