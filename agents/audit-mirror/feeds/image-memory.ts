import type { JsonValue } from '#shared/domain/json.ts'
import type { Memory, Remembered } from '#shared/engine/stream.ts'
import { topicConfigs } from '#shared/kafka/metadata-log/decode/apply.ts'
import { configsKey, emptyImage, type MetadataImage, type PartitionState } from '#shared/kafka/metadata-log/decode/image.ts'
import type { DecodedRecord } from '#shared/kafka/metadata-log/decode/record.ts'
import { touchOf } from '#shared/kafka/metadata-log/decode/touch.ts'

/**
 * The image of the cluster's metadata as it is remembered, so that a snapshot can be compared with it after a restart: one key a topic, and
 * one for each entry of the other sections. Leaders and in-sync replicas are not part of it: who leads is no audit event.
 */
const prefix = 'image/'
const sections = ['configs', 'acls', 'quotas', 'scramCredentials', 'features', 'brokers', 'controllers', 'delegationTokens'] as const

interface TopicMemory {
  readonly name: string
  readonly partitions: readonly (readonly [index: number, replicas: readonly number[], adding: readonly number[], removing: readonly number[]])[]
}

/** Of a partition that was remembered: who leads it is not. */
export const unknownState: Omit<PartitionState, 'replicas' | 'addingReplicas' | 'removingReplicas'> = {
  isr: [],
  leader: -1,
  leaderEpoch: -1,
  partitionEpoch: -1,
  leaderRecoveryState: 0,
  directories: [],
  eligibleLeaderReplicas: [],
  lastKnownElr: []
}

/** What these records, which the image holds by now, change of what is remembered. `deleted` are the names of topics that they removed. */
export function imageMemory(image: MetadataImage, records: Iterable<DecodedRecord>, deleted: Iterable<string>): Memory {
  const memory = new Map<string, JsonValue | null>()
  const put = (section: string, key: string, value: JsonValue | null): void => void memory.set(`${prefix}${section}/${key}`, value)
  for (const record of records) {
    const touch = touchOf(record, false)
    if (touch === null || touch.section === null) continue
    const { section, key } = touch
    put(section, key, section === 'topics' ? topicValue(image, key) : entryOf(image, section, key))
  }
  // A topic that goes takes its configs along, without a record of theirs.
  for (const name of deleted) {
    const key = configsKey(topicConfigs, name)
    put('configs', key, entryOf(image, 'configs', key))
  }
  return memory
}

/** All of it, and null for what was remembered and is not there any more. */
export function wholeImageMemory(image: MetadataImage, remembered: Iterable<string>): Memory {
  const memory = new Map<string, JsonValue | null>()
  for (const key of remembered) if (key.startsWith(prefix)) memory.set(key, null)
  for (const id of image.topics.keys()) memory.set(`${prefix}topics/${id}`, topicValue(image, id))
  for (const section of sections) for (const key of image[section].keys()) memory.set(`${prefix}${section}/${key}`, entryOf(image, section, key))
  return memory
}

/** The image that was remembered; null where none was. */
export function rememberedImage(remembered: Remembered): MetadataImage | null {
  const image = emptyImage()
  let found = false
  for (const [key, value] of remembered) {
    if (!key.startsWith(prefix)) continue
    found = true
    const [, section, name] = /^image\/([A-Za-z]+)\/(.*)$/s.exec(key)!
    if (section !== 'topics') {
      const into = image[section as (typeof sections)[number]] as Map<string, unknown>
      into.set(name!, value)
      continue
    }
    const topic = value as unknown as TopicMemory
    const partitions = topic.partitions.map(
      ([index, replicas, addingReplicas, removingReplicas]) => [index, { ...unknownState, replicas, addingReplicas, removingReplicas }] as const
    )
    image.topics.set(name!, { id: name!, name: topic.name, partitions: new Map(partitions) })
    image.topicIds.set(topic.name, name!)
  }
  return found ? image : null
}

function topicValue(image: MetadataImage, id: string): JsonValue | null {
  const topic = image.topics.get(id)
  if (!topic) return null
  const partitions = [...topic.partitions].map(([index, { replicas, addingReplicas, removingReplicas }]) => [index, replicas, addingReplicas, removingReplicas])
  return { name: topic.name, partitions }
}

function entryOf(image: MetadataImage, section: (typeof sections)[number], key: string): JsonValue | null {
  return (image[section].get(key) ?? null) as JsonValue | null
}
