import { z } from 'zod'
import type { AuditEvent } from '../event.ts'
import type { JournalInput } from '../inputs.ts'
import { apiActivities, apiActivity, type Setting, type Status } from '../ocsf.ts'
import { anything, text } from '../schema-parts.ts'

export const journalUnmapped = z.object({
  kind: text.describe('As in the journal: intent, outcome, refused, …'),
  epoch: z.number().int().describe('Of the lease of whoever led.'),
  agent: text.nullable(),
  facts: anything.describe('What the decision stood on.')
})

/** One entry of Reeve's own journal. Intent and outcome of an act have its key as their correlation id. */
export function journalEvent(setting: Setting, { coordinate, entry }: JournalInput, principal: string | null): AuditEvent {
  const { kind, atMs, epoch, agent, subject, what, facts } = entry
  return apiActivity(setting, {
    eventType: 'reeve.did',
    source: 'journal',
    coordinate,
    timestampMs: atMs,
    activity: apiActivities.other(kind),
    severity: 'informational',
    principal,
    clientId: agent,
    address: null,
    operation: kind,
    requestUid: subject,
    correlationId: subject,
    resources: [],
    status: statuses[kind] ?? 'unknown',
    message: what,
    unmapped: { kind, epoch, agent, facts }
  })
}

/** An outcome may be a failure too, which its sentence says. */
const statuses: Readonly<Record<string, Status>> = { refused: 'failure' }
