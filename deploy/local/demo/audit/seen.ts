import type { Entry } from '#shared/audit/entry.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import type { Change } from './script.ts'

/** What the scene has seen so far: the audit topic, the anchor's folder, what the command line said. Plain data, for the screen and for the judge. */
export interface Seen {
  readonly atMs: number
  /** When the first act began; null before. What happened earlier is the cluster's past. */
  readonly sinceMs: number | null
  /** All entries of the log, oldest first. */
  readonly events: readonly EventSeen[]
  readonly checkpoints: number
  /** Entries that the newest checkpoint covers; 0: there is none. */
  readonly checkpointed: number
  /** What the anchor holds; null before it holds anything. */
  readonly anchor: { readonly checkpoints: number; readonly size: number } | null
  readonly acts: readonly ActSeen[]
  readonly proofs: readonly ProofSeen[]
  /** Refusals of Reeve's principals in the authorizers' logs; null where those cannot be read. */
  readonly refusals: readonly string[] | null
}

/** One entry, as far as the scene shows it: the seven Ws and what it adds. */
export interface EventSeen {
  readonly sequence: number
  readonly eventId: string
  readonly eventType: string
  readonly causationId: string | null
  readonly timestampMs: number
  readonly who: string | null
  readonly what: { readonly type: string; readonly name: string | null } | null
  readonly where: string | null
  readonly how: string
  readonly why: string | null
  readonly result: string
  readonly unmapped: Readonly<Record<string, JsonValue>>
}

export interface ActSeen {
  readonly atMs: number
  readonly what: string
}

/** What one command line said of the log, or of a forgery of it. */
export interface ProofSeen {
  readonly name: ProofName
  /** What was done before. */
  readonly title: string
  readonly command: string
  readonly exitCode: number | string
  /** Null where it said none. */
  readonly state: string | null
  readonly size: number | null
  /** How many entries an anchor outside vouches for. */
  readonly anchored: number | null
  readonly fault: { readonly sequence: number; readonly reason: string } | null
  /** The sequence that must be named; null where nothing is wrong. */
  readonly forgedSequence: number | null
  /** What was printed, where that was no proof. */
  readonly words: string
}

export type ProofName = 'topic' | 'export' | 'exported' | 'flipped' | 'cut-alone' | 'cut'

type Loose = Readonly<Record<string, JsonValue | undefined>>

/** Reads an entry as the scene shows it. */
export function eventSeen({ sequence, eventId, eventType, value: { causationId, timestamp, payload } }: Entry): EventSeen {
  const part = (name: string) => (payload[name] ?? {}) as Loose
  const text = (value: JsonValue | undefined) => (typeof value === 'string' ? value : null)
  const user = (part('actor')['user'] ?? part('user')) as Loose
  const [resource] = (payload['resources'] ?? []) as readonly Loose[]
  return {
    sequence,
    eventId,
    eventType,
    causationId: text(causationId),
    timestampMs: Date.parse(timestamp),
    // OCSF: 0 is unknown.
    who: user['type_id'] === 0 ? null : text(user['name']),
    what: resource === undefined ? null : { type: text(resource['type']) ?? '', name: text(resource['name']) },
    where: text(part('src_endpoint')['ip']),
    how: text(part('api')['operation']) ?? '',
    why: text(((part('api')['request'] ?? {}) as Loose)['uid']),
    result: text(payload['status']) ?? '',
    unmapped: payload.unmapped
  }
}

/** The event of a change of the script. */
export function eventOf({ events, sinceMs }: Seen, { eventType, topic }: Change): EventSeen | undefined {
  if (sinceMs === null) return undefined
  return events.find(event => event.eventType === eventType && event.timestampMs >= sinceMs && isAbout(event, topic))
}

/** Whether an event names a topic: as its resource, or as that of its ACL. */
export function isAbout({ what, unmapped }: EventSeen, topic: string): boolean {
  return what?.name === topic || [unmapped['before'], unmapped['after']].some(acl => ((acl ?? {}) as Loose)['resourceName'] === topic)
}

/** Who made a change, or that nobody is known: the event that says so, once it is decided. */
export function attributionOf({ events }: Seen, change: EventSeen | undefined): EventSeen | undefined {
  return change && events.find(event => event.causationId === change.eventId && /^change\.(un)?attributed$/.test(event.eventType))
}

/** How sure an attribution is. */
export function certaintyOf({ unmapped: { certainty } }: EventSeen): string {
  return typeof certainty === 'string' ? certainty : 'unknown'
}

/** What was refused to the stranger. */
export function deniedIn({ events, sinceMs }: Seen, topic: string, who: string): EventSeen | undefined {
  return events.find(event => event.eventType === 'access.denied' && event.timestampMs >= (sinceMs ?? Infinity) && event.who === who && isAbout(event, topic))
}
