import { type JsonValue, sameJson } from '../../../domain/json.ts'
import { aclCodesInWords } from '../../acl-words.ts'
import { topicConfigs } from './apply.ts'
import { type ConfigsState, configsKey, type MetadataImage, type PartitionState, type TopicState } from './image.ts'
import { configResourceTypes } from './secrets.ts'

export type ChangeKind =
  | 'topic-created'
  | 'topic-deleted'
  | 'partitions-added'
  | 'partitions-reassigned'
  | 'unclean-leader-elected'
  | 'leader-or-isr-changed'
  | 'elr-cleared'
  | 'config-changed'
  | 'acl-added'
  | 'acl-removed'
  | 'quota-changed'
  | 'scram-changed'
  | 'scram-removed'
  | 'feature-changed'
  | 'broker-registered'
  | 'broker-unregistered'
  | 'broker-fenced'
  | 'broker-unfenced'
  | 'broker-changed'
  | 'controller-registered'
  | 'controller-unregistered'
  | 'delegation-token-changed'
  | 'delegation-token-removed'
  | 'transaction-aborted'
  | 'unknown-record'

export interface ChangedResource {
  /** `topic`, `group`, `client-metrics`, `broker`, `broker-logger`, `acl`, `quota`, `user`, `feature`, `controller`, `delegation-token`, `cluster`, `metadata-log`. */
  readonly type: string
  /** Null where it has none, or where the image does not know it. The name '' of a broker is the default of all. */
  readonly name: string | null
  /** Id of a topic or an ACL; null for what has none. */
  readonly id: string | null
}

/** What is different, without its secrets. `before` and `after` are null where there is nothing. */
export interface Difference {
  readonly kind: ChangeKind
  readonly resource: ChangedResource
  readonly before: JsonValue
  readonly after: JsonValue
}

/** The sections of an image whose entries are compared as they are. */
export type Section = 'configs' | 'quotas' | 'acls' | 'scramCredentials' | 'features' | 'brokers' | 'controllers' | 'delegationTokens'
type StateOf<In extends Section> = MetadataImage[In] extends ReadonlyMap<string, infer State> ? State : never

interface Describer<State> {
  readonly kind: (before: State | undefined, after: State | undefined) => ChangeKind
  readonly resource: (state: State, topicIds: ReadonlyMap<string, string>) => ChangedResource
  readonly view: (state: State) => JsonValue
}

const present =
  (added: ChangeKind, removed: ChangeKind) =>
  (_: unknown, after: unknown): ChangeKind =>
    after === undefined ? removed : added
const named = (type: string, name: string | number): ChangedResource => ({ type, name: String(name), id: null })
/** Fields that were decoded are JSON. */
const asJson = (fields: object): JsonValue => fields as JsonValue
const scramMechanisms: Readonly<Record<number, string>> = { 1: 'SCRAM-SHA-256', 2: 'SCRAM-SHA-512' }

const describers: { readonly [In in Section]: Describer<StateOf<In>> } = {
  configs: {
    kind: () => 'config-changed',
    resource: ({ resourceType, name }, topicIds) => ({
      type: configResourceTypes[resourceType] ?? `resource type ${resourceType}`,
      name,
      id: resourceType === topicConfigs ? (topicIds.get(name) ?? null) : null
    }),
    view: ({ values }) => values as Readonly<Record<string, JsonValue>>
  },
  quotas: {
    kind: () => 'quota-changed',
    resource: ({ entity }) =>
      named(
        'quota',
        Object.entries(entity)
          .map(([type, name]) => `${type}=${name ?? '<default>'}`)
          .sort()
          .join(',')
      ),
    view: ({ values }) => values
  },
  acls: {
    kind: present('acl-added', 'acl-removed'),
    resource: ({ id }) => ({ type: 'acl', name: null, id }),
    view: acl => ({ ...aclCodesInWords(acl), resourceName: acl.resourceName, principal: acl.principal, host: acl.host })
  },
  scramCredentials: {
    kind: present('scram-changed', 'scram-removed'),
    resource: ({ name }) => named('user', name),
    view: ({ mechanism, iterations, salt, storedKey, serverKey }) =>
      asJson({ mechanism: scramMechanisms[mechanism] ?? `code ${mechanism}`, iterations, salt, storedKey, serverKey })
  },
  features: {
    kind: () => 'feature-changed',
    resource: ({ name }) => named('feature', name),
    view: ({ level }) => ({ level })
  },
  brokers: {
    kind: (before, after) => {
      if (!after) return 'broker-unregistered'
      if (before?.brokerEpoch !== after.brokerEpoch || before.incarnationId !== after.incarnationId) return 'broker-registered'
      if (before.fenced !== after.fenced) return after.fenced ? 'broker-fenced' : 'broker-unfenced'
      return 'broker-changed'
    },
    resource: ({ brokerId }) => named('broker', brokerId),
    view: asJson
  },
  controllers: {
    kind: present('controller-registered', 'controller-unregistered'),
    resource: ({ controllerId }) => named('controller', controllerId),
    view: asJson
  },
  delegationTokens: {
    kind: present('delegation-token-changed', 'delegation-token-removed'),
    resource: ({ tokenId }) => named('delegation-token', tokenId),
    view: asJson
  }
}

/** The difference between two states of one entry; null where there is neither. `topicIds` gives a topic's id by its name. */
export function stateDifference<In extends Section>(
  section: In,
  before: StateOf<In> | undefined,
  after: StateOf<In> | undefined,
  topicIds: ReadonlyMap<string, string>
): Difference | null {
  const describer: Describer<StateOf<In>> = describers[section]
  const state = after ?? before
  if (state === undefined) return null
  const view = (each: StateOf<In> | undefined): JsonValue => (each === undefined ? null : describer.view(each))
  const kind = describer.kind(before, after)
  const whole = { before: view(before), after: view(after) }
  const partOnly = kind === 'broker-changed' || kind === 'broker-fenced' || kind === 'broker-unfenced'
  return { kind, resource: describer.resource(state, topicIds), ...(partOnly ? changedMembers(whole.before, whole.after) : whole) }
}

/** The members that are not equal. */
export function changedMembers(before: JsonValue, after: JsonValue): Pick<Difference, 'before' | 'after'> {
  const was = (before ?? {}) as Readonly<Record<string, JsonValue>>
  const is = (after ?? {}) as Readonly<Record<string, JsonValue>>
  const names = new Set([...Object.keys(was), ...Object.keys(is)])
  return membersOnly(
    before,
    after,
    [...names].filter(name => !sameJson(was[name], is[name]))
  )
}

/** `before` and `after` of some members alone, null for one that is not set. */
export function membersOnly(before: JsonValue, after: JsonValue, names: Iterable<string>): Pick<Difference, 'before' | 'after'> {
  const sorted = [...names].sort()
  const only = (view: JsonValue) => Object.fromEntries(sorted.map(name => [name, (view as Readonly<Record<string, JsonValue>> | null)?.[name] ?? null]))
  return { before: only(before), after: only(after) }
}

export const topicResource = ({ id, name }: TopicState): ChangedResource => ({ type: 'topic', name, id })

/** A topic as it is created or deleted: its partitions' replicas by partition, and its configs. */
export function topicView({ name, partitions }: TopicState, configs: ReadonlyMap<string, ConfigsState>): JsonValue {
  const values = configs.get(configsKey(topicConfigs, name))?.values ?? {}
  return { partitions: partitions.size, replicas: byPartition(partitions, partitions.keys(), ({ replicas }) => replicas), configs: asJson(values) }
}

/** How many partitions a topic has, and the replicas of those that were added, where they are there. */
export function addedView({ partitions }: TopicState, added: Iterable<number>): JsonValue {
  return { partitions: partitions.size, replicas: byPartition(partitions, added, ({ replicas }) => replicas) }
}

export function replicasView(state: PartitionState): JsonValue {
  const { replicas, addingReplicas, removingReplicas } = state
  return { replicas, addingReplicas, removingReplicas }
}

export function leadershipView(state: PartitionState): JsonValue {
  const { leader, isr, leaderEpoch, partitionEpoch, leaderRecoveryState, eligibleLeaderReplicas, lastKnownElr, directories } = state
  return { leader, isr, leaderEpoch, partitionEpoch, leaderRecoveryState, eligibleLeaderReplicas, lastKnownElr, directories }
}

/** One view for each of some partitions that are there, in their order. */
export function byPartition(
  partitions: ReadonlyMap<number, PartitionState> | undefined,
  wanted: Iterable<number>,
  view: (state: PartitionState) => JsonValue
): JsonValue {
  const found = [...wanted]
    .sort((one, other) => one - other)
    .flatMap(partition => {
      const state = partitions?.get(partition)
      return state === undefined ? [] : [[String(partition), view(state)] as const]
    })
  return Object.fromEntries(found)
}
