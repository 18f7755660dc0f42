import { randomUUID } from 'node:crypto'
import type { ClusterView, TopicView } from '#shared/domain/cluster-view.ts'
import { KafkaFault } from '#shared/kafka/errors.ts'
import type { AclEntry, Admin, ConfigResource, ConfigValue, Incomplete, QuotaEntry } from '#shared/kafka/ports.ts'
import { clusterView } from './cluster-view.ts'

export interface FakeAdmin extends Admin {
  /** What the next scans see; `atMs` comes from the one who asks. */
  show(view: ClusterView): void
  /** The next call of this method throws. */
  failNext(method: keyof Admin, error: Error): void
  /** Methods that were called, in order, with their arguments. */
  readonly calls: readonly { readonly method: keyof Admin; readonly args: readonly unknown[] }[]
}

/** An Admin of a cluster in memory: what a test shows is what it scans; what is created, altered or deleted is seen afterwards. */
export function fakeAdmin(first: ClusterView = clusterView()): FakeAdmin {
  let view = first
  const failures = new Map<keyof Admin, Error[]>()
  const calls: { method: keyof Admin; args: readonly unknown[] }[] = []
  const configsOf = new Map<string, Record<string, string>>()
  const entries: AclEntry[] = []
  const quotaValues = new Map<string, QuotaEntry>()

  const called = (method: keyof Admin, ...args: unknown[]): void => {
    calls.push({ method, args })
    const error = failures.get(method)?.shift()
    if (error) throw error
  }
  const setTopics = (topics: ReadonlyMap<string, TopicView>): void => void (view = { ...view, topics })

  const configs = (resources: readonly ConfigResource[]): Incomplete<Map<string, Map<string, ConfigValue>>> => {
    const value = new Map<string, Map<string, ConfigValue>>()
    const unseen: { id: string; why: string }[] = []
    for (const { kind, name } of resources) {
      const id = `${kind}:${name}`
      if (kind === 'topic' && !view.topics.has(name)) unseen.push({ id, why: 'UNKNOWN_TOPIC_OR_PARTITION' })
      else value.set(id, new Map(Object.entries(configsOf.get(id) ?? {}).map(([key, text]) => [key, { value: text, isDefault: false, isSensitive: false }])))
    }
    return { value, unseen }
  }

  return {
    calls,
    show: shown => void (view = shown),
    failNext: (method, error) => void failures.set(method, [...(failures.get(method) ?? []), error]),

    async scan(options) {
      called('scan', options)
      options.signal?.throwIfAborted()
      const { atMs, topics: named } = options
      return { ...view, atMs, ...(named && { topics: new Map([...view.topics].filter(([name]) => named.includes(name))) }) }
    },
    async features() {
      called('features')
      return { clusterId: view.clusterId, finalized: { 'group.version': 1, 'transaction.version': 2 }, brokers: view.brokers.length }
    },
    async topicConfigs(topics) {
      called('topicConfigs', topics)
      const { value, unseen } = configs(topics.map(name => ({ kind: 'topic', name })))
      const name = (id: string) => id.slice('topic:'.length)
      return { value: new Map([...value].map(([id, values]) => [name(id), values])), unseen: unseen.map(({ id, why }) => ({ id: name(id), why })) }
    },
    async configs(resources) {
      called('configs', resources)
      return configs(resources)
    },
    async alterConfigs(resource, changes) {
      called('alterConfigs', resource, changes)
      const id = `${resource.kind}:${resource.name}`
      if (resource.kind === 'topic' && !view.topics.has(resource.name)) throw refused('UNKNOWN_TOPIC_OR_PARTITION', id)
      configsOf.set(id, changed(configsOf.get(id), changes))
    },
    async acls() {
      called('acls')
      return [...entries]
    },
    async createAcls(added) {
      called('createAcls', added)
      for (const entry of added) if (!entries.some(known => JSON.stringify(known) === JSON.stringify(entry))) entries.push(entry)
    },
    async quotas() {
      called('quotas')
      return [...quotaValues.values()].filter(({ values }) => Object.keys(values).length > 0)
    },
    async alterQuotas(entity, changes) {
      called('alterQuotas', entity, changes)
      for (const [key, value] of Object.entries(changes))
        if (!Number.isInteger(value ?? 0)) throw refused('INVALID_REQUEST', `${key} cannot be a fractional value`)
      const id = JSON.stringify(Object.entries(entity).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      quotaValues.set(id, { entity, values: changed(quotaValues.get(id)?.values, changes) })
    },
    async logDirs() {
      called('logDirs')
      return { value: [], unseen: [] }
    },
    async reassignments() {
      called('reassignments')
      return 0
    },
    async createTopics(topics) {
      called('createTopics', topics)
      const existed = topics.filter(({ name }) => view.topics.has(name)).map(({ name }) => name)
      const missing = topics.filter(({ name }) => !view.topics.has(name))
      const made = clusterView({
        brokers: view.brokers.map(broker => broker.id),
        topics: Object.fromEntries(
          missing.map(({ name, partitions }) => [name, { topicId: randomUUID(), partitions: Array.from({ length: partitions }, () => 0) }])
        )
      })
      setTopics(new Map([...view.topics, ...made.topics]))
      for (const { name, configs: given } of missing) configsOf.set(`topic:${name}`, { ...given })
      return { created: missing.map(({ name }) => name), existed }
    },
    async deleteTopicById(topicId) {
      called('deleteTopicById', topicId)
      const topic = [...view.topics.values()].find(known => known.topicId === topicId)
      if (!topic) throw refused('UNKNOWN_TOPIC_ID', topicId)
      setTopics(new Map([...view.topics].filter(([name]) => name !== topic.name)))
      configsOf.delete(`topic:${topic.name}`)
    },
    async offsetForTimestamp(topic, partition, timestampMs) {
      called('offsetForTimestamp', topic, partition, timestampMs)
      if (!view.topics.get(topic)?.partitions[partition]) throw refused('UNKNOWN_TOPIC_OR_PARTITION', `${topic}-${partition}`)
      return null
    },
    async close() {
      called('close')
    }
  }
}

function refused(apiError: string, where: string): KafkaFault {
  return new KafkaFault('protocol', `${where}: ${apiError}`, { apiError })
}

/** A copy with the changes applied; null takes a key away. */
function changed<Value>(before: Readonly<Record<string, Value>> | undefined, changes: Readonly<Record<string, Value | null>>): Record<string, Value> {
  const after: Record<string, Value> = { ...before }
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete after[key]
    else after[key] = value
  }
  return after
}
