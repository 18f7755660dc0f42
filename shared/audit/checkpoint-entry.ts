import { hash } from 'node:crypto'
import type { JsonValue } from '../domain/json.ts'
import type { AuditEvent } from './event.ts'
import { eventIdOf } from './event-id.ts'
import type { LogEnd, NamedHead } from './together.ts'

/** Where the log's own entries stand: their coordinate is their place in the log. */
interface OwnPlace {
  readonly origin: string
  readonly sequence: number
  readonly timestampMs: number
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

/** The first entry of a log. `chains`: how many its topic has. `continues`: the ends of an earlier topic's logs, or none. */
export function beganEvent(
  place: OwnPlace,
  log: { readonly vkey: string; readonly topicId: string; readonly chains?: number; readonly continues?: readonly LogEnd[] | null }
): AuditEvent {
  const { vkey, topicId, chains = 1, continues } = log
  const [first, ...others] = (continues ?? []).map(end => ({ ...end }))
  return ownEvent('audit.began', activities.start, place, {
    origin: place.origin,
    vkey,
    topicId,
    ...(chains > 1 && { chains }),
    ...(first && { continues: first }),
    ...(others.length > 0 && { continuesToo: others })
  })
}

/** What a checkpoint says of the log, and in a topic of several logs of all of them. */
export interface CheckpointFacts {
  /** Hash of the last trailer before it, null where there is none. */
  readonly trailer: string | null
  readonly epoch: number
  /** Null where there is one log. */
  readonly heads?: readonly NamedHead[] | null
  /** The topic that goes on behind it; null: this one does. */
  readonly continuedIn?: string | null
}

/** The last entry that a checkpoint covers. */
export function checkpointEvent(place: OwnPlace, log: CheckpointFacts & Circumstances): AuditEvent {
  const { trailer, epoch, heads, continuedIn, powers, excluded, silent } = log
  return ownEvent('audit.checkpoint', activities.other('Checkpoint'), place, {
    trailer,
    epoch,
    powers,
    excluded,
    silent,
    ...(heads && { heads: heads.map(head => ({ ...head })) }),
    ...(continuedIn && { continuedIn })
  })
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
