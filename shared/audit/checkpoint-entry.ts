import { hash } from 'node:crypto'
import type { JsonValue } from '../domain/json.ts'
import type { AuditEvent } from './event.ts'
import { eventIdOf } from './event-id.ts'

/** Where the log's own entries stand: their coordinate is their place in the log. */
interface OwnPlace {
  readonly origin: string
  readonly sequence: number
  readonly timestampMs: number
}

/** The end of another log, which this one goes on from. */
export interface Continued {
  readonly origin: string
  readonly size: number
  readonly root: string
}

/** What whoever runs the log knows and a checkpoint says: README.md, section 5. */
export interface Circumstances {
  /** Who could destroy the topic; what is unknown, and why. */
  readonly powers: JsonValue
  /** Principals that are not mirrored, with counts. */
  readonly excluded: JsonValue
  /** Sources not heard of, and since when. */
  readonly silent: JsonValue
}

/** OCSF Event Log Activity 1008, whose activities are 6 Start and 99 Other among others. */
const activities = { start: { id: 6, name: 'Start' }, other: (name: string) => ({ id: 99, name }) }

/** The first entry of a log. */
export function beganEvent(place: OwnPlace, log: { readonly vkey: string; readonly topicId: string; readonly continues: Continued | null }): AuditEvent {
  const { vkey, topicId, continues } = log
  return ownEvent('audit.began', activities.start, place, { origin: place.origin, vkey, topicId, ...(continues && { continues: { ...continues } }) })
}

/** The last entry that a checkpoint covers. `trailer` is the hash of the last trailer before it, null where there is none. */
export function checkpointEvent(place: OwnPlace, log: { readonly trailer: string | null; readonly epoch: number } & Circumstances): AuditEvent {
  const { trailer, epoch, powers, excluded, silent } = log
  return ownEvent('audit.checkpoint', activities.other('Checkpoint'), place, { trailer, epoch, powers, excluded, silent })
}

/** The statement that both keys sign: README.md, section 8. */
export function rotationStatement(place: Pick<OwnPlace, 'origin' | 'sequence'>, oldVkey: string, newVkey: string): string {
  return `reeve.audit key rotation\n${place.origin}\n${place.sequence}\n${oldVkey}\n${newVkey}\n`
}

/** From the next entry on the new key signs. */
export function keyRotatedEvent(
  place: OwnPlace,
  rotation: { readonly oldVkey: string; readonly newVkey: string; readonly byOld: string; readonly byNew: string }
): AuditEvent {
  const { oldVkey, newVkey, byOld, byNew } = rotation
  const statement = rotationStatement(place, oldVkey, newVkey)
  return ownEvent('audit.key-rotated', activities.other('Rotate key'), place, { rotation: { statement, byOld, byNew } })
}

/** In the place of an event that no entry can hold: its loss, declared. */
export function unsealableEvent(lost: AuditEvent, reason: string): AuditEvent {
  const whole = lost.payload.unmapped.coordinate.toWellFormed()
  const coordinate = whole.length > 1_000 ? `${whole.slice(0, 900)}…${hash('sha256', whole, 'hex')}`.toWellFormed() : whole
  const place = { timestampMs: lost.timestampMs, coordinate: `${lost.eventType}@${coordinate}` }
  return mirrorEvent('audit.gap', activities.other('Gap'), place, { from: coordinate, to: coordinate, reason: reason.toWellFormed().slice(0, 2_000) })
}

function ownEvent(
  eventType: string,
  activity: { id: number; name: string },
  { origin, sequence, timestampMs }: OwnPlace,
  facts: Record<string, JsonValue>
): AuditEvent {
  return mirrorEvent(eventType, activity, { timestampMs, coordinate: `${origin}#${sequence}` }, facts)
}

function mirrorEvent(
  eventType: string,
  activity: { id: number; name: string },
  { timestampMs, coordinate }: { timestampMs: number; coordinate: string },
  facts: Record<string, JsonValue>
): AuditEvent {
  return {
    eventId: eventIdOf(eventType, coordinate),
    eventType,
    source: 'mirror',
    timestampMs,
    correlationId: null,
    causationId: null,
    metadata: { userId: null, sessionId: null, traceId: null, environment: null },
    payload: {
      class_uid: 1008,
      class_name: 'Event Log Activity',
      category_uid: 1,
      category_name: 'System Activity',
      type_uid: 100_800 + activity.id,
      activity_id: activity.id,
      activity_name: activity.name,
      severity_id: 1,
      time: timestampMs,
      metadata: { version: '1.9.0-dev', product: { name: 'Reeve', vendor_name: 'Reeve' }, profiles: ['record_integrity'] },
      unmapped: { ...facts, coordinate }
    }
  }
}
