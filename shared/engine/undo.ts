import type { PersonRequest } from './agent.ts'
import { standingOf } from './look.ts'
import type { StateStore } from './state.ts'

/** What people asked to be undone, and which of those requests are answered because nothing stands under their key any more. */
export function undoRequests(store: StateStore, agent: string): { undo: { key: string; why: string }[]; answered: string[] } {
  const everywhere = new Set(standingOf(store, null).map(({ key }) => key))
  const mine = new Set(standingOf(store, agent).map(({ key }) => key))
  const requests = [...store.entries('request/')].map(([, request]) => request as unknown as PersonRequest).filter(({ kind }) => kind === 'undo')
  return {
    undo: requests.filter(({ subject }) => mine.has(subject)).map(({ subject, who, why }) => ({ key: subject, why: `asked by ${who}: ${why}` })),
    answered: requests.filter(({ subject }) => !everywhere.has(subject)).map(({ id }) => id)
  }
}
