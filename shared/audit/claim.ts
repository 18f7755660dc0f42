import type { JsonValue } from '../domain/json.ts'
import { aclCodesInWords } from '../kafka/acl-words.ts'
import type { ChangeKind } from '../kafka/metadata-log/decode/describe.ts'
import { placeOf } from './events/line.ts'
import { eventIdOf } from './event-id.ts'
import type { AuthorizerLine, JournalInput, RequestLine } from './inputs.ts'

/** One thing that somebody may have changed. */
export interface ClaimedChange {
  readonly kinds: readonly ChangeKind[]
  /** As the metadata log names it; null for whatever there is of this type. */
  readonly resourceType: string | null
  /** Null where the line does not name it. */
  readonly name: string | null
  readonly id: string | null
  /** Details that a change must have to be this one; null where the line has none. */
  readonly traits: Traits | null
  /** Whether the source says that it was made, or only that it was allowed. */
  readonly done: boolean
}

/** What tells a change from others of the same kind about the same resource: one value for each name, null for none. */
export type Traits = Readonly<Record<string, string | null>>

/** What a line or an entry says that somebody asked for, and could do. */
export interface Claim {
  readonly source: 'authorizer-log' | 'request-log' | 'journal'
  readonly coordinate: string
  /** Of the event of this very line, which is written unless its principal is excluded or the policy folds it. */
  readonly eventId: string
  readonly atMs: number
  /** The later moment of a local time that the zone had twice. */
  readonly orMs: number | null
  /** When it can have taken effect at the earliest, relative to its time. */
  readonly beforeMs: number
  /** When it can have taken effect at the latest, relative to its time. */
  readonly afterMs: number
  readonly principal: string | null
  readonly address: string | null
  readonly clientId: string | null
  /** What is the same in all lines of one request; null where lines carry none. */
  readonly requestKey: string | null
  readonly requestUid: string | null
  readonly operation: string
  /** A text of a client may have made the line. */
  readonly forgeable: boolean
  readonly changes: readonly ClaimedChange[]
}

/** What a request log calls a change, as kinds of the metadata log. */
const kindsOfItem: Readonly<Record<string, readonly ChangeKind[]>> = {
  'create-topic': ['topic-created'],
  'delete-topic': ['topic-deleted'],
  'create-partitions': ['partitions-added'],
  'alter-configs': ['config-changed'],
  'create-acl': ['acl-added'],
  'delete-acl': ['acl-removed'],
  'alter-quota': ['quota-changed'],
  'upsert-scram-credential': ['scram-changed'],
  'delete-scram-credential': ['scram-removed'],
  'update-feature': ['feature-changed'],
  'create-token': ['delegation-token-changed'],
  'renew-token': ['delegation-token-changed'],
  'expire-token': ['delegation-token-removed', 'delegation-token-changed'],
  'unregister-broker': ['broker-unregistered'],
  'reassign-partition': ['partitions-reassigned'],
  'elect-leader': ['unclean-leader-elected', 'leader-or-isr-changed']
}

/** Kinds of change that somebody asks for; brokers and controllers register, fence and elect by themselves. */
export const askedFor: ReadonlySet<ChangeKind> = new Set(
  Object.values(kindsOfItem)
    .flat()
    .filter(kind => kind !== 'unclean-leader-elected' && kind !== 'leader-or-isr-changed')
)

/** Null where the request can have changed nothing: refused, or only tried. */
export function claimOfRequest(line: RequestLine, windowMs: number): Claim | null {
  const { api, principal, clientId, correlationId, address, forwarded, items, errorCode, tookMs, time, forgeable, validateOnly } = line
  if (validateOnly || (errorCode !== null && errorCode !== 0)) return null
  const changes = items.filter(item => item.errorCode === 0 || item.errorCode === null).flatMap(item => claimedOf(item))
  if (changes.length === 0) return null
  const coordinate = placeOf(line)
  return {
    source: 'request-log',
    coordinate,
    eventId: eventIdOf('request.done', coordinate),
    atMs: time.atMs,
    orMs: time.orMs ?? null,
    // The line is written when the answer was sent.
    beforeMs: Math.min(Math.ceil(tookMs ?? windowMs), windowMs),
    afterMs: 0,
    principal,
    address: forwarded ? null : address,
    clientId,
    requestKey: JSON.stringify([principal, clientId, correlationId, api]),
    requestUid: `${clientId ?? ''}/${correlationId}`,
    operation: api,
    forgeable,
    changes
  }
}

function claimedOf({ change, resource, asked, errorCode }: RequestLine['items'][number]): ClaimedChange[] {
  const kinds = kindsOfItem[change]
  if (kinds === undefined) return []
  const id = resource.topicId ?? null
  const done = errorCode === 0
  const claimed = (resourceType: string, name: string | null, traits: Traits | null = null): ClaimedChange[] => [
    { kinds, resourceType, name, id, traits, done }
  ]
  switch (change) {
    case 'create-acl':
    case 'delete-acl':
      return claimed('acl', null, aclTraits(asked, resource.name))
    case 'alter-configs':
      return claimed(resource.type, resource.name, configTraits(asked['configs']))
    case 'alter-quota':
      return claimed('quota', quotaName(resource.name))
    case 'create-token':
    case 'renew-token':
    case 'expire-token':
      return claimed('delegation-token', resource.name)
    case 'reassign-partition':
    case 'elect-leader':
      return claimed('topic', resource.name?.replace(/-\d+$/, '') ?? null)
    default:
      return claimed(resource.type, resource.name)
  }
}

/** The request log writes Kafka's numbers where the metadata log's decoder writes words. */
function aclTraits(asked: Readonly<Record<string, JsonValue>>, resourceName: string | null): Traits | null {
  const { principal, host, operation, permissionType, resourceType, patternType } = asked
  if (typeof principal !== 'string' || typeof host !== 'string' || resourceName === null) return null
  return { ...aclCodesInWords({ resourceType, patternType, operation, permissionType }), resourceName, principal, host }
}

/** Settings that were named; without operations all others are taken away too, so that they tell nothing apart. */
function configTraits(configs: JsonValue | undefined): Traits | null {
  if (!Array.isArray(configs)) return null
  const traits: Record<string, string | null> = {}
  for (const config of configs as readonly JsonValue[]) {
    if (typeof config !== 'object' || config === null || Array.isArray(config)) return null
    const { name, operation, value } = config as Readonly<Record<string, JsonValue>>
    if (typeof name !== 'string' || typeof operation !== 'string') return null
    traits[name] = operation === 'delete' ? null : operation === 'set' && typeof value === 'string' && value !== hidden ? value : unsaid
  }
  return traits
}

const hidden = '[hidden]'
/** A value that the line does not say: it fits any. */
export const unsaid = '\u0000'

/** `{"client-id":null,"user":"a"}` as the metadata log's decoder names it: `client-id=<default>,user=a`. */
function quotaName(name: string | null): string | null {
  if (name === null) return null
  try {
    const entity = JSON.parse(name) as Readonly<Record<string, string | null>>
    return Object.entries(entity)
      .map(([type, each]) => `${type}=${each ?? '<default>'}`)
      .sort()
      .join(',')
  } catch {
    return name
  }
}

interface Grant {
  readonly kinds: readonly ChangeKind[]
  /** Null: the right is one on the cluster and names nothing. */
  readonly resourceType: string | null
}

/** What an allowed operation lets somebody change, by resource and operation of the authorizer (AclOperation and its use in ControllerApis). */
const grants: Readonly<Record<string, Grant>> = {
  'Topic CREATE': { kinds: ['topic-created'], resourceType: 'topic' },
  'Topic DELETE': { kinds: ['topic-deleted'], resourceType: 'topic' },
  'Topic ALTER': { kinds: ['partitions-added', 'partitions-reassigned'], resourceType: 'topic' },
  'Topic ALTER_CONFIGS': { kinds: ['config-changed'], resourceType: 'topic' },
  'Group ALTER_CONFIGS': { kinds: ['config-changed'], resourceType: 'group' },
  'User CREATE_TOKENS': { kinds: ['delegation-token-changed'], resourceType: null },
  'Cluster CREATE': { kinds: ['topic-created'], resourceType: null },
  'Cluster DELETE': { kinds: ['topic-deleted'], resourceType: null },
  'Cluster ALTER': {
    kinds: ['acl-added', 'acl-removed', 'scram-changed', 'scram-removed', 'feature-changed', 'partitions-reassigned', 'broker-unregistered'],
    resourceType: null
  },
  'Cluster ALTER_CONFIGS': { kinds: ['config-changed', 'quota-changed'], resourceType: null }
}

/** Which of these a request can change, where a right lets one do many things. */
const kindsOfRequest: Readonly<Record<string, readonly ChangeKind[]>> = {
  CreateAcls: ['acl-added'],
  DeleteAcls: ['acl-removed'],
  AlterUserScramCredentials: ['scram-changed', 'scram-removed'],
  UpdateFeatures: ['feature-changed'],
  AlterPartitionReassignments: ['partitions-reassigned'],
  CreatePartitions: ['partitions-added'],
  UnregisterBroker: ['broker-unregistered'],
  AlterClientQuotas: ['quota-changed'],
  AlterConfigs: ['config-changed'],
  IncrementalAlterConfigs: ['config-changed'],
  // Brokers ask for ALTER on the cluster to end a transaction.
  WriteTxnMarkers: []
}

/** Null for what was denied, and for rights that change nothing. */
export function claimOfAccess(line: AuthorizerLine, windowMs: number): Claim | null {
  const { allowed, operation, resourceType, resourceName, principal, address, request, time, forgeable, accessAsked } = line
  const grant = grants[`${resourceType} ${operation}`]
  if (!allowed || grant === undefined || accessAsked === false) return null
  const possible = kindsOfRequest[request]
  const kinds = possible === undefined ? grant.kinds : grant.kinds.filter(kind => possible.includes(kind))
  if (kinds.length === 0) return null
  const coordinate = placeOf(line)
  return {
    source: 'authorizer-log',
    coordinate,
    eventId: eventIdOf('access.allowed', coordinate),
    atMs: time.atMs,
    orMs: time.orMs ?? null,
    beforeMs: 0,
    // It is asked before anything is done.
    afterMs: windowMs,
    principal,
    address,
    clientId: null,
    requestKey: null,
    requestUid: null,
    operation: request === 'Envelope' ? operation : request,
    forgeable,
    changes: [{ kinds, resourceType: grant.resourceType, name: grant.resourceType === null ? null : resourceName, id: null, traits: null, done: false }]
  }
}

/** Null for an entry that says of no change that Reeve made it. */
export function claimOfJournal({ coordinate, entry, made }: JournalInput, principal: string | null, windowMs: number): Claim | null {
  if (made.length === 0) return null
  const earliestMs = Math.min(...made.map(({ fromMs }) => fromMs))
  return {
    source: 'journal',
    coordinate,
    eventId: eventIdOf('reeve.did', coordinate),
    atMs: entry.atMs,
    orMs: null,
    beforeMs: Math.min(Math.max(0, entry.atMs - earliestMs), windowMs),
    afterMs: 0,
    principal,
    address: null,
    clientId: entry.agent,
    requestKey: null,
    requestUid: entry.subject,
    operation: entry.kind,
    forgeable: false,
    changes: made.map(({ kind, resourceType, name, id }) => ({ kinds: [kind], resourceType, name, id, traits: null, done: true }))
  }
}
