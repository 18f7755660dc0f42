import { describeConfigsV4, incrementalAlterConfigsV1 } from '@platformatic/kafka'
import type { Cluster, Target } from '../cluster.ts'
import type { ConfigResource, ConfigValue, Incomplete } from '../ports.ts'
import { checkAnswer } from './faults.ts'
import { errorText, inPieces, reason } from './holes.ts'

const resourceTypes = { topic: 2, broker: 4, group: 32 } as const // ConfigResource.Type
const defaultSource = 5 // ConfigSource.DEFAULT_CONFIG
const operations = { set: 0, delete: 1 } as const // AlterConfigOp.OpType
const resourcesPerRequest = 500

type Configs = ReadonlyMap<string, ReadonlyMap<string, ConfigValue>>

/** Configs by `kind:name`, for example `topic:payments`. A name that the cluster does not know, or may not be seen, is in `unseen` and spoils no other. */
export async function configs(cluster: Cluster, resources: readonly ConfigResource[]): Promise<Incomplete<Configs>> {
  const value = new Map<string, ReadonlyMap<string, ConfigValue>>()
  const unseen: { id: string; why: string }[] = []
  for (const [target, all] of Map.groupBy(resources, targetOf))
    for (const batch of inPieces(all, resourcesPerRequest)) {
      const asked = new Map(batch.map(resource => [`${resourceTypes[resource.kind]}:${resource.name}`, `${resource.kind}:${resource.name}`]))
      try {
        const request = batch.map(({ kind, name }) => ({ resourceType: resourceTypes[kind], resourceName: name, configurationKeys: null }))
        const { results } = await cluster.request(target, describeConfigsV4.api, request, false, false)
        for (const { resourceType, resourceName, errorCode, errorMessage, configs: entries } of results) {
          const key = `${resourceType}:${resourceName}`
          const id = asked.get(key)
          if (id === undefined) continue
          asked.delete(key)
          if (errorCode !== 0) unseen.push({ id, why: errorText(errorCode, errorMessage) })
          else
            value.set(
              id,
              new Map(
                entries.map(entry => [
                  entry.name,
                  { value: entry.value ?? null, isDefault: entry.configSource === defaultSource, isSensitive: entry.isSensitive }
                ])
              )
            )
        }
        for (const id of asked.values()) unseen.push({ id, why: 'the answer left it out' })
      } catch (error) {
        const why = reason(error)
        for (const id of asked.values()) unseen.push({ id, why })
      }
    }
  return { value, unseen }
}

/** The same for topics, by name. */
export async function topicConfigs(cluster: Cluster, topics: readonly string[]): Promise<Incomplete<Configs>> {
  const { value, unseen } = await configs(
    cluster,
    [...new Set(topics)].map(name => ({ kind: 'topic', name }))
  )
  const name = (id: string) => id.slice('topic:'.length)
  return { value: new Map([...value].map(([id, entries]) => [name(id), entries])), unseen: unseen.map(({ id, why }) => ({ id: name(id), why })) }
}

/** Sets what is given and no other config (IncrementalAlterConfigs); null gives a config back to its default. */
export async function alterConfigs(cluster: Cluster, resource: ConfigResource, changes: Readonly<Record<string, string | null>>): Promise<void> {
  const entries = Object.entries(changes).map(([name, value]) =>
    value === null ? { name, configOperation: operations.delete } : { name, configOperation: operations.set, value }
  )
  if (entries.length === 0) return
  const request = [{ resourceType: resourceTypes[resource.kind], resourceName: resource.name, configs: entries }]
  const { responses } = await cluster.request(targetOf(resource), incrementalAlterConfigsV1.api, request, false)
  for (const { errorCode, errorMessage } of responses) checkAnswer(errorCode, errorMessage, `configs of ${resource.kind} ${resource.name}`)
}

/** A broker answers for its own configs only; the cluster-wide default (an empty name) and all else is for any broker. */
function targetOf({ kind, name }: ConfigResource): Target {
  return kind === 'broker' && /^\d+$/.test(name) ? Number(name) : 'any'
}
