import { z } from 'zod'
import type { AuthorizerFacts } from '../../broker-logs/authorizer-line.ts'
import type { Loose } from '../bounds.ts'
import type { AuditEvent } from '../event.ts'
import type { AuthorizerLine } from '../inputs.ts'
import { type Activity, apiActivities, apiActivity, datastoreActivities, datastoreActivity, type EventFacts, type Setting } from '../ocsf.ts'
import { bound, count, moment, text } from '../schema-parts.ts'
import { lineFacts, lineUnmapped, placeOf } from './line.ts'

export const accessUnmapped = z.object({ ...lineUnmapped, request: text, resourceRefCount: z.number().int(), rule: text.describe('The rule that decided.') })

const datastore: Readonly<Record<string, Activity>> = {
  READ: datastoreActivities.read,
  WRITE: datastoreActivities.write,
  CREATE: datastoreActivities.create,
  DELETE: datastoreActivities.delete,
  ALTER: datastoreActivities.update,
  ALTER_CONFIGS: datastoreActivities.update,
  DESCRIBE: datastoreActivities.list,
  DESCRIBE_CONFIGS: datastoreActivities.list
}
const api: Readonly<Record<string, Activity>> = {
  READ: apiActivities.read,
  DESCRIBE: apiActivities.read,
  DESCRIBE_CONFIGS: apiActivities.read,
  CREATE: apiActivities.create,
  DELETE: apiActivities.delete,
  ALTER: apiActivities.update,
  ALTER_CONFIGS: apiActivities.update,
  WRITE: apiActivities.update
}

/** One line of the authorizer log: what was asked and whether it was allowed. Whether it was done is not in it. */
export function accessEvent(setting: Setting, line: AuthorizerLine): AuditEvent {
  const { principal, allowed, operation, address, resourceType, resourceName, request, resourceRefCount, rule, time } = line
  const unmapped: Readonly<Record<string, Loose>> = { ...lineFacts(line), request, resourceRefCount, rule }
  const facts: Omit<EventFacts, 'activity'> = {
    eventType: allowed ? 'access.allowed' : 'access.denied',
    source: 'authorizer-log',
    coordinate: placeOf(line),
    timestampMs: time.atMs,
    severity: allowed ? 'informational' : 'medium',
    principal,
    address,
    operation,
    resources: [{ type: resourceType, name: resourceName }],
    // Allowed is not done.
    status: allowed ? 'unknown' : 'failure',
    statusCode: allowed ? 'Allowed' : 'Denied',
    message: `${bound(principal)} was ${allowed ? 'allowed' : 'denied'} ${operation} on ${resourceType} ${bound(resourceName)}.`,
    unmapped
  }
  return isData({ resourceType, operation })
    ? datastoreActivity(setting, { ...facts, activity: datastore[operation] ?? datastoreActivities.other(operation) })
    : apiActivity(setting, { ...facts, activity: api[operation] ?? apiActivities.other(operation) })
}

/** Reading and writing of topics is access to data, anything else is a request. */
function isData({ resourceType, operation }: Pick<AuthorizerFacts, 'resourceType' | 'operation'>): boolean {
  return resourceType === 'Topic' && (operation === 'READ' || operation === 'WRITE')
}

/** Lines of one kind of one source in one minute of source time. */
export interface FoldedLines {
  readonly sourceId: string
  readonly coordinate: string
  readonly minuteMs: number
  readonly lines: number
  readonly firstMs: number
  readonly lastMs: number
  readonly firstCoordinate: string
  readonly lastCoordinate: string
  /** Why it was closed before its minute was over: there may be more. */
  readonly early: 'full' | 'silent' | 'clock' | null
  /** Came after its minute was closed: the event that this one corrects, if that minute had one. */
  readonly corrects: { readonly eventId: string; readonly coordinate: string } | null
}

/** Accesses that were counted together. Null where the policy only counts. */
export interface FoldedAccess extends FoldedLines {
  readonly kind: 'access'
  readonly principal: string | null
  readonly address: string | null
  readonly resourceType: string
  readonly resourceName: string | null
  readonly operation: string
  readonly requests: readonly string[]
  readonly resourceRefCount: number
}

/** What all events say that stand for several lines. */
export const foldedLines = {
  sourceId: text,
  minute: moment.describe('The minute of source time.'),
  lines: count,
  firstCoordinate: text,
  lastCoordinate: text,
  early: z.enum(['full', 'silent', 'clock']).optional().describe('Why it was closed before the minute was over: there may be more of it.'),
  corrects: z.object({ eventId: z.string(), coordinate: text }).optional().describe('The event of the same kind of the same minute, where there was one.')
}

export const foldedUnmapped = z.object({
  ...foldedLines,
  requests: z.array(z.string()),
  resourceRefCount: count.describe('Sum over the lines.')
})

export function foldedFacts({ sourceId, minuteMs, lines, firstCoordinate, lastCoordinate, early, corrects }: FoldedLines): Record<string, Loose> {
  return { sourceId, minute: minuteMs, lines, firstCoordinate, lastCoordinate, early: early ?? undefined, corrects: corrects ?? undefined }
}

/** Accesses that were counted together, or those that came late. */
export function foldedEvent(setting: Setting, folded: FoldedAccess): AuditEvent {
  const { operation, principal, address, resourceType, resourceName, lines, firstMs, lastMs, corrects, requests, resourceRefCount } = folded
  const who = principal === null ? 'Somebody' : bound(principal)
  const what = resourceName === null ? `${resourceType}s` : `${resourceType} ${bound(resourceName)}`
  return datastoreActivity(setting, {
    eventType: corrects ? 'access.corrected' : 'access.folded',
    source: 'authorizer-log',
    coordinate: folded.coordinate,
    timestampMs: folded.minuteMs,
    activity: datastore[operation] ?? datastoreActivities.other(operation),
    severity: 'informational',
    principal,
    address,
    operation,
    resources: [{ type: resourceType, name: resourceName }],
    status: 'unknown',
    statusCode: 'Allowed',
    causationId: corrects?.eventId ?? null,
    counted: { count: lines, firstMs, lastMs },
    message: `${who} was allowed ${operation} on ${what} ${lines} ${lines === 1 ? 'time' : 'times'}${corrects ? ', told late' : ''}.`,
    unmapped: { ...foldedFacts(folded), requests, resourceRefCount }
  })
}
