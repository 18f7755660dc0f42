import type { PersonRequest } from '../engine/agent.ts'
import { subjectOf } from '../engine/key.ts'
import { markOf } from '../render/marks.ts'
import type { Happened } from '../render/simulation.ts'
import { readJournal } from './journal.ts'
import type { Session } from './session.ts'

/** What the journal has of the time: what people said to agents, and what one agent really told and did, by subject. */
export async function happenings(session: Session, agent: string, sinceMs: number): Promise<{ said: PersonRequest[]; happened: Map<string, Happened> }> {
  const said: PersonRequest[] = []
  const happened = new Map<string, { told: number; acts: { key: string; describe: string; fromMs: number; untilMs: number | null }[] }>()
  await readJournal(session, sinceMs, entry => {
    const mark = markOf(entry)
    if (mark === null) return
    const request = entry.facts as unknown as PersonRequest
    if (mark.kind === 'asked' && (request.kind === 'fixed' || request.kind === 'resume')) said.push(request)
    if (entry.agent !== agent) return
    const subject = subjectOf(entry.subject)
    const known = happened.get(subject) ?? { told: 0, acts: [] }
    if (mark.kind === 'told' || mark.kind === 'resolved') known.told++
    if (mark.kind === 'done') known.acts.push({ key: entry.subject, describe: mark.text, fromMs: mark.atMs, untilMs: null })
    if (mark.kind === 'undone') for (const act of known.acts) if (act.key === entry.subject) act.untilMs ??= mark.atMs
    happened.set(subject, known)
  })
  return { said, happened }
}
