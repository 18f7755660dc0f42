import type { AclEntry } from '../kafka/ports.ts'

/** One right of a principal. `reeve.` at the start of a name stands for the configured prefix of Reeve's own topics. */
export interface Right {
  readonly resource: 'topic' | 'group' | 'cluster' | 'transactional-id'
  readonly name: string
  readonly pattern: 'literal' | 'prefixed'
  readonly operation: 'read' | 'write' | 'create' | 'describe' | 'describe-configs'
  readonly why: string
  /** What Reeve can do with it, together with the other rights that say the same. */
  readonly enables: string
}

/** Needed only where http.keys of the configuration has a key. */
export const passingOn = 'pass on what people say by a link, in Slack or by HTTP'

/**
 * What each principal needs, and nothing else; what an agent needs, it says itself. READ and WRITE imply DESCRIBE in Kafka. Nobody needs
 * CLUSTER_ACTION, ALTER, ALTER_CONFIGS or DELETE, and IDEMPOTENT_WRITE is not asked for since Kafka 3.0 (KIP-679).
 */
export const engineRights: readonly Right[] = [
  ...enabling('observe topics and groups', [
    right('cluster kafka-cluster', 'describe', 'the scan lists all groups, and learns whether any were left out'),
    right('topic *', 'describe', 'the scan reads metadata and offsets'),
    right('group *', 'describe', 'the scan reads members and commits')
  ]),
  ...enabling("create Reeve's topics", [right('topic reeve.*', 'create', 'makes the topics of Reeve that are missing; not needed where somebody made them')]),
  ...enabling('lead, remember and write the journal', [
    right('topic reeve.state', 'read', 'reads back what it wrote'),
    right('topic reeve.state', 'write', 'only the leader writes, fenced'),
    right('topic reeve.observations', 'read', 'reads back what it wrote'),
    right('topic reeve.observations', 'write', 'only the leader writes, fenced'),
    right('topic reeve.journal', 'write', 'every intent and outcome, in the transaction of the state'),
    right('transactional-id reeve.state', 'write', "the leader's fence (WRITE implies DESCRIBE)")
  ]),
  ...enabling('hear what people ask', [right('topic reeve.requests', 'read', 'hears what people asked')]),
  ...enabling(passingOn, [
    right('topic reeve.requests', 'write', 'links, buttons and HTTP requests; not needed without them'),
    right('transactional-id reeve.requests.*', 'write', 'one transaction for each of them'),
    right('topic reeve.journal', 'read', 'shows the person what came of it')
  ])
]

export const operatorRights: readonly Right[] = [
  ...enabling(
    'look at plan, state and journal',
    ['reeve.state', 'reeve.observations', 'reeve.journal'].map(name => right(`topic ${name}`, 'read', 'plan, explain, simulate, journal'))
  ),
  ...enabling('ask Reeve for something', [
    right('topic reeve.requests', 'write', 'resume, undo, approve, halt: whoever may write here may say them'),
    right('transactional-id reeve.requests.*', 'write', 'one transaction for each request')
  ])
]

export const governedConsumerRights: readonly Right[] = enabling('be paused by the SDK', [
  right('topic reeve.control', 'read', 'the SDK reads the commands'),
  right('topic reeve.acks', 'write', 'the SDK acknowledges them')
])

/** Reeve runs without these; they let `reeve doctor` say more. */
export const doctorRights: readonly Right[] = enabling('examine the brokers', [
  right('cluster kafka-cluster', 'describe-configs', "the brokers' settings, and quotas that others set"),
  right('topic reeve.*', 'describe-configs', "the settings of Reeve's own topics")
])

/** `topic reeve.*` is every name with that beginning; `topic *` every topic; else one name. */
export function right(on: string, operation: Right['operation'], why: string): Omit<Right, 'enables'> {
  const [resource, name] = on.split(' ') as [Right['resource'], string]
  const prefixed = name.length > 1 && name.endsWith('*')
  return { resource, name: prefixed ? name.slice(0, -1) : name, pattern: prefixed ? 'prefixed' : 'literal', operation, why }
}

export function enabling(enables: string, rights: readonly Omit<Right, 'enables'>[]): Right[] {
  return rights.map(each => ({ ...each, enables }))
}

/** The same rights where `topics.prefix` of the configuration is another. */
export function withPrefix(rights: readonly Right[], prefix: string): Right[] {
  return rights.map(each => ({ ...each, name: each.name.replace(/^reeve\./, `${prefix}.`) }))
}

/** The entries that give these rights to one principal, for example `User:reeve-engine`. */
export function aclsFor(rights: readonly Right[], principal: string, prefix = 'reeve'): AclEntry[] {
  return withPrefix(rights, prefix).map(({ resource, name, pattern, operation }) => ({
    resourceType: resource,
    resourceName: name,
    pattern,
    principal,
    host: '*',
    operation,
    permission: 'allow'
  }))
}
