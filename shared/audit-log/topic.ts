import { setTimeout as sleep } from 'node:timers/promises'
import type { TopicView } from '../domain/cluster-view.ts'
import { KafkaFault } from '../kafka/errors.ts'
import type { Admin, TopicSettings } from '../kafka/ports.ts'

/** Ten years of 365.25 days. */
const retentionMs = 315_576_000_000

/** What the audit topic must be, settings and all, where there are so many brokers. */
export function auditTopicSettings(
  name: string,
  partitions: number,
  brokers: number
): TopicSettings & { readonly replicationFactor: number; readonly configs: Readonly<Record<string, string>> } {
  const replicationFactor = Math.max(1, Math.min(brokers, 4))
  return {
    name,
    partitions,
    replicationFactor,
    configs: {
      'cleanup.policy': 'delete',
      'retention.ms': String(retentionMs),
      'retention.bytes': '-1',
      'compression.type': 'uncompressed',
      'message.timestamp.type': 'LogAppendTime',
      'min.insync.replicas': String(Math.max(1, replicationFactor - 1)),
      'unclean.leader.election.enable': 'false'
    }
  }
}

/** What is to be said aloud where there are too few brokers for four replicas of which three must have each record; null where there are enough. */
export function tooFewBrokers(brokers: number): string | null {
  if (brokers >= 4) return null
  const { replicationFactor, configs } = auditTopicSettings('', 1, brokers)
  return `${brokers} ${brokers === 1 ? 'broker' : 'brokers'}: the audit topic has ${replicationFactor} ${replicationFactor === 1 ? 'replica' : 'replicas'} and min.insync.replicas ${configs['min.insync.replicas']}; with four brokers it would have 4 and 3`
}

/** Creates the topic unless it is there; one that is there is left as it is, and its drift is the guard's to find. Throws KafkaFault. */
export async function createAuditTopic(
  admin: Pick<Admin, 'features' | 'createTopics'>,
  name: string,
  partitions: number
): Promise<{ readonly created: boolean }> {
  const { brokers } = await admin.features()
  const { created } = await admin.createTopics([auditTopicSettings(name, partitions, brokers)])
  return { created: created.length > 0 }
}

/** The topic, once a broker knows it and all that leads it: one that another has just made may be unknown for a moment. Throws KafkaFault. */
export async function auditTopicSeen(admin: Pick<Admin, 'scan'>, name: string, withinMs = 10_000): Promise<TopicView> {
  for (const late = performance.now() + withinMs; ; await sleep(50)) {
    const found = (await admin.scan({ atMs: Date.now(), groups: false, topics: [name] })).topics.get(name)
    if (found?.partitions.every(({ leader }) => leader !== null)) return found
    if (performance.now() > late) {
      const what = found === undefined ? 'it cannot be seen' : 'it has partitions without a leader'
      throw new KafkaFault('protocol', `${name}: ${what} after ${withinMs} ms`, { retriable: true })
    }
  }
}
