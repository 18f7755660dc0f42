import type { AuditEvent } from '#shared/audit/event.ts'
import type { Notice, Severity } from '#shared/engine/agent.ts'

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

/**
 * What people are told of events: of each kind the first of a day, since where brokers log denials alone nobody is found for any change. The
 * others are in the log, and the message says how to see them.
 */
export function noticesOf(events: readonly AuditEvent[]): readonly Notice[] {
  return events.flatMap(({ eventType, timestampMs, payload }) => {
    const found = told[eventType]
    if (found === undefined || found.when?.(payload) === false) return []
    const day = new Date(timestampMs).toISOString().slice(0, 10)
    const key = `audit-mirror/${eventType}/${day}`
    return [
      {
        key,
        incident: key,
        severity: found.severity,
        resolved: false,
        team: null,
        channel: null,
        title: found.title,
        why: [payload['message'] as string],
        sinceMs: timestampMs,
        next: { what: found.next, atMs: null },
        answer: `reeve audit tail --since 24h --type ${eventType}`
      }
    ]
  })
}
