import { consequenceOf } from '#shared/audit/consequence/consequence.ts'
import { hasConsequence } from '#shared/audit/consequence/topic.ts'
import type { Acl, AclFacts, ConsequenceFacts, PartitionFacts, TopicFacts } from '#shared/audit/consequence/facts.ts'
import type { TopicView } from '#shared/domain/cluster-view.ts'
import { type JsonValue, sameJson } from '#shared/domain/json.ts'
import type { Difference } from '#shared/kafka/metadata-log/decode/describe.ts'
import { KafkaFault } from '#shared/kafka/errors.ts'
import type { Admin } from '#shared/kafka/ports.ts'
import type { Log } from '#shared/telemetry/log.ts'

type Asked = Pick<Admin, 'scan' | 'topicConfigs' | 'acls' | 'offsetForTimestamp'>

/** Partitions of one topic of which the moment is looked up that a change of retention makes deletable; of the others it is unknown. */
const mostLookUps = 50

/** What the cluster says now is no consequence of a change that is older; and a log that is read from its beginning tells of thousands. */
const mostAgeMs = 60_000
const tooOld: JsonValue = { unknown: 'The change was read long after it was made, and what the cluster says by now was not asked.' }

const retentionSetting = 'retention.ms'

/** What a change makes of the cluster, by what the cluster says at this moment. Keeps the last look, for topics that are gone when their deletion is read. */
export class Consequences {
  readonly #admin: Asked
  readonly #log: Log
  /** By name, as they were last seen. */
  #seen = new Map<string, { readonly atMs: number; readonly topic: TopicView }>()

  constructor(admin: Asked, log: Log) {
    this.#admin = admin
    this.#log = log
  }

  /** A scan of the topics that also is what deletions are judged by. */
  async scan(options: { atMs: number }): ReturnType<Admin['scan']> {
    const view = await this.#admin.scan({ ...options, groups: false })
    this.#seen = new Map([...view.topics].map(([name, topic]) => [name, { atMs: view.atMs, topic }]))
    return view
  }

  /** What follows of a change. What cannot be asked is unknown, and the event says so; it never keeps the event back. */
  async of(change: Difference, timestampMs: number): Promise<JsonValue> {
    if (isAsked(change) && Date.now() - timestampMs > mostAgeMs) return tooOld
    return consequenceOf(change, timestampMs, await this.#factsFor(change, timestampMs))
  }

  async #factsFor(change: Difference, timestampMs: number): Promise<ConsequenceFacts> {
    const { kind, resource } = change
    try {
      if (kind === 'topic-deleted') return { topic: this.#topicSeen(resource.id), acls: null }
      if (!isAsked(change)) return { topic: null, acls: null }
      if (kind === 'config-changed') return { topic: await this.#topicNow(resource.name!, change, timestampMs), acls: null }
      return { topic: null, acls: await this.#acls(change) }
    } catch (error) {
      if (!(error instanceof KafkaFault)) throw error
      this.#log.warn({ change: kind }, `what follows of a change is not known: ${error.message}`)
    }
    return { topic: null, acls: null }
  }

  #topicSeen(topicId: string | null): TopicFacts | null {
    const seen = [...this.#seen.values()].find(({ topic }) => topic.topicId === topicId)
    if (seen === undefined) return null
    const { partitions } = seen.topic
    return { atMs: seen.atMs, partitions: partitions.map(partitionFacts), partitionCount: partitions.length, defaults: {}, configs: {} }
  }

  async #topicNow(name: string, { before, after }: Difference, timestampMs: number): Promise<TopicFacts | null> {
    const atMs = Date.now()
    const topic = (await this.#admin.scan({ atMs, groups: false, topics: [name] })).topics.get(name)
    if (topic === undefined) return null
    this.#seen.set(name, { atMs, topic })
    const settings = [...((await this.#admin.topicConfigs([name])).value.get(name) ?? [])].flatMap(([key, { value, isDefault }]) =>
      value === null ? [] : [{ key, value, isDefault }]
    )
    const changed = (before ?? {}) as Readonly<Record<string, JsonValue>>
    const own = new Map(settings.filter(({ isDefault, key }) => !isDefault && !(key in changed)).map(({ key, value }) => [key, value]))
    for (const [key, value] of Object.entries(changed)) if (typeof value === 'string') own.set(key, value)
    const defaults = Object.fromEntries(settings.filter(({ isDefault }) => isDefault).map(({ key, value }) => [key, value]))
    const overridden = Object.keys(changed).filter(key => changed[key] === null && !Object.hasOwn(defaults, key))
    if (overridden.length > 0) Object.assign(defaults, await this.#defaultsOf(overridden, name))
    const retentionMsIn = (side: JsonValue): number => {
      const said = (side ?? {}) as Readonly<Record<string, JsonValue>>
      const value = Object.hasOwn(said, retentionSetting) ? said[retentionSetting] : own.get(retentionSetting)
      return Number(value ?? defaults[retentionSetting] ?? Number.NaN)
    }
    // Of the old retention too: what that made deletable before is none of this change's.
    const retentions = [retentionMsIn(after), retentionMsIn(before)].filter(retentionMs => retentionMs >= 0)
    const cutsMs = [...new Set(retentions)].map(retentionMs => Math.max(0, timestampMs - retentionMs))
    const partitions = topic.partitions.map(partitionFacts)
    if (partitions.length <= mostLookUps) {
      for (const [index, facts] of partitions.entries()) {
        const offsetsFrom = []
        for (const cutMs of cutsMs) offsetsFrom.push({ timestampMs: cutMs, offset: await this.#admin.offsetForTimestamp(name, facts.partition, cutMs) })
        partitions[index] = { ...facts, offsetsFrom }
      }
    }
    return { atMs, partitions, partitionCount: topic.partitions.length, defaults, configs: Object.fromEntries(own) }
  }

  /** The brokers' defaults of settings that a topic overrides now, from topics that do not. Those that no topic shows are left out. */
  async #defaultsOf(keys: readonly string[], name: string): Promise<Record<string, string>> {
    if (this.#seen.size < 2) await this.scan({ atMs: Date.now() })
    const others = [...this.#seen.keys()].filter(other => other !== name).slice(0, mostLookUps)
    const { value: configs } = await this.#admin.topicConfigs(others)
    const found = keys.flatMap(key => {
      const shown = [...configs.values()].map(settings => settings.get(key)).find(setting => setting?.isDefault && setting.value !== null)
      return shown ? [[key, shown.value!] as const] : []
    })
    return Object.fromEntries(found)
  }

  async #acls({ before, after }: Difference): Promise<AclFacts> {
    const own = after ?? before
    const others = (await this.#admin.acls()).filter(entry => !sameJson({ ...entry }, own)) as readonly Acl[]
    return { others, allowEveryone: null, superUsers: null }
  }
}

/** Whether the cluster is asked for what follows of a change. */
function isAsked({ kind, resource, before, after }: Difference): boolean {
  if (kind === 'acl-added' || kind === 'acl-removed') return true
  return kind === 'config-changed' && resource.type === 'topic' && Object.keys({ ...(before as object), ...(after as object) }).some(hasConsequence)
}

function partitionFacts({ partition, logStartOffset, highWatermark }: TopicView['partitions'][number]): PartitionFacts {
  return { partition, logStartOffset, logEndOffset: highWatermark, sizeBytes: null, newestMs: null, offsetsFrom: [] }
}
