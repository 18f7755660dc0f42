import type { Notice } from '../engine/agent.ts'
import type { JournalEntry } from '../engine/journal.ts'
import { stageOf } from '../engine/key.ts'
import type { Mark } from './picture.ts'

/** What an entry of the journal is in a picture; null for what is no decision of its own, such as a delivery or a leader's change. */
export function markOf({ kind, atMs, agent, what, facts }: JournalEntry): Mark | null {
  const given = (facts !== null && typeof facts === 'object' ? facts : {}) as { readonly [name: string]: unknown }
  if (kind === 'notice' && isNotice(given)) return { atMs, kind: given.resolved ? 'resolved' : 'told', word: stageOf(given), text: given.title }
  if ((kind === 'outcome' || kind === 'healed') && what.endsWith(done))
    return { atMs, kind: given['undo'] === null ? 'done' : 'undone', word: actionKind(given['action']), text: what.slice(0, -done.length) }
  if (kind === 'refused') return { atMs, kind: 'refused', word: null, text: what }
  if (kind === 'request' && agent === null) return { atMs, kind: 'asked', word: typeof given['kind'] === 'string' ? given['kind'] : null, text: what }
  return null
}

const done = ': done'

/** What was to be told; a delivery has only its fate. */
function isNotice(facts: { readonly [name: string]: unknown }): facts is Pick<Notice, 'key' | 'incident' | 'severity' | 'resolved' | 'title'> & typeof facts {
  return ['key', 'incident', 'severity', 'title'].every(name => typeof facts[name] === 'string')
}

function actionKind(action: unknown): string | null {
  return action !== null && typeof action === 'object' && 'kind' in action && typeof action.kind === 'string' ? action.kind : null
}
