import type { JsonValue } from '../domain/json.ts'
import type { MaintenanceWindow } from '../domain/maintenance.ts'
import { newEntry, type OutboxEntry } from '../notify/outbox.ts'
import { shellWord } from '../render/shell-word.ts'
import type { Notice, PersonRequest, Verdict } from './agent.ts'
import type { Entry } from './leader.ts'
import type { Limits } from './limits.ts'
import type { StateStore } from './state.ts'

/** Under `snooze/<incident>` and `appeal/<subject>`: what a person said that holds for a while, for every agent alike. */
interface Lasting {
  readonly subject: string | null
  readonly who: string
  readonly why: string
  readonly atMs: number
  readonly untilMs: number
  readonly id: string
}

const longestMs = 7 * 86_400_000
const defaultsMs = { snooze: 3_600_000, appeal: 86_400_000, maintenance: 3_600_000 }
const rememberNoticesMs = 7 * 86_400_000

/** Changes of the state, or why there are none. */
export type Said = { readonly changes: readonly (readonly [string, JsonValue | null])[] } | { readonly refused: string }

/** Holds back an incident's notices of trouble; never one that says that it is resolved, and nothing that is done. */
export function snooze(store: StateStore, request: PersonRequest, nowMs: number): Said {
  const known = [...store.entries('notice/')].map(([, entry]) => (entry as unknown as OutboxEntry).notice).find(({ incident }) => incident === request.subject)
  if (known === undefined) return { refused: `no notice of an incident ${request.subject} is known` }
  return { changes: [[`snooze/${request.subject}`, { ...saidBy(request, known.subject ?? null, 'snooze', nowMs) }]] }
}

/** An owner objects: the platform is told, and nothing new that harms is done to the subject until somebody answers. */
export function appeal(store: StateStore, request: PersonRequest, nowMs: number): Said {
  if (request.subject === '') return { refused: 'expected the name of what the appeal is about' }
  const before = store.get(`appeal/${request.subject}`) as unknown as Lasting | undefined
  const said = { ...saidBy(request, request.subject, 'appeal', nowMs), ...(before && { id: before.id }) }
  return { changes: [[`appeal/${request.subject}`, { ...said }], ...told(store, appealNotice(said, null), nowMs)] }
}

/** Answers an appeal. */
export function dismiss(store: StateStore, request: PersonRequest, nowMs: number): Said {
  const before = store.get(`appeal/${request.subject}`) as unknown as Lasting | undefined
  if (before === undefined) return { refused: `no appeal about ${request.subject} is open` }
  return { changes: [[`appeal/${request.subject}`, null], ...told(store, appealNotice(before, `${request.who} answered: ${request.why}`), nowMs)] }
}

/** The cluster is worked on from now on, for as long as was asked. */
export function maintenanceFrom({ who, why, forMs }: PersonRequest, nowMs: number): JsonValue {
  return { fromMs: nowMs, untilMs: nowMs + Math.min(forMs ?? defaultsMs.maintenance, longestMs), why: `${who}: ${why}` }
}

/** What people declared beside the configuration. */
export function declaredByPeople(store: StateStore): MaintenanceWindow | null {
  return (store.get('maintenance') as unknown as MaintenanceWindow | undefined) ?? null
}

export function isSnoozed(store: StateStore, notice: Notice, nowMs: number): boolean {
  if (notice.resolved || notice.asks?.includes('snooze') !== true) return false
  const said = store.get(`snooze/${notice.incident}`) as unknown as Lasting | undefined
  return said !== undefined && nowMs < said.untilMs
}

/** What is appealed against is held as by the configuration. */
export function appealHolds(store: StateStore, nowMs: number): Limits['holds'] {
  return open(store, 'appeal', nowMs).map(([subject, { who, why }]) => ({ subject, why: `${who} appealed: ${why}` }))
}

/** The verdicts, with what people said of their subjects: for the table and for `explain`. */
export function withSaid(store: StateStore, verdicts: readonly Verdict[], nowMs: number): readonly Verdict[] {
  const words = new Map<string, string[]>()
  for (const [verb, kind] of [
    ['snoozed', 'snooze'],
    ['appealed', 'appeal']
  ] as const)
    for (const [, { subject, who, why, untilMs }] of open(store, kind, nowMs))
      if (subject !== null) words.set(subject, [...(words.get(subject) ?? []), `${verb} until ${new Date(untilMs).toISOString()} by ${who}: ${why}`])
  if (words.size === 0) return verdicts
  return verdicts.map(verdict => {
    const said = words.get(verdict.subject)
    return said ? { ...verdict, why: [verdict.why, ...said].join('; '), facts: { ...verdict.facts, said } } : verdict
  })
}

/** What is over by now, to be forgotten, and what that gives to say. */
export function expired(store: StateStore, nowMs: number): { changes: Map<string, JsonValue | null>; entries: Entry[] } {
  const changes = new Map<string, JsonValue | null>()
  const entries: Entry[] = []
  const note = (kind: Entry['kind'], subject: string, what: string) => void entries.push({ kind, agent: null, subject, what, facts: null })
  for (const [id, used] of store.entries('used/')) if (nowMs >= (used as { untilMs: number }).untilMs) changes.set(`used/${id}`, null)
  for (const [incident, value] of store.entries('snooze/')) {
    if (nowMs < (value as unknown as Lasting).untilMs) continue
    changes.set(`snooze/${incident}`, null)
    note('request', incident, 'the snooze is over')
    const ofIncident = [...store.entries('notice/')].filter(([, entry]) => (entry as unknown as OutboxEntry).notice.incident === incident)
    if (!ofIncident.some(([, entry]) => (entry as unknown as OutboxEntry).notice.resolved)) continue
    for (const [key, entry] of ofIncident) {
      const { notice, state } = entry as unknown as OutboxEntry
      if (notice.resolved || state === 'delivered' || notice.asks?.includes('snooze') !== true) continue
      changes.set(`notice/${key}`, null)
      note('notice', notice.key, `${notice.title}: not told, it was resolved while it was snoozed`)
    }
  }
  for (const [subject, value] of store.entries('appeal/')) {
    const said = value as unknown as Lasting
    if (nowMs < said.untilMs) continue
    changes.set(`appeal/${subject}`, null)
    for (const [key, entry] of told(store, appealNotice(said, 'Nobody answered in time.'), nowMs)) changes.set(key, entry)
    note('request', said.id, `the appeal about ${subject} is over: nobody answered`)
  }
  const work = declaredByPeople(store)
  if (work && nowMs >= work.untilMs) changes.set('maintenance', null)
  for (const [key, value] of store.entries('notice/engine/')) {
    const { deliveredAtMs } = value as unknown as OutboxEntry
    if (deliveredAtMs !== null && nowMs - deliveredAtMs > rememberNoticesMs) changes.set(`notice/engine/${key}`, null)
  }
  return { changes, entries }
}

function saidBy({ id, who, why, atMs, forMs }: PersonRequest, subject: string | null, kind: 'snooze' | 'appeal', nowMs: number): Lasting {
  return { subject, who, why, atMs, untilMs: nowMs + Math.min(forMs ?? defaultsMs[kind], longestMs), id }
}

function open(store: StateStore, kind: 'snooze' | 'appeal', nowMs: number): [string, Lasting][] {
  return [...store.entries(`${kind}/`)]
    .map(([key, value]): [string, Lasting] => [key, value as unknown as Lasting])
    .filter(([, { untilMs }]) => nowMs < untilMs)
}

function told(store: StateStore, notice: Notice, nowMs: number): [string, JsonValue][] {
  const key = `notice/engine/${notice.key}`
  return store.get(key) === undefined ? [[key, newEntry(notice, nowMs) as unknown as JsonValue]] : []
}

/** `over`: how it ended; null while it is open. */
function appealNotice({ subject, who, why, atMs, untilMs, id }: Lasting, over: string | null): Notice {
  const incident = `engine/appeal/${encodeURIComponent(subject!)}/${id}`
  return {
    key: `appeal/${id}/${over === null ? 'open' : 'over'}`,
    incident,
    severity: over === null ? 'page' : 'info',
    resolved: over !== null,
    team: null,
    channel: null,
    title: over === null ? `${who} appeals: leave ${subject} alone` : `The appeal about ${subject} is over`,
    why: [over ?? why],
    sinceMs: atMs,
    next:
      over === null
        ? { what: 'Nothing new that harms is done to it until then, or until somebody answers.', atMs: untilMs }
        : { what: 'It is judged as before.', atMs: null },
    answer: over === null ? `reeve appeal --dismiss ${shellWord(subject!)}` : null
  }
}
