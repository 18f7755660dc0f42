import type { Notice } from './agent.ts'

/** The third part of a key, agent / kind / target / start of the incident: whom it is about. */
export function subjectOf(key: string): string {
  const part = key.split('/')[2]
  try {
    return part === undefined ? key : decodeURIComponent(part)
  } catch {
    return key
  }
}

/** What stage of its incident a message is about, in its agent's own word: what follows the incident in its key. */
export function stageOf({ key, incident, severity }: Pick<Notice, 'key' | 'incident' | 'severity'>): string {
  const stage = key.startsWith(`${incident}/`) ? key.slice(incident.length + 1) : ''
  return stage.split('/')[0] || severity
}
