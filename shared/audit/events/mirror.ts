import { z } from 'zod'
import type { JsonValue } from '../../domain/json.ts'
import type { AuditEvent } from '../event.ts'
import { logActivity, logEvent, type Setting } from '../ocsf.ts'
import { anything, bound, text } from '../schema-parts.ts'

export const gapUnmapped = z.object({ sourceId: text.optional(), from: anything, to: anything, reason: text })
export const excludedUnmapped = z.object({ principals: anything.describe('Who is not mirrored from now on.'), reason: text })
export const driftedUnmapped = z.object({ findings: anything.describe('What is, and what should be.') })
export const unparsedUnmapped = z.object({
  reason: text,
  length: z.number().int().describe('Bytes.'),
  sha256: z.string(),
  flaws: z.array(z.string()),
  timeFrom: z.enum(['line', 'line-before', 'unknown']).describe('Where `time` is from; 1970 where nobody knows.')
})

/** What a source lost, from one of its positions to another. The coordinate names the gap, the same each time it is found. */
export function gapEvent(
  setting: Setting,
  gap: {
    readonly sourceId: string
    readonly coordinate: string
    readonly timestampMs: number
    readonly from: JsonValue
    readonly to: JsonValue
    readonly reason: string
  }
): AuditEvent {
  const { sourceId, coordinate, timestampMs, from, to, reason } = gap
  return logEvent(setting, {
    eventType: 'audit.gap',
    source: 'mirror',
    coordinate,
    timestampMs,
    activity: logActivity('Gap'),
    severity: 'high',
    status: 'failure',
    message: `${bound(sourceId)} lost something: ${bound(reason)}.`,
    unmapped: { sourceId, from, to, reason }
  })
}

/** Who is not mirrored from now on, and why. Comes before the first line that is left out for it. */
export function excludedEvent(
  setting: Setting,
  exclusion: { readonly coordinate: string; readonly timestampMs: number; readonly principals: readonly string[]; readonly reason: string }
): AuditEvent {
  const { coordinate, timestampMs, principals, reason } = exclusion
  return logEvent(setting, {
    eventType: 'audit.excluded',
    source: 'mirror',
    coordinate,
    timestampMs,
    activity: logActivity('Exclude'),
    severity: 'low',
    status: 'success',
    message: `${principals.length} ${principals.length === 1 ? 'principal is' : 'principals are'} not mirrored from now on.`,
    unmapped: { principals: principals.toSorted(), reason }
  })
}

/** The audit topic's settings or rights are not what they should be. */
export function driftedEvent(
  setting: Setting,
  drift: {
    readonly coordinate: string
    readonly timestampMs: number
    readonly findings: readonly { readonly what: string; readonly is: JsonValue; readonly expected: JsonValue }[]
  }
): AuditEvent {
  const { coordinate, timestampMs, findings } = drift
  return logEvent(setting, {
    eventType: 'audit.drifted',
    source: 'mirror',
    coordinate,
    timestampMs,
    activity: logActivity('Drift'),
    severity: 'high',
    status: 'failure',
    message: `The audit topic is not as it should be: ${bound(findings.map(({ what }) => what).join(', '))}.`,
    unmapped: { findings: findings.map(finding => ({ ...finding })) }
  })
}

/** A line that could not be read. Its text is not kept, for it may hold a secret. */
export function unparsedEvent(
  setting: Setting,
  line: {
    readonly coordinate: string
    /** Of the line, or of the one before it; null where nobody knows. */
    readonly timestampMs: number | null
    readonly timeFrom: 'line' | 'line-before' | 'unknown'
    readonly reason: string
    readonly lengthBytes: number
    readonly sha256: string
    readonly flaws: readonly string[]
  }
): AuditEvent {
  const { coordinate, timestampMs, timeFrom, reason, lengthBytes, sha256, flaws } = line
  return logEvent(setting, {
    eventType: 'line.unparsed',
    source: 'mirror',
    coordinate,
    timestampMs: timestampMs ?? 0,
    activity: logActivity('Unparsed'),
    severity: 'low',
    status: 'unknown',
    message: `A line of ${lengthBytes} bytes could not be read: ${reason}.`,
    unmapped: { reason, length: lengthBytes, sha256, flaws, timeFrom }
  })
}
