import type { AuditEvent } from '#shared/audit/event.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import type { Notice, Severity } from '#shared/engine/agent.ts'
import type { Memory, Remembered } from '#shared/engine/stream.ts'

interface Told {
  readonly severity: Severity
  readonly title: string
  readonly next: string
  /** Of events of this type only those. */
  readonly when?: (payload: AuditEvent['payload']) => boolean
}

const told: Readonly<Record<string, Told>> = {
  'change.unattributed': { severity: 'warning', title: 'A change of the cluster that nobody is known to have made', next: 'find out who made it' },
  'audit.gap': { severity: 'warning', title: 'The audit log has a gap', next: 'see what is missing, and why' },
  // One denial, of a login or of anything else, is everyday; more failed logins in a minute than are written singly is a program gone wrong, or somebody who tries.
  'authentication.folded': {
    severity: 'warning',
    title: 'Many logins fail',
    next: 'see from where, and whether a client has an old password',
    when: ({ status_id: status }) => status === 2
  },
  'audit.drifted': { severity: 'warning', title: 'The audit topic is not as it should be', next: 'set it right: reeve doctor has the commands' }
}

/** Changes of one day that nobody is known to have made. */
interface Day {
  /** The event that was told; null: none since all of them were attributed. */
  readonly first: string | null
  readonly open: number
  /** How often all of them were attributed. */
  readonly settled: number
}

const prefix = 'told/'
/** Longer than a change can be attributed late. */
const mostDays = 9

/** What people are told of events. What must be remembered for it goes with the events. */
export interface Notices {
  of(events: readonly AuditEvent[]): { readonly notices: readonly Notice[]; readonly memory: Memory }
}

/**
 * Of each kind the first of a day is told, since where brokers log denials alone nobody is found for any change. The others are in the log,
 * and the message says how to see them. A change that was told and is attributed late is told once more, and resolved when no other of its day is open.
 */
export function openNotices(remembered: Remembered): Notices {
  const days = new Map<string, Day>()
  for (const [key, day] of remembered) if (key.startsWith(prefix)) days.set(key.slice(prefix.length), day as unknown as Day)

  function unattributed(event: AuditEvent, day: string): Notice[] {
    const { first, open, settled } = days.get(day) ?? { first: null, open: 0, settled: 0 }
    days.set(day, { first: first ?? event.eventId, open: open + 1, settled })
    return first === null ? [noticeOf(event, keyOf(day, settled))] : []
  }

  function attributedLate(event: AuditEvent, day: string, unattributedId: string): Notice[] {
    const known = days.get(day)
    if (known === undefined || known.open === 0) return []
    const { first, settled } = known
    const open = known.open - 1
    days.set(day, open === 0 ? { first: null, open, settled: settled + 1 } : { first, open, settled })
    if (open > 0 && unattributedId !== first) return []
    const incident = keyOf(day, settled)
    return [
      {
        ...noticeOf(event, incident),
        key: `${incident}/${open === 0 ? 'resolved' : 'attributed'}`,
        severity: 'info',
        resolved: open === 0,
        title: 'A change that nobody was known to have made was attributed later',
        next: { what: open === 0 ? 'nothing: no other change of that day is open' : `find out who made the other ${open} of that day`, atMs: null }
      }
    ]
  }

  function toldOf(event: AuditEvent): Notice[] {
    const { eventType, payload } = event
    if (eventType === 'change.unattributed') return unattributed(event, dayOf(event))
    const late = payload.unmapped['toldLate'] as { readonly unattributed: string } | undefined
    if (eventType === 'change.attributed' && late !== undefined) return attributedLate(event, dayOf(event), late.unattributed)
    return told[eventType] === undefined || told[eventType].when?.(payload) === false ? [] : [noticeOf(event, `audit-mirror/${eventType}/${dayOf(event)}`)]
  }

  return {
    of(events) {
      const before = new Map(days)
      const notices = events.flatMap(toldOf)
      for (const day of [...days.keys()].sort().slice(0, -mostDays)) days.delete(day)
      const memory = new Map<string, JsonValue | null>()
      for (const [day, now] of days) if (before.get(day) !== now) memory.set(`${prefix}${day}`, { ...now })
      for (const day of before.keys()) if (!days.has(day)) memory.set(`${prefix}${day}`, null)
      return { notices, memory }
    }
  }
}

const keyOf = (day: string, settled: number): string => `audit-mirror/change.unattributed/${day}${settled === 0 ? '' : `/${settled}`}`

const dayOf = ({ timestampMs }: AuditEvent): string => new Date(timestampMs).toISOString().slice(0, 10)

function noticeOf({ eventType, timestampMs, payload }: AuditEvent, incident: string): Notice {
  const { severity, title, next } = told[eventType] ?? told['change.unattributed']!
  return {
    key: incident,
    incident,
    severity,
    resolved: false,
    team: null,
    channel: null,
    title,
    why: [payload['message'] as string],
    sinceMs: timestampMs,
    next: { what: next, atMs: null },
    answer: `reeve audit tail --since 24h --type ${eventType}`
  }
}
