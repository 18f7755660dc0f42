import { canonicalJson, type JsonValue } from '../domain/json.ts'
import { isObject } from './json-layout.ts'
import { configScope, isShownConfig } from './known-configs.ts'

/** One thing that a request wanted to change. */
export interface RequestItem {
  /** As in `create-topic`: verb and kind. */
  readonly change: string
  readonly resource: {
    readonly type:
      | 'topic'
      | 'partition'
      | 'group'
      | 'broker'
      | 'broker-logger'
      | 'client-metrics'
      | 'cluster'
      | 'acl'
      | 'quota'
      | 'user'
      | 'feature'
      | 'token'
      | 'other'
    /** `topic-partition` for a partition; null where the request names none. */
    readonly name: string | null
    readonly topicId?: string
  }
  /** Kafka's error code, 0 is success; null when the answer does not say. */
  readonly errorCode: number | null
  /** What was asked for, harmless values only; `[hidden]` stands for a value that may be a secret. */
  readonly asked: Readonly<Record<string, JsonValue>>
}

type Json = { readonly [key: string]: JsonValue }
const HIDDEN = '[hidden]'
/** ConfigResource.Type of a topic. */
const ofTopic = 2
const NO_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

const changes: Readonly<Record<string, (request: Json, response: Json) => RequestItem[]>> = {
  CREATE_TOPICS: (request, response) =>
    list(request['topics']).map(topic => {
      const result = list(response['topics']).find(each => each['name'] === topic['name'])
      const asked = { ...pick(topic, ['numPartitions', 'replicationFactor']), configs: configs({ resourceType: ofTopic, configs: topic['configs'] ?? null }) }
      return item('create-topic', topicOf(topic['name'], result?.['topicId']), result, asked)
    }),
  DELETE_TOPICS: (request, response) => {
    const asked = [...list(request['topics']), ...texts(request['topicNames']).map(name => ({ name }))] as Json[]
    const results = list(response['responses'])
    const unanswered = asked.filter(
      topic => !results.some(result => (isText(topic['name']) ? result['name'] === topic['name'] : result['topicId'] === topic['topicId']))
    )
    return [
      ...results.map(result => item('delete-topic', topicOf(result['name'], result['topicId']), result)),
      ...unanswered.map(topic => item('delete-topic', topicOf(topic['name'], topic['topicId']), undefined))
    ]
  },
  CREATE_PARTITIONS: (request, response) =>
    list(request['topics']).map(topic => item('create-partitions', topicOf(topic['name']), byName(response['results'], topic), pick(topic, ['count']))),
  INCREMENTAL_ALTER_CONFIGS: alterConfigs,
  ALTER_CONFIGS: alterConfigs,
  CREATE_ACLS: (request, response) =>
    list(request['creations']).map((acl, index) =>
      item('create-acl', { type: 'acl', name: text(acl['resourceName']) }, list(response['results'])[index], aclOf(acl))
    ),
  DELETE_ACLS: (request, response) =>
    list(request['filters']).flatMap((filter, index) => {
      const result = list(response['filterResults'])[index]
      const matching = list(result?.['matchingAcls'])
      if (matching.length === 0) return [item('delete-acl', { type: 'acl', name: text(filter['resourceNameFilter']) }, result, { matched: 0 })]
      return matching.map(acl => item('delete-acl', { type: 'acl', name: text(acl['resourceName']) }, acl, aclOf(acl)))
    }),
  ALTER_CLIENT_QUOTAS: (request, response) =>
    list(request['entries']).map(entry => {
      const entity = entityName(entry)
      const result = list(response['entries']).find(each => entityName(each) === entity)
      const values = list(entry['ops']).map(({ key, value, remove }) => [plain(key), remove === true ? null : plain(value)])
      return item('alter-quota', { type: 'quota', name: entity }, result, { values: Object.fromEntries(values) as Json })
    }),
  ALTER_USER_SCRAM_CREDENTIALS: (request, response) => {
    const ask = (change: string) => (each: Json) => {
      const result = list(response['results']).find(({ user }) => user === each['name'])
      return item(change, { type: 'user', name: text(each['name']) }, result, pick(each, ['mechanism', 'iterations']))
    }
    return [...list(request['deletions']).map(ask('delete-scram-credential')), ...list(request['upsertions']).map(ask('upsert-scram-credential'))]
  },
  DELETE_RECORDS: (request, response) =>
    partitions(request, response, 'topics', 'topics', 'partitions').map(([name, asked, result]) =>
      item('delete-records', { type: 'partition', name }, result, { ...pick(asked, ['offset']), ...pick(result ?? {}, ['lowWatermark']) })
    ),
  ELECT_LEADERS: (request, response) => {
    const results = list(response['replicaElectionResults']).flatMap(topic =>
      list(topic['partitionResult']).map(result =>
        item('elect-leader', { type: 'partition', name: `${plain(topic['topic'])}-${plain(result['partitionId'])}` }, result, pick(request, ['electionType']))
      )
    )
    return results.length > 0 ? results : [item('elect-leader', { type: 'cluster', name: null }, response, pick(request, ['electionType']))]
  },
  ALTER_PARTITION_REASSIGNMENTS: (request, response) =>
    partitions(request, response, 'topics', 'responses', 'partitions').map(([name, asked, result]) =>
      item('reassign-partition', { type: 'partition', name }, result, { replicas: numbers(asked['replicas']) })
    ),
  ALTER_REPLICA_LOG_DIRS: (request, response) =>
    list(request['dirs']).flatMap(dir =>
      list(dir['topics']).flatMap(topic =>
        (numbers(topic['partitions']) ?? []).map(partition => {
          const results = list(list(response['results']).find(each => each['topicName'] === topic['name'])?.['partitions'])
          const result = results.find(each => each['partitionIndex'] === partition)
          return item('move-log-dir', { type: 'partition', name: `${plain(topic['name'])}-${partition}` }, result, pick(dir, ['path']))
        })
      )
    ),
  UPDATE_FEATURES: (request, response) =>
    list(request['featureUpdates']).map(update => {
      const result = list(response['results']).find(each => each['feature'] === update['feature']) ?? response
      return item('update-feature', { type: 'feature', name: text(update['feature']) }, result, pick(update, ['maxVersionLevel', 'upgradeType']))
    }),
  CREATE_DELEGATION_TOKEN: (request, response) => [
    item('create-token', { type: 'token', name: text(response['tokenId']) }, response, {
      ...pick(response, ['principalType', 'principalName', 'issueTimestampMs', 'expiryTimestampMs', 'maxTimestampMs']),
      renewers: list(request['renewers']).map(each => `${plain(each['principalType'])}:${plain(each['principalName'])}`)
    })
  ],
  RENEW_DELEGATION_TOKEN: (_, response) => [item('renew-token', { type: 'token', name: null }, response, pick(response, ['expiryTimestampMs']))],
  EXPIRE_DELEGATION_TOKEN: (_, response) => [item('expire-token', { type: 'token', name: null }, response, pick(response, ['expiryTimestampMs']))],
  DELETE_GROUPS: (request, response) =>
    texts(request['groupsNames']).map(name =>
      item(
        'delete-group',
        { type: 'group', name },
        list(response['results']).find(({ groupId }) => groupId === name)
      )
    ),
  OFFSET_DELETE: (request, response) => groupOffsets('delete-offsets', request, response),
  DELETE_SHARE_GROUP_OFFSETS: (request, response) => groupOffsets('delete-offsets', request, response),
  ALTER_SHARE_GROUP_OFFSETS: (request, response) => groupOffsets('set-offsets', request, response),
  // Without a generation and a member it is an administrator who moves a group, or a consumer without a group's protocol.
  OFFSET_COMMIT: (request, response) =>
    partitions(request, response, 'topics', 'topics', 'partitions').map(([name, asked, result]) =>
      item('set-offsets', { type: 'group', name: text(request['groupId']) }, result, { partition: name, ...pick(asked, ['committedOffset']) })
    ),
  UNREGISTER_BROKER: (request, response) => [item('unregister-broker', { type: 'broker', name: plain(request['brokerId']) }, response)],
  ADD_RAFT_VOTER: (request, response) => [item('add-voter', { type: 'cluster', name: null }, response, pick(request, ['voterId', 'voterDirectoryId']))],
  REMOVE_RAFT_VOTER: (request, response) => [item('remove-voter', { type: 'cluster', name: null }, response, pick(request, ['voterId', 'voterDirectoryId']))],
  UPDATE_RAFT_VOTER: (request, response) => [item('update-voter', { type: 'cluster', name: null }, response, pick(request, ['voterId', 'voterDirectoryId']))]
}

/** Requests that read, that carry data, or that brokers and groups make of themselves. */
const others = new Set(
  `PRODUCE FETCH LIST_OFFSETS METADATA OFFSET_FETCH FIND_COORDINATOR JOIN_GROUP HEARTBEAT LEAVE_GROUP SYNC_GROUP DESCRIBE_GROUPS LIST_GROUPS SASL_HANDSHAKE
  API_VERSIONS INIT_PRODUCER_ID OFFSET_FOR_LEADER_EPOCH ADD_PARTITIONS_TO_TXN ADD_OFFSETS_TO_TXN END_TXN WRITE_TXN_MARKERS TXN_OFFSET_COMMIT DESCRIBE_ACLS
  DESCRIBE_CONFIGS DESCRIBE_LOG_DIRS SASL_AUTHENTICATE DESCRIBE_DELEGATION_TOKEN LIST_PARTITION_REASSIGNMENTS DESCRIBE_CLIENT_QUOTAS
  DESCRIBE_USER_SCRAM_CREDENTIALS VOTE BEGIN_QUORUM_EPOCH END_QUORUM_EPOCH DESCRIBE_QUORUM ALTER_PARTITION ENVELOPE FETCH_SNAPSHOT DESCRIBE_CLUSTER
  DESCRIBE_PRODUCERS BROKER_REGISTRATION BROKER_HEARTBEAT DESCRIBE_TRANSACTIONS LIST_TRANSACTIONS ALLOCATE_PRODUCER_IDS CONSUMER_GROUP_HEARTBEAT
  CONSUMER_GROUP_DESCRIBE CONTROLLER_REGISTRATION GET_TELEMETRY_SUBSCRIPTIONS PUSH_TELEMETRY ASSIGN_REPLICAS_TO_DIRS LIST_CONFIG_RESOURCES
  LIST_CLIENT_METRICS_RESOURCES DESCRIBE_TOPIC_PARTITIONS SHARE_GROUP_HEARTBEAT SHARE_GROUP_DESCRIBE SHARE_FETCH SHARE_ACKNOWLEDGE
  INITIALIZE_SHARE_GROUP_STATE READ_SHARE_GROUP_STATE WRITE_SHARE_GROUP_STATE DELETE_SHARE_GROUP_STATE READ_SHARE_GROUP_STATE_SUMMARY
  STREAMS_GROUP_HEARTBEAT STREAMS_GROUP_DESCRIBE DESCRIBE_SHARE_GROUP_OFFSETS`.split(/\s+/)
)

/** What a request wanted to change: `none` for one that changes nothing of this kind, `unknown` for one that no Kafka up to 4.4 has. */
export function changesOf(api: string, request: Json, response: Json): RequestItem[] | 'none' | 'unknown' {
  if (others.has(api)) return 'none'
  const read = Object.hasOwn(changes, api) ? changes[api] : undefined
  if (read === undefined) return 'unknown'
  if (api === 'OFFSET_COMMIT' && (request['generationIdOrMemberEpoch'] !== -1 || request['memberId'] !== '')) return 'none'
  return read(request, response)
}

function item(change: string, resource: RequestItem['resource'], result: Json | undefined, asked: Json = {}): RequestItem {
  const errorCode = result?.['errorCode']
  // Kafka's error messages quote what was sent, secrets too; the code says enough.
  return { change, resource, errorCode: typeof errorCode === 'number' ? errorCode : null, asked }
}

function topicOf(name: JsonValue | undefined, topicId?: JsonValue): RequestItem['resource'] {
  return { type: 'topic', name: text(name), ...(isText(topicId) && topicId !== NO_TOPIC_ID ? { topicId } : {}) }
}

function alterConfigs(request: Json, response: Json): RequestItem[] {
  return list(request['resources']).map(resource => {
    const { resourceType, resourceName } = resource
    const scope = typeof resourceType === 'number' ? configScope(resourceType) : null
    const result = list(response['responses']).find(each => each['resourceType'] === resourceType && each['resourceName'] === resourceName)
    return item('alter-configs', { type: scope ?? 'other', name: text(resourceName) }, result, { configs: configs(resource) })
  })
}

/** Operations of IncrementalAlterConfigs by their number; AlterConfigs sets all and takes the others away. */
const operations = ['set', 'delete', 'append', 'subtract']

function configs({ resourceType, configs: given }: Json): JsonValue {
  const isShown = (name: unknown, value: unknown): boolean =>
    typeof resourceType === 'number' && typeof name === 'string' && typeof value === 'string' && isShownConfig(resourceType, name, value)
  return list(given).map(({ name, value, configOperation }) => ({
    name: text(name),
    ...(typeof configOperation === 'number' ? { operation: operations[configOperation] ?? String(configOperation) } : {}),
    value: value === null || configOperation === 1 ? null : isShown(name, value) ? value! : HIDDEN
  }))
}

/** Kafka's words for the numbers of ResourceType, PatternType, AclOperation and AclPermissionType, as AclEntry has them; a new number stays one. */
const aclWords: Readonly<Record<string, readonly string[]>> = {
  resourceType: ['', 'any', 'topic', 'group', 'cluster', 'transactional-id', 'delegation-token', 'user'],
  pattern: ['', 'any', 'match', 'literal', 'prefixed'],
  operation:
    `,any,all,read,write,create,delete,alter,describe,cluster-action,describe-configs,alter-configs,idempotent-write,create-tokens,describe-tokens,two-phase-commit`.split(
      ','
    ),
  permission: ['', 'any', 'deny', 'allow']
}

function aclOf(acl: Json): Json {
  const word = (kind: string, number: JsonValue | undefined): string | null =>
    typeof number === 'number' ? (aclWords[kind]?.[number] ?? String(number)) : null
  return {
    ...pick(acl, ['principal', 'host']),
    resourceType: word('resourceType', acl['resourceType']),
    pattern: word('pattern', acl['resourcePatternType'] ?? acl['patternType']),
    operation: word('operation', acl['operation']),
    permission: word('permission', acl['permissionType'])
  }
}

function groupOffsets(change: string, request: Json, response: Json): RequestItem[] {
  const group = text(request['groupId'])
  const topics = list(request['topics'])
  const code = response['errorCode']
  return topics.map(topic => {
    const name = text(topic['name'] ?? topic['topicName'])
    const results = list(response['topics'] ?? response['responses']).filter(each => text(each['name'] ?? each['topicName']) === name)
    const failed = results.flatMap(each => [each, ...list(each['partitions'])]).find(each => typeof each['errorCode'] === 'number' && each['errorCode'] !== 0)
    const result = typeof code === 'number' && code !== 0 ? response : (failed ?? (results.length > 0 ? { errorCode: 0 } : undefined))
    return item(change, { type: 'group', name: group }, result, { topic: name })
  })
}

/** Each partition of a request with its name, what was asked and what was answered. */
function partitions(request: Json, response: Json, asked: string, answered: string, inside: string): [string, Json, Json | undefined][] {
  return list(request[asked]).flatMap(topic =>
    list(topic[inside]).map((partition): [string, Json, Json | undefined] => {
      const results = list(byName(response[answered], topic)?.[inside])
      const result = results.find(each => each['partitionIndex'] === partition['partitionIndex'])
      return [`${plain(topic['name'] ?? topic['topicId'])}-${plain(partition['partitionIndex'])}`, partition, result]
    })
  )
}

function byName(results: JsonValue | undefined, { name, topicId }: Json): Json | undefined {
  return list(results).find(each => (isText(name) ? each['name'] === name : isText(topicId) && each['topicId'] === topicId))
}

function entityName({ entity }: Json): string {
  const parts = list(entity).map(({ entityType, entityName: name }) => [plain(entityType), name ?? null] as const)
  return canonicalJson(Object.fromEntries(parts))
}

/** These members where they are texts or whole numbers. */
function pick(from: Json, members: readonly string[]): Json {
  return Object.fromEntries(
    members.filter(member => isText(from[member]) || Number.isSafeInteger(from[member]) || from[member] === null).map(member => [member, from[member]!])
  )
}

function list(value: JsonValue | undefined): Json[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter(isObject) : []
}

function texts(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter(isText) : []
}

function numbers(value: JsonValue | undefined): number[] | null {
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter(each => typeof each === 'number') : null
}

function text(value: JsonValue | undefined): string | null {
  return isText(value) ? value : null
}

/** In a name; what is neither text nor number has no place there. */
function plain(value: JsonValue | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '?'
}

function isText(value: JsonValue | undefined): value is string {
  return typeof value === 'string'
}
