import { enabling, right, type Right } from '#shared/engine/rights.ts'

/**
 * What this agent's principal needs at the brokers. Reading the metadata log needs CLUSTER_ACTION at the controllers, which is as much as being
 * a broker: a principal of its own, with that right alone, and only where the policy names `metadata`.
 */
export const rights: readonly Right[] = [
  ...enabling('write the audit log', [
    right('topic audit.platform-operations', 'write', 'the only writer; nobody needs DELETE, ALTER or ALTER_CONFIGS on it, this agent included'),
    right('topic audit.platform-operations', 'read', 'finds the end of the chain behind the fence'),
    right('topic audit.platform-operations', 'create', 'makes the topic where it is missing; not needed where somebody made it'),
    right('transactional-id reeve.audit-audit.platform-operations-0', 'write', 'fences every other writer of the log')
  ]),
  ...enabling('go on exactly where it stopped', [
    right('topic reeve.audit-mirror', 'write', 'where its sources stand, in the transaction of the events'),
    right('topic reeve.audit-mirror', 'read', 'reads back where its sources stood'),
    right('topic reeve.audit-mirror', 'create', 'makes the topic where it is missing')
  ]),
  ...enabling("mirror Reeve's own journal", [right('topic reeve.journal', 'read', "Reeve's own acts are part of the log")]),
  ...enabling('see changes of the cluster, and who could destroy the log', [
    right('topic *', 'describe', 'topics and offsets: what a change of retention makes deletable'),
    right('topic *', 'describe-configs', 'settings of topics, the audit topic among them'),
    right('cluster kafka-cluster', 'describe', 'ACLs and the topics that a look covers'),
    right('cluster kafka-cluster', 'describe-configs', 'quotas, and whether a topic without ACLs is open to everybody')
  ])
]
