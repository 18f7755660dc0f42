import { transactionalIdOf } from '#shared/audit-log/place.ts'
import { enabling, right, type Right } from '#shared/engine/rights.ts'
import type { Policy } from './policy.ts'

/**
 * What this agent's principal needs at the brokers. Reading the metadata log needs CLUSTER_ACTION at the controllers, which is as much as being
 * a broker: a principal of its own, with that right alone, and only where the policy names `metadata`.
 */
export function rights({ topic, continues, logs, journal }: Pick<Policy, 'topic' | 'continues' | 'logs' | 'journal'>): readonly Right[] {
  const lines = logs.flatMap(log => (log.topic === undefined ? [] : [right(`topic ${log.topic}`, 'read', 'lines of a log that a forwarder put there')]))
  return [
    ...enabling('write the audit log', [
      right(`topic ${topic}`, 'write', 'the only writer; nobody needs DELETE, ALTER or ALTER_CONFIGS on it, this agent included'),
      right(`topic ${topic}`, 'read', 'finds the end of the chain behind the fence'),
      right(`topic ${topic}`, 'create', 'makes the topic where it is missing; not needed where somebody made it'),
      right(`transactional-id ${transactionalIdOf({ topic })}`, 'write', 'fences every other writer of the log')
    ]),
    ...enabling(
      'end the topic that this one continues',
      continues === undefined
        ? []
        : [
            right(`topic ${continues}`, 'write', 'writes its last checkpoint; whoever wrote it has these rights already'),
            right(`topic ${continues}`, 'read', 'finds its end behind the fence'),
            right(`transactional-id ${transactionalIdOf({ topic: continues })}`, 'write', 'fences whoever still writes it')
          ]
    ),
    ...enabling('go on exactly where it stopped', [
      right('topic reeve.audit-mirror', 'write', 'where its sources stand, in the transaction of the events'),
      right('topic reeve.audit-mirror', 'read', 'reads back where its sources stood'),
      right('topic reeve.audit-mirror', 'create', 'makes the topic where it is missing')
    ]),
    ...enabling("mirror Reeve's own journal", journal ? [right('topic reeve.journal', 'read', "Reeve's own acts are part of the log")] : []),
    ...enabling('mirror what brokers log', lines),
    ...enabling('see changes of the cluster, and who could destroy the log', [
      right('topic *', 'describe', 'topics and offsets: what a change of retention makes deletable'),
      right('topic *', 'describe-configs', 'settings of topics, the audit topic among them'),
      right('cluster kafka-cluster', 'describe', 'ACLs, which show who could destroy the log'),
      right('cluster kafka-cluster', 'describe-configs', 'quotas, and whether a topic without ACLs is open to everybody')
    ])
  ]
}
