import { z } from 'zod'
import type { AuditEvent } from '../event.ts'
import { eventIdOf } from '../event-id.ts'
import type { Judgement } from '../matching.ts'
import { apiActivities, apiActivity, type Setting } from '../ocsf.ts'
import type { OpenChange } from '../open-change.ts'
import { anything, bound, count, listOf, moment, text } from '../schema-parts.ts'
import { changedResource } from './change.ts'

export const attributionUnmapped = z.object({
  certainty: z.enum(['exact', 'probable', 'ambiguous', 'none']),
  candidates: listOf(
    z.object({
      principal: text.nullable(),
      address: text.nullable(),
      clientId: text.nullable(),
      operation: text,
      requestUid: text.nullable(),
      rank: count.describe('How well it fits: 4 by topic id, 3 by name and result, 2 by name, 1 by a right on the cluster.'),
      hearsay: z.boolean().describe("True where a client's text could have made all its lines."),
      evidence: listOf(text).describe('Coordinates of its lines.')
    })
  ).describe('All of them, the best first.'),
  watermarks: anything.describe('How far each source had come, at least; null for one that was never heard of.'),
  decidedFor: moment.describe('All sources that were not silent had come so far.'),
  late: z.boolean().optional().describe('The change came so late that lines about it may have been forgotten: none was taken.'),
  early: z.boolean().optional().describe('There were too many open changes: decided before its time.'),
  toldLate: z
    .object({
      byMs: count.describe('How far the source had come beyond the time of the line when it brought it.'),
      unattributed: z.string().describe('The event that said that nobody is known to have made it.')
    })
    .optional()
    .describe('A line that came late says so, after it was said that nobody is known to have made it.'),
  forgotten: z.boolean().optional().describe('There were too many lines: some that could fit were forgotten.')
})

export interface Attribution {
  readonly change: OpenChange
  readonly judgement: Judgement
  readonly decidedForMs: number
  readonly watermarks: Readonly<Record<string, number | null>>
  readonly early: boolean
  readonly forgotten: boolean
  /** The line that came first says it late. */
  readonly toldLate: { readonly byMs: number } | null
}

/** Who made a change, or that nobody is known to have made it. */
export function attributionEvent(setting: Setting, attribution: Attribution): AuditEvent {
  const { change, judgement, decidedForMs, watermarks, early, forgotten, toldLate } = attribution
  const { certainty, candidates } = judgement
  const named = certainty === 'exact' || certainty === 'probable' ? candidates[0]! : null
  const what = `${change.kind} of ${change.resourceType} ${bound(change.name ?? change.id ?? '')}`.trimEnd()
  const messages = {
    exact: `${bound(named?.principal ?? '')} made the change ${what}.`,
    probable: `${bound(named?.principal ?? '')} probably made the change ${what}.`,
    ambiguous: `One of ${candidates.length} made the change ${what}.`,
    none: `Nobody is known to have made the change ${what}.`
  }
  return apiActivity(setting, {
    eventType: certainty === 'none' ? 'change.unattributed' : 'change.attributed',
    source: 'mirror',
    coordinate: change.coordinate,
    timestampMs: change.timestampMs,
    activity: apiActivities.other('Attribute'),
    severity: certainty === 'none' ? 'medium' : 'informational',
    principal: named?.principal ?? null,
    clientId: named?.clientId ?? null,
    address: named?.address ?? null,
    operation: named?.operation ?? change.kind,
    requestUid: named?.requestUid ?? null,
    correlationId: named?.requestUid ?? null,
    causationId: change.eventId,
    resources: [changedResource({ type: change.resourceType, name: change.name, id: change.id })],
    status: 'success',
    message: `${messages[certainty]}${toldLate ? ' It was told late.' : ''}`,
    unmapped: {
      certainty,
      candidates: candidates.map(candidate => ({ ...candidate })),
      watermarks,
      decidedFor: decidedForMs,
      late: change.late || undefined,
      early: early || undefined,
      forgotten: forgotten || undefined,
      toldLate: toldLate ? { byMs: toldLate.byMs, unattributed: eventIdOf('change.unattributed', change.coordinate) } : undefined
    }
  })
}
