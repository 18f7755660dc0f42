import { KafkaFault } from '../kafka/errors.ts'
import type { Admin } from '../kafka/ports.ts'
import type { Asked, GuardFacts } from './guard.ts'

/** Reads what the guard judges, by describing alone. What the principal may not see comes back with why. */
export async function readGuardFacts(
  admin: Pick<Admin, 'scan' | 'configs' | 'acls'>,
  about: { readonly topic: string; readonly partitions: number; readonly writer: string; readonly atMs: number }
): Promise<GuardFacts> {
  const { topic, partitions, writer, atMs } = about
  const view = await ask(() => admin.scan({ atMs, groups: false }))
  const brokerIds = 'value' in view ? view.value.brokers.map(({ id }) => String(id)) : []
  const acls = await ask(() => admin.acls())
  const settings = await ask(() => admin.configs([{ kind: 'topic', name: topic }, ...brokerIds.map(name => ({ kind: 'broker' as const, name }))]))
  const unseen = (kind: string): string =>
    'why' in settings ? settings.why : (settings.value.unseen.find(({ id }) => id.startsWith(`${kind}:`))?.why ?? 'the cluster did not list them')
  const ofTopic = 'value' in settings ? settings.value.value.get(`topic:${topic}`) : undefined
  const ofBrokers = 'value' in settings ? new Map([...settings.value.value].filter(([id]) => id.startsWith('broker:'))) : new Map()
  const found = 'value' in view ? view.value.topics.get(topic) : undefined
  const hidden =
    'value' in view ? view.value.unseen.find(({ kind, id }) => (kind === 'topics' || kind === 'topic') && (id === topic || id === 'all')) : undefined
  return {
    topic,
    partitions,
    writer,
    brokers: brokerIds.length,
    found:
      'why' in view
        ? view
        : hidden
          ? { why: hidden.why }
          : { value: found ? { partitions: found.partitions.length, replicationFactors: found.partitions.map(({ replicas }) => replicas) } : null },
    topicSettings: ofTopic ? { value: ofTopic } : { why: unseen('topic') },
    brokerSettings: ofBrokers.size > 0 && ofBrokers.size === brokerIds.length ? { value: ofBrokers } : { why: unseen('broker') },
    acls
  }
}

async function ask<T>(question: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { value: await question() }
  } catch (error) {
    if (!(error instanceof KafkaFault)) throw error
    return { why: error.message }
  }
}
