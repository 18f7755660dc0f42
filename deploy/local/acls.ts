import type { AclEntry } from '#shared/kafka/ports.ts'

/** One right, and why it is needed. `reeve.` stands for the configured prefix of Reeve's own topics. */
export interface Right {
  readonly resource: 'topic' | 'group' | 'cluster' | 'transactional-id'
  readonly name: string
  readonly pattern: 'literal' | 'prefixed'
  readonly operation: 'read' | 'write' | 'create' | 'describe' | 'describe-configs'
  readonly why: string
}
export type Role = 'engine' | 'consumer-guardian' | 'operator' | 'governed-consumer'

/**
 * What each principal needs, and nothing else: deploy/acls.md is this list for people. READ and WRITE imply DESCRIBE in Kafka. Nobody
 * needs CLUSTER_ACTION, ALTER, ALTER_CONFIGS or DELETE, and IDEMPOTENT_WRITE is not asked for since Kafka 3.0 (KIP-679).
 */
export const rights: Readonly<Record<Role, readonly Right[]>> = {
  engine: [
    right('cluster kafka-cluster', 'describe', 'the scan lists all groups, and learns whether any were left out'),
    right('topic *', 'describe', 'the scan reads metadata and offsets'),
    right('group *', 'describe', 'the scan reads members and commits'),
    right('topic reeve.*', 'create', 'makes the topics of Reeve that are missing; not needed where somebody made them'),
    ...each(['reeve.state', 'reeve.observations'], name => [
      right(`topic ${name}`, 'read', 'reads back what it wrote'),
      right(`topic ${name}`, 'write', 'only the leader writes, fenced')
    ]),
    right('topic reeve.journal', 'write', 'every intent and outcome, in the transaction of the state'),
    right('topic reeve.requests', 'read', 'hears what people asked'),
    right('transactional-id reeve.state', 'write', "the leader's fence (WRITE implies DESCRIBE)")
  ],
  'consumer-guardian': [
    right('topic *', 'read', 'reads one record at a committed position, to tell lag that can be read from markers and compacted tails; keeps nothing of it'),
    right('topic *', 'describe-configs', 'retention.ms and retention.bytes: a group is given back before retention passes its commit'),
    right('cluster kafka-cluster', 'describe', 'sizes of partitions, where a topic is kept by size'),
    right('topic reeve.control', 'write', 'the commands that the SDK obeys'),
    right('transactional-id reeve.control.consumer-guardian', 'write', 'fences a stale replica of this agent')
  ],
  operator: [
    ...each(['reeve.state', 'reeve.observations', 'reeve.journal'], name => [right(`topic ${name}`, 'read', 'plan, explain, journal')]),
    right('topic reeve.requests', 'write', 'resume, undo, approve, halt: whoever may write here may say them'),
    right('transactional-id reeve.requests.*', 'write', 'one transaction for each request')
  ],
  'governed-consumer': [right('topic reeve.control', 'read', 'the SDK reads the commands'), right('topic reeve.acks', 'write', 'the SDK acknowledges them')]
}

/** The entries of one role for one principal, for example `User:reeve-engine`. `prefix` is `topics.prefix` of the configuration. */
export function aclsOf(role: Role, principal: string, prefix = 'reeve'): AclEntry[] {
  return rights[role].map(({ resource, name, pattern, operation }) => ({
    resourceType: resource,
    resourceName: name.replace(/^reeve\./, `${prefix}.`),
    pattern,
    principal,
    host: '*',
    operation,
    permission: 'allow'
  }))
}

/** `topic reeve.*` is every name with that beginning; `topic *` every topic; else one name. */
function right(on: string, operation: Right['operation'], why: string): Right {
  const [resource, name] = on.split(' ') as [Right['resource'], string]
  const prefixed = name.length > 1 && name.endsWith('*')
  return { resource, name: prefixed ? name.slice(0, -1) : name, pattern: prefixed ? 'prefixed' : 'literal', operation, why }
}

function each(names: readonly string[], make: (name: string) => Right[]): Right[] {
  return names.flatMap(make)
}
