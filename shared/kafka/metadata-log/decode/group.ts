import type { JsonValue } from '../../../domain/json.ts'
import type { CommittedRecord } from './change.ts'
import {
  addedView,
  byPartition,
  type ChangedResource,
  type Difference,
  leadershipView,
  membersOnly,
  replicasView,
  type Section,
  stateDifference,
  topicResource,
  topicView
} from './describe.ts'
import type { MetadataImage, PartitionState } from './image.ts'
import type { DecodedRecord } from './record.ts'
import type { Touch } from './touch.ts'

/** Records that are one change. */
export interface Group {
  /** Of its first record. */
  readonly touch: Touch
  readonly records: CommittedRecord[]
  /** The configs, quotas or partitions that its records name. */
  readonly parts: Set<string | number>
}

/** What a change is about, looked at just before its first record or just after its last. */
export interface Look {
  readonly resource: ChangedResource | null
  readonly view: JsonValue
  /** The entry of the image, where it is no topic. */
  readonly entry: unknown
}

export function look(image: MetadataImage, { touch: { section, key, kind }, parts }: Group): Look {
  if (section === null) return { resource: null, view: null, entry: undefined }
  if (section !== 'topics') return { resource: null, view: null, entry: image[section].get(key) }
  const topic = image.topics.get(key)
  if (!topic) return { resource: null, view: null, entry: undefined }
  const resource = topicResource(topic)
  const partitions = [...parts] as number[]
  switch (kind) {
    case 'partitions-added':
      return { resource, view: addedView(topic, partitions), entry: undefined }
    case 'partitions-reassigned':
      return { resource, view: byPartition(topic.partitions, partitions, replicasView), entry: undefined }
    case 'unclean-leader-elected':
      return { resource, view: byPartition(topic.partitions, partitions, wholeView), entry: undefined }
    case 'leader-or-isr-changed':
      return { resource, view: byPartition(topic.partitions, partitions, leadershipView), entry: undefined }
    default:
      return { resource, view: topicView(topic, image.configs), entry: undefined }
  }
}

/** One record may elect a leader and move the partition. */
const wholeView = (state: PartitionState): JsonValue => ({ ...state })

/** The kind is what the records say, also where they change nothing: that they were written is known to the controller's log alone. */
export function describeGroup(image: MetadataImage, group: Group, before: Look): Difference {
  const { kind, section, key } = group.touch
  const after = look(image, group)
  if (section === null) return describeRecord(image, group.touch, group.records[0]!.record)
  if (section === 'topics') {
    const resource = after.resource ?? before.resource ?? { type: 'topic', name: null, id: key }
    return { kind, resource, before: before.view, after: after.view }
  }
  const found = stateDifference(section, before.entry as never, after.entry as never, image.topicIds)
  if (!found) return { kind, resource: { type: unknownResources[section], name: null, id: key }, before: null, after: null }
  const valued = section === 'configs' || section === 'quotas'
  return { ...found, ...(valued && membersOnly(found.before, found.after, group.parts as Set<string>)), kind }
}

/** Where a record removes what is not in the image. */
const unknownResources: Readonly<Record<Section, string>> = {
  configs: 'config',
  quotas: 'quota',
  acls: 'acl',
  scramCredentials: 'user',
  features: 'feature',
  brokers: 'broker',
  controllers: 'controller',
  delegationTokens: 'delegation-token'
}

function describeRecord(image: MetadataImage, { kind, key }: Touch, record: DecodedRecord): Difference {
  const nothing = { before: null, after: null }
  if (kind === 'elr-cleared')
    return {
      kind,
      resource: key === '' ? { type: 'cluster', name: null, id: null } : { type: 'topic', name: key, id: image.topicIds.get(key) ?? null },
      ...nothing
    }
  const resource = { type: 'metadata-log', name: null, id: null }
  if (record.kind === 'known') return { kind, resource, before: null, after: { type: record.type, apiKey: record.apiKey, version: record.version } }
  const { reason, type, apiKey, version, lengthBytes, keyedHash, why } = record
  return { kind, resource, before: null, after: { reason, type, apiKey, version, lengthBytes, keyedHash, why } }
}
