import { formatDuration } from '#shared/domain/duration.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import { count } from '#shared/render/table.ts'
import type { EventSeen } from './seen.ts'

type Loose = Readonly<Record<string, JsonValue | undefined>>

const objectIn = (value: JsonValue | undefined): Loose | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : null
const textIn = (value: JsonValue | undefined): string => (typeof value === 'number' ? count(value) : typeof value === 'string' ? value : '?')
const spanIn = (value: JsonValue | undefined): string => (typeof value === 'number' ? formatDuration(value) : textIn(value))

export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString()
}

/** What was changed into what, as short as it goes; empty where the name says all. */
export function detailOf({ eventType, unmapped: { before, after } }: EventSeen): string {
  if (eventType === 'config.changed') {
    const was = objectIn(before)
    return Object.entries(objectIn(after) ?? {})
      .map(([name, value]) => `${name}: ${textOrNone(was?.[name])} → ${textOrNone(value)}`)
      .join(', ')
  }
  const acl = objectIn(after)
  return eventType === 'acl.added' && acl
    ? `${textIn(acl['permission'])} ${textIn(acl['principal'])} ${textIn(acl['operation'])} on ${textIn(acl['resourceName'])}`
    : ''
}

/** What follows of a change, in one sentence; null where nothing was computed. */
export function followsOf({ unmapped: { consequence } }: EventSeen): string | null {
  const given = objectIn(consequence)
  if (given === null) return null
  if (given['unknown'] !== undefined) return `what follows is not known: ${textIn(given['unknown'])}`
  const retention = objectIn(given['retention'])
  const span = objectIn(retention?.['retentionMs'])
  if (retention && span)
    return `kept ${spanIn(span['after'])} instead of ${spanIn(span['before'])}: ${textIn(retention['offsetsNewlyDeletable'])} offsets may be deleted from ${textIn(retention['deletableFrom'])} on`
  if (given['effect'] !== undefined)
    return `${textIn(given['principal'])} ${given['effect'] === 'nothing' ? 'gains nothing' : `${textIn(given['effect'])} ${(given['operations'] as readonly string[]).join(', ')}`} on ${textIn(given['resourceName'])}`
  if (given['irreversible'] === true && given['offsets'] !== undefined) return `${textIn(given['offsets'])} offsets are gone, and do not come back`
  return null
}

function textOrNone(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : 'none'
}
