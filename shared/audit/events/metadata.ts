import { z } from 'zod'
import type { AuditEvent } from '../event.ts'
import type { RoutineInput, UnknownRecordInput } from '../inputs.ts'
import { apiActivities, apiActivity, type Setting } from '../ocsf.ts'
import { anything, count } from '../schema-parts.ts'

export const unknownRecordUnmapped = z.object({ record: anything.describe('Type, version, length and keyed hash; never content.') })
export const routineUnmapped = z.object({ fromOffset: count, toOffset: count.describe('Exclusive.'), counts: anything.describe('By record type.') })

const nobody = { source: 'metadata-log', principal: null, address: null, resources: [], status: 'unknown' } as const

/** A record of the metadata log that this release cannot read: something was changed, and nobody can say here what. */
export function unknownRecordEvent(setting: Setting, { coordinate, timestampMs, record }: UnknownRecordInput): AuditEvent {
  return apiActivity(setting, {
    ...nobody,
    eventType: 'metadata.unknown',
    coordinate,
    timestampMs,
    activity: apiActivities.other('Unknown'),
    severity: 'medium',
    operation: 'unknown-record',
    message: 'A record of the metadata log could not be read.',
    unmapped: { record }
  })
}

/** Records that change nothing an auditor asks for, counted, so that every offset is accounted for. */
export function routineEvent(setting: Setting, { coordinate, timestampMs, fromOffset, toOffset, counts }: RoutineInput): AuditEvent {
  const sum = Object.values(counts).reduce((all, each) => all + each, 0)
  return apiActivity(setting, {
    ...nobody,
    eventType: 'metadata.routine',
    coordinate,
    timestampMs,
    activity: apiActivities.other('Routine'),
    severity: 'informational',
    operation: 'routine',
    message: `${sum} records of the metadata log were routine.`,
    unmapped: { fromOffset, toOffset, counts }
  })
}
