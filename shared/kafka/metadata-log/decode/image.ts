import type { Dropped, FieldsOf, Int64 } from './record.ts'

export interface PartitionState {
  readonly replicas: readonly number[]
  readonly addingReplicas: readonly number[]
  readonly removingReplicas: readonly number[]
  readonly isr: readonly number[]
  /** -1 where there is none. */
  readonly leader: number
  readonly leaderEpoch: number
  /** Counts every change of the partition. */
  readonly partitionEpoch: number
  /** 1 while it recovers from an unclean election. */
  readonly leaderRecoveryState: number
  readonly directories: readonly string[]
  readonly eligibleLeaderReplicas: readonly number[]
  readonly lastKnownElr: readonly number[]
}

export interface TopicState {
  readonly id: string
  readonly name: string
  readonly partitions: Map<number, PartitionState>
}

export type ConfigValue = string | Dropped

/** Configs of one resource; the name is '' for the brokers' defaults. */
export interface ConfigsState {
  readonly resourceType: number
  readonly name: string
  readonly values: Readonly<Record<string, ConfigValue>>
}

export interface QuotaState {
  /** For example { user: 'billing', 'client-id': null }; null is the default entity. */
  readonly entity: Readonly<Record<string, string | null>>
  readonly values: Readonly<Record<string, number | string>>
}

export type AclState = FieldsOf<'AccessControlEntryRecord'>
export type ScramState = FieldsOf<'UserScramCredentialRecord'>
export type BrokerState = FieldsOf<'RegisterBrokerRecord'>
export type ControllerState = FieldsOf<'RegisterControllerRecord'>
export type TokenState = FieldsOf<'DelegationTokenRecord'>

/**
 * What the cluster's metadata is at one offset, without its secrets: the sum of the records up to it. `apply` changes it in place, because
 * a cluster has 50,000 partitions; the states in it are replaced, never changed, but for a topic's partitions.
 */
export interface MetadataImage {
  /** By topic id. */
  readonly topics: Map<string, TopicState>
  readonly topicIds: Map<string, string>
  /** By `configsKey`. */
  readonly configs: Map<string, ConfigsState>
  /** By ACL id. */
  readonly acls: Map<string, AclState>
  /** By `quotaKey`. */
  readonly quotas: Map<string, QuotaState>
  /** By `scramKey`. */
  readonly scramCredentials: Map<string, ScramState>
  /** Levels by name. */
  readonly features: Map<string, { readonly name: string; readonly level: number }>
  readonly brokers: Map<string, BrokerState>
  readonly controllers: Map<string, ControllerState>
  /** By token id. */
  readonly delegationTokens: Map<string, TokenState>
  nextProducerId: Int64 | null
  zkMigrationState: number | null
  /** Records that could not be read, and records about something that is not here. Above 0 the image may be wrong. */
  unapplied: number
}

export function emptyImage(): MetadataImage {
  return {
    topics: new Map(),
    topicIds: new Map(),
    configs: new Map(),
    acls: new Map(),
    quotas: new Map(),
    scramCredentials: new Map(),
    features: new Map(),
    brokers: new Map(),
    controllers: new Map(),
    delegationTokens: new Map(),
    nextProducerId: null,
    zkMigrationState: null,
    unapplied: 0
  }
}

export const configsKey = (resourceType: number, name: string): string => `${resourceType} ${name}`
export const scramKey = (user: string, mechanism: number): string => `${mechanism} ${user}`

export type QuotaEntity = FieldsOf<'ClientQuotaRecord'>['entity']

/** The same whatever order the parts of the entity come in. */
export function quotaKey(entity: QuotaEntity): string {
  const parts = entity.map(({ entityType, entityName }) => JSON.stringify([entityType, entityName]))
  return parts.sort().join(' ')
}
