import type { JournalEntry } from '../engine/journal.ts'
import type { Mark } from './picture.ts'

/** What an entry of the journal is in a picture; null for what is no decision of its own, such as a delivery or a leader's change. */
export function markOf({ kind, atMs, agent, what, facts }: JournalEntry): Mark | null {
  const given = (facts !== null && typeof facts === 'object' ? facts : {}) as { readonly [name: string]: unknown }
  if (kind === 'notice' && typeof given['title'] === 'string') return { atMs, kind: given['resolved'] === true ? 'resolved' : 'told', text: given['title'] }
  if ((kind === 'outcome' || kind === 'healed') && what.endsWith(done))
    return { atMs, kind: given['undo'] === null ? 'done' : 'undone', text: what.slice(0, -done.length) }
  if (kind === 'refused') return { atMs, kind: 'refused', text: what }
  if (kind === 'request' && agent === null) return { atMs, kind: 'asked', text: what }
  return null
}

const done = ': done'
