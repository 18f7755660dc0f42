import type { GroupFacts } from '../observe.ts'
import type { StandingPause } from './pause.ts'
import type { Incident, Trouble } from './memory.ts'

/** How an incident goes on. Each step gives a new incident and leaves the old one as it was. */
export function openIncident(startMs: number, { trouble, sinceMs }: { readonly trouble: Trouble; readonly sinceMs: number }): Incident {
  return { startMs, sinceMs, trouble, said: 'info', phase: { is: 'watched' } }
}

/** A pause is in force: either the one that this incident asked for, or one that nothing is remembered of. */
export function takeUp(remembered: Incident | null, { pause, key, appliedAtMs }: StandingPause, nowMs: number): Incident {
  const expected = remembered?.startMs === pause.incidentStartMs ? remembered : null
  const { incidentStartMs: startMs, cause } = pause
  return {
    ...(expected ?? { startMs, sinceMs: startMs, trouble: cause === 'lag' ? 'behind' : cause, said: 'warning' }),
    phase: {
      is: 'paused',
      key,
      appliedAtMs,
      quietSinceMs: null,
      verifiedAtMs: null,
      brokenSinceMs: expected ? appliedAtMs : nowMs,
      givingBack: null
    }
  }
}

/** `commandId`: of the pause that was taken back; null where there was none. */
export function putOnTrial(incident: Incident, facts: GroupFacts | null, commandId: string | null, why: string, nowMs: number): Incident {
  return {
    ...incident,
    phase: {
      is: 'trial',
      sinceMs: nowMs,
      why,
      commandId,
      trouble: incident.trouble,
      fromLagMessages: facts?.lagMessages ?? null,
      movedAtMs: null,
      freeAtMs: null
    }
  }
}

export function handToPerson(incident: Incident, why: string, nowMs: number): Incident {
  return { ...incident, phase: { is: 'needs-person', sinceMs: nowMs, why } }
}
