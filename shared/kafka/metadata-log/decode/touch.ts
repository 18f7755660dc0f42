import { topicConfigs } from './apply.ts'
import type { ChangeKind, Section } from './describe.ts'
import { configsKey, quotaKey, scramKey } from './image.ts'
import type { DecodedRecord, KnownRecord } from './record.ts'

/** What a record is about: where it is in the image, and which part of it the record says. */
export interface Touch {
  readonly kind: ChangeKind
  readonly section: Section | 'topics' | null
  readonly key: string
  /** A config's or quota's name, or a partition: a second record for the same part is a second change. Null: never one change with another. */
  readonly part: string | number | null
  /** Of a topic, its configs and its eligible leaders: its name, because what a topic is created with belongs to that change. */
  readonly topicName: string | null
}

const unclean = 1
const fencings: Readonly<Record<number, ChangeKind>> = { [-1]: 'broker-unfenced', 1: 'broker-fenced' }

/** Null for routine: what Kafka does by itself all the time. Leaders and in-sync replicas are routine unless asked for, but an unclean election never is, and neither is what a later Kafka added. */
export function touchOf(record: DecodedRecord, leaderAndIsr: boolean): Touch | null {
  if (record.kind === 'unknown') return touch('unknown-record', null, '')
  return touchOfKnown(record, leaderAndIsr) ?? (record.unknownTags.length > 0 ? touch('unknown-record', null, '') : null)
}

function touchOfKnown({ type, fields }: KnownRecord, leaderAndIsr: boolean): Touch | null {
  switch (type) {
    case 'TopicRecord':
      return touch('topic-created', 'topics', fields.topicId, { topicName: fields.name })
    case 'RemoveTopicRecord':
      return touch('topic-deleted', 'topics', fields.topicId)
    case 'PartitionRecord':
      return touch('partitions-added', 'topics', fields.topicId, { part: fields.partitionId })
    case 'PartitionChangeRecord': {
      const part = fields.partitionId
      if (fields.leaderRecoveryState === unclean) return touch('unclean-leader-elected', 'topics', fields.topicId, { part })
      if (fields.replicas ?? fields.addingReplicas ?? fields.removingReplicas) return touch('partitions-reassigned', 'topics', fields.topicId, { part })
      return leaderAndIsr ? touch('leader-or-isr-changed', 'topics', fields.topicId, { part }) : null
    }
    case 'ClearElrRecord':
      return touch('elr-cleared', null, fields.topicName, { topicName: fields.topicName === '' ? null : fields.topicName })
    case 'ConfigRecord': {
      const { resourceType, resourceName } = fields
      return touch('config-changed', 'configs', configsKey(resourceType, resourceName), {
        part: fields.name,
        topicName: resourceType === topicConfigs ? resourceName : null
      })
    }
    case 'ClientQuotaRecord':
      return touch('quota-changed', 'quotas', quotaKey(fields.entity), { part: fields.key })
    case 'AccessControlEntryRecord':
      return touch('acl-added', 'acls', fields.id)
    case 'RemoveAccessControlEntryRecord':
      return touch('acl-removed', 'acls', fields.id)
    case 'UserScramCredentialRecord':
      return touch('scram-changed', 'scramCredentials', scramKey(fields.name, fields.mechanism))
    case 'RemoveUserScramCredentialRecord':
      return touch('scram-removed', 'scramCredentials', scramKey(fields.name, fields.mechanism))
    case 'FeatureLevelRecord':
      return touch('feature-changed', 'features', fields.name)
    case 'DelegationTokenRecord':
      return touch('delegation-token-changed', 'delegationTokens', fields.tokenId)
    case 'RemoveDelegationTokenRecord':
      return touch('delegation-token-removed', 'delegationTokens', fields.tokenId)
    case 'RegisterBrokerRecord':
      return touch('broker-registered', 'brokers', String(fields.brokerId))
    case 'UnregisterBrokerRecord':
      return touch('broker-unregistered', 'brokers', String(fields.brokerId))
    case 'BrokerRegistrationChangeRecord':
      return touch(fencings[fields.fenced] ?? 'broker-changed', 'brokers', String(fields.brokerId))
    case 'FenceBrokerRecord':
      return touch('broker-fenced', 'brokers', String(fields.id))
    case 'UnfenceBrokerRecord':
      return touch('broker-unfenced', 'brokers', String(fields.id))
    case 'RegisterControllerRecord':
      return touch('controller-registered', 'controllers', String(fields.controllerId))
    case 'UnregisterControllerRecord':
      return touch('controller-unregistered', 'controllers', String(fields.controllerId))
    case 'ProducerIdsRecord':
    case 'ZkMigrationStateRecord':
    case 'NoOpRecord':
    case 'BeginTransactionRecord':
    case 'EndTransactionRecord':
    case 'AbortTransactionRecord':
      return null
    default:
      return type satisfies never
  }
}

function touch(kind: ChangeKind, section: Touch['section'], key: string, more: Partial<Pick<Touch, 'part' | 'topicName'>> = {}): Touch {
  return { kind, section, key, part: null, topicName: null, ...more }
}
