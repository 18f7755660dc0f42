import type { RecordSchema } from './schema.ts'

/** Every metadata record of Apache Kafka 4.0.0 to 4.4.0, from common/metadata/*.json of its kafka-metadata jars (Apache License 2.0). Written by make.ts: do not edit. */
export const metadataRecords = {
  RegisterBrokerRecord: {
    apiKey: 0,
    lowestVersion: 0,
    highestVersion: 4,
    fields: [
      { name: 'brokerId', type: 'int32' },
      { name: 'isMigratingZkBroker', type: 'bool', since: 2 },
      { name: 'incarnationId', type: 'uuid' },
      { name: 'brokerEpoch', type: 'int64' },
      {
        name: 'endPoints',
        type: 'struct',
        array: true,
        fields: [
          { name: 'name', type: 'string' },
          { name: 'host', type: 'string' },
          { name: 'port', type: 'uint16' },
          { name: 'securityProtocol', type: 'int16' }
        ]
      },
      {
        name: 'features',
        type: 'struct',
        array: true,
        fields: [
          { name: 'name', type: 'string' },
          { name: 'minSupportedVersion', type: 'int16' },
          { name: 'maxSupportedVersion', type: 'int16' }
        ]
      },
      { name: 'rack', type: 'string', nullableSince: 0 },
      { name: 'fenced', type: 'bool' },
      { name: 'inControlledShutdown', type: 'bool', since: 1 },
      { name: 'logDirs', type: 'uuid', array: true, since: 3, tag: 0, default: [] },
      { name: 'cordonedLogDirs', type: 'uuid', array: true, since: 4, nullableSince: 4, tag: 1, default: null }
    ]
  },
  UnregisterBrokerRecord: {
    apiKey: 1,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [
      { name: 'brokerId', type: 'int32' },
      { name: 'brokerEpoch', type: 'int64' }
    ]
  },
  TopicRecord: {
    apiKey: 2,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [
      { name: 'name', type: 'string' },
      { name: 'topicId', type: 'uuid' }
    ]
  },
  PartitionRecord: {
    apiKey: 3,
    lowestVersion: 0,
    highestVersion: 2,
    fields: [
      { name: 'partitionId', type: 'int32' },
      { name: 'topicId', type: 'uuid' },
      { name: 'replicas', type: 'int32', array: true },
      { name: 'isr', type: 'int32', array: true },
      { name: 'removingReplicas', type: 'int32', array: true },
      { name: 'addingReplicas', type: 'int32', array: true },
      { name: 'leader', type: 'int32' },
      { name: 'leaderRecoveryState', type: 'int8', tag: 0, default: 0 },
      { name: 'leaderEpoch', type: 'int32' },
      { name: 'partitionEpoch', type: 'int32' },
      { name: 'directories', type: 'uuid', array: true, since: 1 },
      { name: 'eligibleLeaderReplicas', type: 'int32', array: true, since: 2, nullableSince: 2, tag: 1, default: null },
      { name: 'lastKnownElr', type: 'int32', array: true, since: 2, nullableSince: 2, tag: 2, default: null }
    ]
  },
  ConfigRecord: {
    apiKey: 4,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [
      { name: 'resourceType', type: 'int8' },
      { name: 'resourceName', type: 'string' },
      { name: 'name', type: 'string' },
      { name: 'value', type: 'string', nullableSince: 0, secret: 'by-config' }
    ]
  },
  PartitionChangeRecord: {
    apiKey: 5,
    lowestVersion: 0,
    highestVersion: 2,
    fields: [
      { name: 'partitionId', type: 'int32' },
      { name: 'topicId', type: 'uuid' },
      { name: 'isr', type: 'int32', array: true, nullableSince: 0, tag: 0, default: null },
      { name: 'leader', type: 'int32', tag: 1, default: -2 },
      { name: 'replicas', type: 'int32', array: true, nullableSince: 0, tag: 2, default: null },
      { name: 'removingReplicas', type: 'int32', array: true, nullableSince: 0, tag: 3, default: null },
      { name: 'addingReplicas', type: 'int32', array: true, nullableSince: 0, tag: 4, default: null },
      { name: 'leaderRecoveryState', type: 'int8', tag: 5, default: -1 },
      { name: 'directories', type: 'uuid', array: true, since: 1, nullableSince: 1, tag: 8, default: null },
      { name: 'eligibleLeaderReplicas', type: 'int32', array: true, since: 2, nullableSince: 2, tag: 6, default: null },
      { name: 'lastKnownElr', type: 'int32', array: true, since: 2, nullableSince: 2, tag: 7, default: null }
    ]
  },
  FenceBrokerRecord: {
    apiKey: 7,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [
      { name: 'id', type: 'int32' },
      { name: 'epoch', type: 'int64' }
    ]
  },
  UnfenceBrokerRecord: {
    apiKey: 8,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [
      { name: 'id', type: 'int32' },
      { name: 'epoch', type: 'int64' }
    ]
  },
  RemoveTopicRecord: { apiKey: 9, lowestVersion: 0, highestVersion: 0, fields: [{ name: 'topicId', type: 'uuid' }] },
  DelegationTokenRecord: {
    apiKey: 10,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [
      { name: 'owner', type: 'string' },
      { name: 'requester', type: 'string' },
      { name: 'renewers', type: 'string', array: true },
      { name: 'issueTimestamp', type: 'int64' },
      { name: 'maxTimestamp', type: 'int64' },
      { name: 'expirationTimestamp', type: 'int64' },
      { name: 'tokenId', type: 'string' }
    ]
  },
  UserScramCredentialRecord: {
    apiKey: 11,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [
      { name: 'name', type: 'string' },
      { name: 'mechanism', type: 'int8' },
      { name: 'salt', type: 'bytes', secret: 'always' },
      { name: 'storedKey', type: 'bytes', secret: 'always' },
      { name: 'serverKey', type: 'bytes', secret: 'always' },
      { name: 'iterations', type: 'int32' }
    ]
  },
  FeatureLevelRecord: {
    apiKey: 12,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [
      { name: 'name', type: 'string' },
      { name: 'featureLevel', type: 'int16' }
    ]
  },
  ClientQuotaRecord: {
    apiKey: 14,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [
      {
        name: 'entity',
        type: 'struct',
        array: true,
        fields: [
          { name: 'entityType', type: 'string' },
          { name: 'entityName', type: 'string', nullableSince: 0 }
        ]
      },
      { name: 'key', type: 'string' },
      { name: 'value', type: 'float64' },
      { name: 'remove', type: 'bool' }
    ]
  },
  ProducerIdsRecord: {
    apiKey: 15,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [
      { name: 'brokerId', type: 'int32' },
      { name: 'brokerEpoch', type: 'int64' },
      { name: 'nextProducerId', type: 'int64' }
    ]
  },
  BrokerRegistrationChangeRecord: {
    apiKey: 17,
    lowestVersion: 0,
    highestVersion: 3,
    fields: [
      { name: 'brokerId', type: 'int32' },
      { name: 'brokerEpoch', type: 'int64' },
      { name: 'fenced', type: 'int8', tag: 0, default: 0 },
      { name: 'inControlledShutdown', type: 'int8', since: 1, tag: 1, default: 0 },
      { name: 'logDirs', type: 'uuid', array: true, since: 2, tag: 2, default: [] },
      { name: 'cordonedLogDirs', type: 'uuid', array: true, since: 3, nullableSince: 3, tag: 3, default: null }
    ]
  },
  AccessControlEntryRecord: {
    apiKey: 18,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [
      { name: 'id', type: 'uuid' },
      { name: 'resourceType', type: 'int8' },
      { name: 'resourceName', type: 'string' },
      { name: 'patternType', type: 'int8' },
      { name: 'principal', type: 'string' },
      { name: 'host', type: 'string' },
      { name: 'operation', type: 'int8' },
      { name: 'permissionType', type: 'int8' }
    ]
  },
  RemoveAccessControlEntryRecord: { apiKey: 19, lowestVersion: 0, highestVersion: 0, fields: [{ name: 'id', type: 'uuid' }] },
  NoOpRecord: { apiKey: 20, lowestVersion: 0, highestVersion: 0, fields: [] },
  ZkMigrationStateRecord: { apiKey: 21, lowestVersion: 0, highestVersion: 0, fields: [{ name: 'zkMigrationState', type: 'int8' }] },
  RemoveUserScramCredentialRecord: {
    apiKey: 22,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [
      { name: 'name', type: 'string' },
      { name: 'mechanism', type: 'int8' }
    ]
  },
  BeginTransactionRecord: {
    apiKey: 23,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [{ name: 'name', type: 'string', nullableSince: 0, tag: 0, default: null }]
  },
  EndTransactionRecord: { apiKey: 24, lowestVersion: 0, highestVersion: 0, fields: [] },
  AbortTransactionRecord: {
    apiKey: 25,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [{ name: 'reason', type: 'string', nullableSince: 0, tag: 0, default: null }]
  },
  RemoveDelegationTokenRecord: { apiKey: 26, lowestVersion: 0, highestVersion: 0, fields: [{ name: 'tokenId', type: 'string' }] },
  RegisterControllerRecord: {
    apiKey: 27,
    lowestVersion: 0,
    highestVersion: 0,
    fields: [
      { name: 'controllerId', type: 'int32' },
      { name: 'incarnationId', type: 'uuid' },
      { name: 'zkMigrationReady', type: 'bool' },
      {
        name: 'endPoints',
        type: 'struct',
        array: true,
        fields: [
          { name: 'name', type: 'string' },
          { name: 'host', type: 'string' },
          { name: 'port', type: 'uint16' },
          { name: 'securityProtocol', type: 'int16' }
        ]
      },
      {
        name: 'features',
        type: 'struct',
        array: true,
        fields: [
          { name: 'name', type: 'string' },
          { name: 'minSupportedVersion', type: 'int16' },
          { name: 'maxSupportedVersion', type: 'int16' }
        ]
      }
    ]
  },
  ClearElrRecord: { apiKey: 28, lowestVersion: 0, highestVersion: 0, fields: [{ name: 'topicName', type: 'string' }] },
  UnregisterControllerRecord: { apiKey: 29, lowestVersion: 0, highestVersion: 0, fields: [{ name: 'controllerId', type: 'int32' }] }
} as const satisfies Readonly<Record<string, RecordSchema>>
