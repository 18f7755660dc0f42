import type { ClusterView } from '../domain/cluster-view.ts'
import type { Admin } from '../kafka/ports.ts'
import type { Leader } from './leader.ts'
import { encodeObservation } from './observation.ts'
import type { StateStore } from './state.ts'

/** Where the observer stands, in the state topic under `observer`. */
export interface ObserverState {
  readonly sequence: number
  readonly atMs: number
  /** Offset of the last key frame, for readers that start late; null until it is known. */
  readonly keyFrameOffset: number | null
}

export function observerState(store: StateStore): ObserverState | undefined {
  return store.get('observer') as unknown as ObserverState | undefined
}

export interface ObserverSettings {
  readonly intervalMs: number
  /** A key frame every so many observations, and always first after a change of leadership. */
  readonly keyFrameEvery: number
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
    const view: ClusterView = trusted ? scanned : { ...scanned, unseen: [...scanned.unseen, { kind: 'clock', id: 'now', why: why ?? 'no two clocks agree' }] }
    const before = observerState(leader.store)
    const sequence = (before?.sequence ?? 0) + 1
    const keyFrame = this.#sent === null || this.#sinceKeyFrame >= this.#settings.keyFrameEvery - 1
    const parts = encodeObservation(keyFrame ? null : this.#sent, view, { sequence, intervalMs: this.#settings.intervalMs })
    const state: ObserverState = { sequence, atMs: view.atMs, keyFrameOffset: before?.keyFrameOffset ?? null }
    const records = parts.map(value => ({ topic: leader.topics.observations, partition: 0, key: null, value }))
    this.#sent = null
    const { appended } = await leader.commit(new Map([['observer', { ...state }]]), [], records)
    this.#sent = view
    this.#sinceKeyFrame = keyFrame ? 0 : this.#sinceKeyFrame + 1
    const keyFrameOffset = keyFrame ? appended?.offsets.at(-records.length) : undefined
    if (keyFrameOffset !== undefined) await leader.commit(new Map([['observer', { ...state, keyFrameOffset }]]))
    return view
  }
}
