import type { ClusterView } from '../domain/cluster-view.ts'
import type { JsonValue } from '../domain/json.ts'
import { type Maintenance, type MaintenanceMemory, type MaintenanceWindow, seeMaintenance } from '../domain/maintenance.ts'
import { KafkaFault } from '../kafka/errors.ts'
import type { Admin } from '../kafka/ports.ts'
import type { Entry, Leader } from './leader.ts'
import { encodeObservation } from './observation.ts'
import type { StateStore } from './state.ts'

/** Where the observer stands, in the state topic under `observer`. */
export interface ObserverState {
  readonly sequence: number
  readonly atMs: number
  /** Offset of the last key frame, for readers that start late; null until it is known. */
  readonly keyFrameOffset: number | null
  /** Absent in what an older release wrote. */
  readonly maintenance?: MaintenanceMemory
  /** Why judgement was suspended at this look; null: it was not. */
  readonly suspended?: Maintenance | null
}

export function observerState(store: StateStore): ObserverState | undefined {
  return store.get('observer') as unknown as ObserverState | undefined
}

export interface ObserverSettings {
  readonly intervalMs: number
  /** A key frame every so many observations, and always first after a change of leadership. */
  readonly keyFrameEvery: number
  /** Windows in which the cluster is worked on. */
  readonly maintenance: readonly MaintenanceWindow[]
}

/** One scan feeds all agents: looks at the cluster and appends what changed. */
export class Observer {
  readonly #admin: Admin
  readonly #settings: ObserverSettings
  #sent: ClusterView | null = null
  #sinceKeyFrame = 0

  constructor(admin: Admin, settings: ObserverSettings) {
    this.#admin = admin
    this.#settings = settings
  }

  /** Scans once and commits the observation. Throws when the cluster could not be seen at all: then there is a gap, not an empty view. */
  async observe(leader: Leader, signal?: AbortSignal): Promise<ClusterView> {
    const { nowMs, trusted, why } = await leader.clock.now()
    const scanned = await this.#admin.scan({ atMs: nowMs, ...(signal && { signal }) })
    const before = observerState(leader.store)
    const work = seeMaintenance(before?.maintenance ?? null, scanned, await this.#reassigning(), this.#settings.maintenance)
    const unseen = [
      ...scanned.unseen,
      ...(trusted ? [] : [{ kind: 'clock', id: 'now', why: why ?? 'no two clocks agree' } as const]),
      ...(work.now ? [{ kind: 'maintenance', id: work.now.kind, why: work.now.why } as const] : [])
    ]
    const view: ClusterView = { ...scanned, unseen }
    const sequence = (before?.sequence ?? 0) + 1
    const keyFrame = this.#sent === null || this.#sinceKeyFrame >= this.#settings.keyFrameEvery - 1
    const parts = encodeObservation(keyFrame ? null : this.#sent, view, { sequence, intervalMs: this.#settings.intervalMs })
    const state = { sequence, atMs: view.atMs, keyFrameOffset: before?.keyFrameOffset ?? null, maintenance: work.memory, suspended: work.now }
    const records = parts.map(value => ({ topic: leader.topics.observations, partition: 0, key: null, value }))
    this.#sent = null
    const { appended } = await leader.commit(new Map([['observer', asJson(state)]]), changeOf(before?.suspended ?? null, work.now), records)
    this.#sent = view
    this.#sinceKeyFrame = keyFrame ? 0 : this.#sinceKeyFrame + 1
    const keyFrameOffset = keyFrame ? appended?.offsets.at(-records.length) : undefined
    if (keyFrameOffset !== undefined) await leader.commit(new Map([['observer', asJson({ ...state, keyFrameOffset })]]))
    return view
  }

  /** Null where it cannot be seen: a look is worth having without it. */
  async #reassigning(): Promise<number | null> {
    try {
      return await this.#admin.reassignments()
    } catch (error) {
      if (error instanceof KafkaFault) return null
      throw error
    }
  }
}

/** Judgement that stops, goes on, or stops for another reason is an entry of the journal. */
function changeOf(before: Maintenance | null, now: Maintenance | null): Entry[] {
  if (before?.kind === now?.kind) return []
  const what = now ? `judgement is suspended (${now.kind}): ${now.why}` : `judgement goes on: ${before!.kind} maintenance is over`
  return [{ kind: 'maintenance', agent: null, subject: now?.kind ?? before!.kind, what, facts: now ? { ...now } : null }]
}

const asJson = (state: ObserverState): JsonValue => state as unknown as JsonValue
