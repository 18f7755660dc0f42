import { z } from 'zod'
import type { AuditEvent } from '../event.ts'
import type { RequestLine } from '../inputs.ts'
import { apiActivities, apiActivity, type Activity, type Setting, type Status } from '../ocsf.ts'
import { anything, bound, listOf, text } from '../schema-parts.ts'
import { lineFacts, lineUnmapped, placeOf } from './line.ts'

export const requestUnmapped = z.object({
  ...lineUnmapped,
  apiVersion: z.number().int(),
  requestCorrelationId: z.number().int(),
  forwarded: z.boolean().describe('True on the controller where a broker passed the request on: the second line of the same request.'),
  listener: text,
  securityProtocol: text,
  software: z.object({ name: text, version: text }).nullable(),
  tookTimeMs: z.union([z.number().int(), z.string()]).nullable(),
  validateOnly: z.boolean().describe('True where nothing was to be changed.'),
  errorCode: z.number().int().nullable().describe('Of the request as a whole, where its answer has one.'),
  items: listOf(anything).describe('What was asked for, and the result of each.')
})

/** What ties the lines and changes of one request together. Correlation ids start anew with each connection. */
export function requestUid({ clientId, correlationId }: Pick<RequestLine, 'clientId' | 'correlationId'>): string {
  return `${clientId ?? ''}/${correlationId}`
}

/** One completed request that changes something, with its result by item. */
export function requestEvent(setting: Setting, line: RequestLine): AuditEvent {
  const { api, principal, clientId, address, forwarded, items, errorCode, time } = line
  const uid = requestUid(line)
  const failed = items.filter(item => item.errorCode !== null && item.errorCode !== 0).length
  return apiActivity(setting, {
    eventType: 'request.done',
    source: 'request-log',
    coordinate: placeOf(line),
    timestampMs: time.atMs,
    activity: activityOf(api),
    severity: 'informational',
    principal,
    clientId,
    // On the controller it is the broker who is connected.
    address: forwarded ? null : address,
    operation: api,
    requestUid: uid,
    correlationId: uid,
    resources: items.map(({ resource: { type, name, topicId } }) => ({ type, name, id: topicId ?? null })),
    status: statusOf(line),
    statusCode: errorCode === null ? null : String(errorCode),
    message: `${bound(principal)} asked for ${api}: ${items.length} ${items.length === 1 ? 'item' : 'items'}, ${failed} refused.`,
    unmapped: {
      ...lineFacts(line),
      apiVersion: line.apiVersion,
      requestCorrelationId: line.correlationId,
      forwarded,
      listener: line.listener,
      securityProtocol: line.securityProtocol,
      software: line.software === null ? null : { name: line.software.name, version: line.software.version },
      tookTimeMs: line.tookMs,
      validateOnly: line.validateOnly,
      errorCode,
      items: items.map(({ change, resource, errorCode: code, asked }) => ({ change, resource: { ...resource }, errorCode: code, asked }))
    }
  })
}

function statusOf({ errorCode, items }: RequestLine): Status {
  if (errorCode !== null && errorCode !== 0) return 'failure'
  if (items.some(item => item.errorCode !== null && item.errorCode !== 0)) return 'failure'
  return items.length > 0 && items.every(item => item.errorCode === 0) ? 'success' : 'unknown'
}

function activityOf(api: string): Activity {
  if (/^(CREATE|ADD)_/.test(api)) return apiActivities.create
  if (/^(DELETE|REMOVE|EXPIRE|UNREGISTER)_|_DELETE$/.test(api)) return apiActivities.delete
  return apiActivities.update
}
