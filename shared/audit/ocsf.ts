import type { JsonValue } from '../domain/json.ts'
import { type Bounds, bounded, boundedText, bytesAsIs, type Loose, shortText } from './bounds.ts'
import { eventIdOf } from './event-id.ts'
import type { AuditEvent, AuditSource, OcsfPayload } from './event.ts'

/** What all events of one mirror have in common. */
export interface Setting {
  readonly clusterId: string
  readonly environment: string | null
  /** The audit topic. */
  readonly logName: string
  /** Where a client address lies, for example `eu-central-1`; null where nobody knows. */
  readonly regionOf: (address: string) => string | null
}

/** The result: done, refused or failed, or not known. */
export type Status = 'success' | 'failure' | 'unknown'

export interface Resource {
  /** Kafka's own word: Topic, Group, Cluster, User, … */
  readonly type: string
  readonly name: string | null
  /** For example the topic id. */
  readonly id?: string | null
}

/** The seven Ws of an event and what it adds. Text may have any length: it is cut where it must be. */
export interface EventFacts {
  readonly eventType: string
  readonly source: AuditSource
  /** The place in the source; each place once for each event type. */
  readonly coordinate: string
  /** The source's own time, epoch milliseconds. */
  readonly timestampMs: number
  /** OCSF's activity of the class. */
  readonly activity: Activity
  readonly severity: Severity
  /** Who: a principal as Kafka writes it; null where nobody knows. */
  readonly principal: string | null
  readonly clientId?: string | null
  /** Where: the client's address; null where nobody knows. */
  readonly address: string | null
  /** How: the API or operation, as Kafka calls it. */
  readonly operation: string
  /** Why, as far as anybody knows: what names the request. */
  readonly requestUid?: string | null
  readonly resources: readonly Resource[]
  readonly status: Status
  readonly statusCode?: string | null
  readonly correlationId?: string | null
  readonly causationId?: string | null
  readonly sessionId?: string | null
  readonly traceId?: string | null
  /** First and last time and how many, of an event that stands for several. */
  readonly counted?: { readonly count: number; readonly firstMs: number; readonly lastMs: number }
  /** One sentence. */
  readonly message: string
  readonly unmapped: { readonly [name: string]: Loose }
}

export interface Activity {
  readonly id: number
  readonly name: string
}

export type Severity = 'informational' | 'low' | 'medium' | 'high'

/** Activities of API Activity 6003. */
export const apiActivities = {
  create: { id: 1, name: 'Create' },
  read: { id: 2, name: 'Read' },
  update: { id: 3, name: 'Update' },
  delete: { id: 4, name: 'Delete' },
  other: (name: string): Activity => ({ id: 99, name })
} as const

/** Activities of Datastore Activity 6005. */
export const datastoreActivities = {
  read: { id: 1, name: 'Read' },
  update: { id: 2, name: 'Update' },
  write: { id: 5, name: 'Write' },
  create: { id: 6, name: 'Create' },
  delete: { id: 7, name: 'Delete' },
  list: { id: 8, name: 'List' },
  other: (name: string): Activity => ({ id: 99, name })
} as const

/** The one of Authentication 3002 that Kafka has. */
export const logon: Activity = { id: 1, name: 'Logon' }

/** Of Event Log Activity 1008: a log tells of itself. */
export const logActivity = (name: string): Activity => ({ id: 99, name })

/** API Activity 6003: something was asked for or changed. */
export function apiActivity(setting: Setting, facts: EventFacts): AuditEvent {
  const classes = { class_uid: 6003, class_name: 'API Activity', category_uid: 6, category_name: 'Application Activity' } as const
  return event(setting, facts, classes, { actor: actor(facts), src_endpoint: endpoint(setting, facts), api: api(facts), resources: resources(facts) })
}

/** Datastore Activity 6005: data was read or written. */
export function datastoreActivity(setting: Setting, facts: EventFacts): AuditEvent {
  const classes = { class_uid: 6005, class_name: 'Datastore Activity', category_uid: 6, category_name: 'Application Activity' } as const
  const topic = facts.resources.find(({ type, name }) => type === 'Topic' && name !== null)
  return event(setting, facts, classes, {
    actor: actor(facts),
    src_endpoint: endpoint(setting, facts),
    api: api(facts),
    resources: resources(facts),
    type: 'Kafka topic',
    type_id: 99,
    database: { name: setting.clusterId, type: 'Kafka cluster', type_id: 99 },
    table: topic && { name: topic.name, uid: topic.id ?? undefined }
  })
}

/** Authentication 3002: somebody logged in, or was refused. */
export function authentication(setting: Setting, facts: EventFacts & { readonly mechanism: string | null; readonly listener: string | null }): AuditEvent {
  const classes = { class_uid: 3002, class_name: 'Authentication', category_uid: 3, category_name: 'Identity & Access Management' } as const
  return event(setting, facts, classes, {
    user: user(facts.principal),
    src_endpoint: endpoint(setting, facts),
    service: { name: 'Kafka', uid: setting.clusterId },
    dst_endpoint: facts.listener === null ? undefined : { name: facts.listener },
    auth_protocol: facts.mechanism ?? undefined,
    auth_protocol_id: facts.mechanism === null ? 0 : 99,
    is_remote: true,
    api: api(facts)
  })
}

/** Event Log Activity 1008: the audit log about itself. */
export function logEvent(setting: Setting, facts: Omit<EventFacts, 'principal' | 'address' | 'operation' | 'resources'>): AuditEvent {
  const classes = { class_uid: 1008, class_name: 'Event Log Activity', category_uid: 1, category_name: 'System Activity' } as const
  const nobody = { principal: null, address: null, operation: '', resources: [] }
  return event(setting, { ...facts, ...nobody }, classes, { log_name: setting.logName, log_provider: 'Reeve', log_type: 'Application', log_type_id: 2 })
}

const statusIds = { unknown: 0, success: 1, failure: 2 } as const
const statusNames = { unknown: 'Unknown', success: 'Success', failure: 'Failure' } as const
const severities = { informational: [1, 'Informational'], low: [2, 'Low'], medium: [3, 'Medium'], high: [4, 'High'] } as const

/** Within these an entry fits 65,535 bytes with room for its envelope, six texts of at most 500 bytes, and for its place in the chain. */
const mostPayloadBytes = 56_000
const mostTextBytes = 500
const whole: ReadonlySet<string> = new Set(['metadata', 'unmapped'])
const mostCoordinateBytes = 1_000
const besideMembersBytes = mostCoordinateBytes + 100
/** From roomy to tight: the first within which the event fits is taken. */
const levels: readonly Bounds[] = [
  { textBytes: 4_000, items: 200 },
  { textBytes: 1_000, items: 50 },
  { textBytes: 200, items: 20 },
  { textBytes: 100, items: 6 }
]

function event(
  setting: Setting,
  facts: EventFacts,
  classes: Pick<OcsfPayload, 'class_uid'> & Readonly<Record<string, Loose>>,
  parts: Readonly<Record<string, Loose>>
): AuditEvent {
  const coordinate = shortText(facts.coordinate, mostCoordinateBytes)
  const eventId = eventIdOf(facts.eventType, coordinate)
  const short = (text: string | null | undefined): string | null => (text === null || text === undefined ? null : shortText(text, mostTextBytes))
  const correlationId = short(facts.correlationId)
  const timestampMs = Math.round(facts.timestampMs)
  const base = {
    eventId,
    eventType: facts.eventType,
    source: facts.source,
    timestampMs,
    correlationId,
    causationId: short(facts.causationId),
    metadata: { userId: short(facts.principal), sessionId: short(facts.sessionId), traceId: short(facts.traceId), environment: short(setting.environment) }
  }
  const [severityId, severity] = severities[facts.severity]
  const { counted } = facts
  const raw: Readonly<Record<string, Loose>> = {
    ...classes,
    type_uid: classes.class_uid * 100 + facts.activity.id,
    activity_id: facts.activity.id,
    activity_name: facts.activity.name,
    severity_id: severityId,
    severity,
    time: timestampMs,
    message: facts.message,
    status: statusNames[facts.status],
    status_id: statusIds[facts.status],
    status_code: facts.statusCode ?? undefined,
    ...(counted && { count: counted.count, start_time: counted.firstMs, end_time: counted.lastMs, duration: counted.lastMs - counted.firstMs }),
    ...parts,
    metadata: {
      version: '1.9.0-dev',
      product: { name: 'Reeve', vendor_name: 'Reeve' },
      profiles: ['record_integrity'],
      uid: eventId,
      log_name: setting.logName,
      log_provider: facts.source,
      tenant_uid: setting.clusterId,
      correlation_uid: correlationId ?? undefined
    },
    unmapped: { ...facts.unmapped, coordinate: undefined }
  }
  return { ...base, payload: fitting(raw, coordinate) }
}

/** The payload within the first level of bounds in which the event fits: `raw` itself where nothing of it must be changed, as most. */
function fitting(raw: Readonly<Record<string, Loose>>, coordinate: string): OcsfPayload {
  if (mostBytesOf(raw) <= mostPayloadBytes) {
    const unmapped = raw['unmapped'] as Record<string, Loose>
    unmapped['coordinate'] = coordinate
    return raw as unknown as OcsfPayload
  }
  const first = within(raw, coordinate, levels[0]!)
  // Measured only where it is not short for certain.
  if (first.mostBytes <= mostPayloadBytes) return first.payload
  let { payload } = first
  for (const level of levels.slice(1)) {
    if (fits(payload)) return payload
    payload = within(raw, coordinate, level).payload
  }
  return fits(payload) ? payload : flattened(payload, coordinate)
}

/** Infinity where something of it must be changed. */
function mostBytesOf(raw: Readonly<Record<string, Loose>>): number {
  let bytes = besideMembersBytes
  for (const name of Object.keys(raw)) {
    const value = raw[name]
    if (value === undefined) continue
    bytes += name.length + 6 + (whole.has(name) ? mostBytesOf(value as Readonly<Record<string, Loose>>) : bytesAsIs(value, levels[0]!))
  }
  return bytes
}

/** Bounds hold for each member of the payload, of its metadata and of what is unmapped: these themselves are never cut. */
function within(raw: Readonly<Record<string, Loose>>, coordinate: string, bounds: Bounds): { payload: OcsfPayload; mostBytes: number } {
  let cut = false
  let mostBytes = besideMembersBytes
  const members = (object: Readonly<Record<string, Loose>>): Record<string, JsonValue> => {
    const kept: Record<string, JsonValue> = {}
    for (const name of Object.keys(object)) {
      const value = object[name]
      if (value === undefined) continue
      mostBytes += name.length + 6
      if (whole.has(name)) kept[name] = members(value as Readonly<Record<string, Loose>>)
      else {
        const part = bounded(value, bounds)
        kept[name] = part.value
        cut ||= part.cut
        mostBytes += part.mostBytes
      }
    }
    return kept
  }
  const payload = members(raw)
  const { metadata, unmapped } = payload as { metadata: Record<string, JsonValue>; unmapped: Record<string, JsonValue> }
  if (cut) metadata['is_truncated'] = true
  unmapped['coordinate'] = coordinate
  return { payload: payload as unknown as OcsfPayload, mostBytes }
}

function fits(payload: OcsfPayload): boolean {
  return Buffer.byteLength(JSON.stringify(payload)) <= mostPayloadBytes
}

/** The last resort, for what has many members in many levels: each part as the beginning of its own JSON. */
function flattened(payload: OcsfPayload, coordinate: string): OcsfPayload {
  const flat = Object.entries(payload).map(([name, value]) => [name, whole.has(name) ? value : beginning(value)] as const)
  const unmapped = Object.fromEntries(Object.entries(payload.unmapped).map(([name, value]) => [name, beginning(value)]))
  const metadata = { ...payload.metadata, is_truncated: true }
  return { ...Object.fromEntries(flat), metadata, unmapped: { ...unmapped, coordinate } } as unknown as OcsfPayload
}

function beginning(value: JsonValue): JsonValue {
  return typeof value === 'object' && value !== null ? boundedText(JSON.stringify(value), 200) : value
}

function user(principal: string | null): Loose {
  return principal === null ? { name: 'unknown', type_id: 0 } : { name: principal, type_id: 99 }
}

function actor({ principal, clientId }: EventFacts): Loose {
  return { user: user(principal), app_name: clientId ?? undefined }
}

function endpoint({ regionOf }: Setting, { address }: EventFacts): Loose {
  if (address === null) return { name: 'unknown' }
  const region = regionOf(address)
  return { ip: address, location: region === null ? undefined : { region } }
}

function api({ operation, requestUid }: EventFacts): Loose {
  return { operation, service: { name: 'Kafka' }, request: requestUid === null || requestUid === undefined ? undefined : { uid: requestUid } }
}

function resources({ resources: list }: EventFacts): Loose {
  return list.map(({ type, name, id }) => ({ type, name: name ?? undefined, uid: id ?? undefined }))
}
