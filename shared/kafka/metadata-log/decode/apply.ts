import { type BrokerState, type ConfigsState, configsKey, type MetadataImage, type PartitionState, quotaKey, type QuotaState, scramKey } from './image.ts'
import type { DecodedRecord, FieldsOf, KnownRecord } from './record.ts'

/** Resource type of a topic in a ConfigRecord. */
export const topicConfigs = 2
const unchangedLeader = -2

/**
 * Applies a committed record to the image, as Kafka's own MetadataDelta does. False, and counted in the image, where it cannot be: it could not
 * be read, or what it is about is not in the image.
 */
export function apply(image: MetadataImage, record: DecodedRecord): boolean {
  const applied = record.kind === 'known' && applyKnown(image, record)
  if (!applied) image.unapplied++
  return applied
}

function applyKnown(image: MetadataImage, { type, fields }: KnownRecord): boolean {
  switch (type) {
    case 'TopicRecord':
      forgetName(image, fields.topicId)
      image.topics.set(fields.topicId, { id: fields.topicId, name: fields.name, partitions: new Map() })
      image.topicIds.set(fields.name, fields.topicId)
      return true
    case 'PartitionRecord':
      return applyPartition(image, fields)
    case 'PartitionChangeRecord':
      return applyPartitionChange(image, fields)
    case 'RemoveTopicRecord':
      return removeTopic(image, fields.topicId)
    case 'ClearElrRecord':
      return clearElr(image, fields.topicName)
    case 'ConfigRecord':
      return applyConfig(image, fields)
    case 'ClientQuotaRecord':
      return applyQuota(image, fields)
    case 'AccessControlEntryRecord':
      image.acls.set(fields.id, fields)
      return true
    case 'RemoveAccessControlEntryRecord':
      return image.acls.delete(fields.id)
    case 'UserScramCredentialRecord':
      image.scramCredentials.set(scramKey(fields.name, fields.mechanism), fields)
      return true
    case 'RemoveUserScramCredentialRecord':
      return image.scramCredentials.delete(scramKey(fields.name, fields.mechanism))
    case 'FeatureLevelRecord':
      if (fields.featureLevel === 0) image.features.delete(fields.name)
      else image.features.set(fields.name, { name: fields.name, level: fields.featureLevel })
      return true
    case 'DelegationTokenRecord':
      image.delegationTokens.set(fields.tokenId, fields)
      return true
    case 'RemoveDelegationTokenRecord':
      return image.delegationTokens.delete(fields.tokenId)
    case 'RegisterBrokerRecord':
      image.brokers.set(String(fields.brokerId), { ...inOrder(fields), ...directoriesInOrder(fields) })
      return true
    case 'UnregisterBrokerRecord':
      return image.brokers.delete(String(fields.brokerId))
    case 'BrokerRegistrationChangeRecord':
      return changeBroker(image, fields.brokerId, registrationChanges(fields))
    case 'FenceBrokerRecord':
    case 'UnfenceBrokerRecord':
      return changeBroker(image, fields.id, { fenced: type === 'FenceBrokerRecord' })
    case 'RegisterControllerRecord':
      image.controllers.set(String(fields.controllerId), inOrder(fields))
      return true
    case 'UnregisterControllerRecord':
      return image.controllers.delete(String(fields.controllerId))
    case 'ProducerIdsRecord':
      image.nextProducerId = fields.nextProducerId
      return true
    case 'ZkMigrationStateRecord':
      image.zkMigrationState = fields.zkMigrationState
      return true
    case 'NoOpRecord':
    case 'BeginTransactionRecord':
    case 'EndTransactionRecord':
    case 'AbortTransactionRecord':
      return true
    default:
      return type satisfies never
  }
}

function applyPartition(image: MetadataImage, fields: FieldsOf<'PartitionRecord'>): boolean {
  const { partitionId, topicId, directories, eligibleLeaderReplicas, lastKnownElr, ...state } = fields
  const topic = image.topics.get(topicId)
  topic?.partitions.set(partitionId, {
    ...state,
    directories: directories ?? [],
    eligibleLeaderReplicas: eligibleLeaderReplicas ?? [],
    lastKnownElr: lastKnownElr ?? []
  })
  return topic !== undefined
}

/** PartitionRegistration.merge: null, -1 or -2 leaves a field as it is, and a named leader is a new leader epoch, even the same leader. */
function applyPartitionChange(image: MetadataImage, fields: FieldsOf<'PartitionChangeRecord'>): boolean {
  const { partitionId, topicId } = fields
  const partitions = image.topics.get(topicId)?.partitions
  const before = partitions?.get(partitionId)
  if (!partitions || !before) return false
  const elected = fields.leader !== unchangedLeader
  const after: PartitionState = {
    replicas: fields.replicas ?? before.replicas,
    addingReplicas: fields.addingReplicas ?? before.addingReplicas,
    removingReplicas: fields.removingReplicas ?? before.removingReplicas,
    isr: fields.isr ?? before.isr,
    leader: elected ? fields.leader : before.leader,
    leaderEpoch: before.leaderEpoch + (elected ? 1 : 0),
    partitionEpoch: before.partitionEpoch + 1,
    leaderRecoveryState: fields.leaderRecoveryState === -1 ? before.leaderRecoveryState : fields.leaderRecoveryState,
    directories: fields.directories ?? before.directories,
    eligibleLeaderReplicas: fields.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
    lastKnownElr: fields.lastKnownElr ?? before.lastKnownElr
  }
  partitions.set(partitionId, after)
  return true
}

function removeTopic(image: MetadataImage, id: string): boolean {
  const topic = image.topics.get(id)
  if (!topic) return false
  forgetName(image, id)
  image.topics.delete(id)
  image.configs.delete(configsKey(topicConfigs, topic.name))
  return true
}

/** Every id that a name leads to is of a topic that is there, whatever the records say. */
function forgetName(image: MetadataImage, id: string): void {
  const name = image.topics.get(id)?.name
  if (name !== undefined && image.topicIds.get(name) === id) image.topicIds.delete(name)
}

/** An empty name is every topic. */
function clearElr(image: MetadataImage, name: string): boolean {
  const id = image.topicIds.get(name)
  const topics = name === '' ? [...image.topics.values()] : id === undefined ? [] : [image.topics.get(id)!]
  for (const { partitions } of topics)
    for (const [partition, state] of partitions) partitions.set(partition, { ...state, eligibleLeaderReplicas: [], lastKnownElr: [] })
  return name === '' || id !== undefined
}

function applyConfig(image: MetadataImage, { resourceType, resourceName, name, value }: FieldsOf<'ConfigRecord'>): boolean {
  const key = configsKey(resourceType, resourceName)
  const before: ConfigsState = image.configs.get(key) ?? { resourceType, name: resourceName, values: {} }
  setValues(image.configs, key, before, name, value)
  return true
}

function applyQuota(image: MetadataImage, { entity, key: name, value, remove }: FieldsOf<'ClientQuotaRecord'>): boolean {
  const key = quotaKey(entity)
  const named = Object.fromEntries(entity.map(({ entityType, entityName }) => [entityType, entityName]))
  const before: QuotaState = image.quotas.get(key) ?? { entity: named, values: {} }
  setValues(image.quotas, key, before, name, remove ? null : value)
  return true
}

function setValues<Value, State extends { readonly values: Readonly<Record<string, Value>> }>(
  states: Map<string, State>,
  key: string,
  before: State,
  name: string,
  value: Value | null
): void {
  const rest = Object.entries(before.values).filter(([each]) => each !== name)
  const values = Object.fromEntries(value === null ? rest : [...rest, [name, value]])
  if (Object.keys(values).length === 0) states.delete(key)
  else states.set(key, { ...before, values })
}

function changeBroker(image: MetadataImage, id: number, changes: Partial<BrokerState>): boolean {
  const before = image.brokers.get(String(id))
  if (before) image.brokers.set(String(id), { ...before, ...changes })
  return before !== undefined
}

function registrationChanges(fields: FieldsOf<'BrokerRegistrationChangeRecord'>): Partial<BrokerState> {
  const { fenced, inControlledShutdown = 0, logDirs = [], cordonedLogDirs = null } = fields
  return {
    ...(fenced !== 0 && { fenced: fenced === 1 }),
    ...(inControlledShutdown === 1 && { inControlledShutdown: true }),
    ...directoriesInOrder({ ...(logDirs.length > 0 && { logDirs }), ...(cordonedLogDirs !== null && { cordonedLogDirs }) })
  }
}

/** To Kafka these are maps and sets: a snapshot has them in another order than the record that they came with. */
function inOrder<Fields extends Pick<FieldsOf<'RegisterControllerRecord'>, 'endPoints' | 'features'>>(fields: Fields): Fields {
  const byName = (one: { readonly name: string }, other: { readonly name: string }): number => (one.name < other.name ? -1 : 1)
  return { ...fields, endPoints: fields.endPoints.toSorted(byName), features: fields.features.toSorted(byName) }
}

function directoriesInOrder({ logDirs, cordonedLogDirs }: Pick<BrokerState, 'logDirs' | 'cordonedLogDirs'>): Pick<BrokerState, 'logDirs' | 'cordonedLogDirs'> {
  return { ...(logDirs && { logDirs: logDirs.toSorted() }), ...(cordonedLogDirs && { cordonedLogDirs: cordonedLogDirs.toSorted() }) }
}
