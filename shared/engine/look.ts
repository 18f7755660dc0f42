import { type JsonValue, sameJson } from '../domain/json.ts'
import type { Unseen } from '../domain/cluster-view.ts'
import type { TrustedNow } from '../domain/clock.ts'
import { toleratedAgeMs } from '../domain/observation-age.ts'
import { type OutboxEntry } from '../notify/outbox.ts'
import type { NoticeFate, Observed, PersonRequest, Standing } from './agent.ts'
import type { EngineSettings } from './engine.ts'
import type { Intent } from './intent.ts'
import type { Latest } from './fold.ts'
import type { StateStore } from './state.ts'

/** What the agent's last turn looked at; under `seen/<agent>`. */
export interface Seen {
  readonly sequence: number
  readonly atMs: number
}

export interface Look {
  readonly observed: Observed
  readonly memory: ReadonlyMap<string, JsonValue>
  readonly seen: Seen
  /** Keys whose outcome is not known yet: nothing else is begun under them. */
  readonly openKeys: ReadonlySet<string>
}

/** Gathers what one agent may know: the latest observation and, from the state topic, its memory, what stands and what people said. */
export function look(agent: string, store: StateStore, settings: EngineSettings, latest: Latest, now: TrustedNow): Look {
  const before = store.get(`seen/${agent}`) as unknown as Seen | undefined
  const { view, intervalMs } = latest
  const toleranceMs = toleratedAgeMs(intervalMs)
  const gap = before === undefined || view.atMs < before.atMs || view.atMs - before.atMs > toleranceMs
  const unseen: Unseen[] = [...view.unseen]
  if (!now.trusted) unseen.push({ kind: 'clock', id: 'now', why: now.why ?? 'no two clocks agree' })
  if (Math.abs(now.nowMs - view.atMs) > toleranceMs)
    unseen.push({
      kind: 'topics',
      id: 'observations',
      why: `the last observation is ${Math.round((now.nowMs - view.atMs) / 1000)} s old, more than two intervals`
    })
  return {
    observed: {
      view: { ...view, unseen },
      intervalMs,
      gap,
      standing: standingOf(store, agent),
      requests: [...store.entries('request/')]
        .map(([, request]) => request as unknown as PersonRequest)
        .filter(({ kind }) => kind === 'fixed' || kind === 'resume'),
      notices: new Map([...store.entries(`notice/${agent}/`)].map(([key, entry]) => [key, fateOf(entry as unknown as OutboxEntry)])),
      owners: settings.owners
    },
    memory: new Map(store.entries(`memory/${agent}/`)),
    seen: { sequence: latest.sequence, atMs: view.atMs },
    openKeys: new Set([...store.entries('intent/')].filter(([, intent]) => (intent as unknown as Intent).agent === agent).map(([key]) => key))
  }
}

export function standingOf(store: StateStore, agent: string | null): Standing[] {
  return [...store.entries('standing/')].map(([, standing]) => standing as unknown as Standing).filter(standing => agent === null || standing.agent === agent)
}

/** Changes that take the remembered memory to the new one. */
export function memoryChanges(agent: string, before: ReadonlyMap<string, JsonValue>, after: ReadonlyMap<string, JsonValue>): Map<string, JsonValue | null> {
  const changes = new Map<string, JsonValue | null>()
  for (const subject of before.keys()) if (!after.has(subject)) changes.set(`memory/${agent}/${subject}`, null)
  for (const [subject, value] of after) {
    const known = before.get(subject)
    if (known === undefined || !sameJson(known, value)) changes.set(`memory/${agent}/${subject}`, value)
  }
  return changes
}

/** What an agent may know of a notice: no moment but the one at which people were told. */
export function fateOf({ state, attempts, deliveredAtMs, lastError }: OutboxEntry): NoticeFate {
  return { state, attempts, deliveredAtMs, lastError }
}
