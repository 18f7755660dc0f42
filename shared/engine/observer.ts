import type { ClusterView } from '../domain/cluster-view.ts'
import { formatDuration } from '../domain/duration.ts'
import type { JsonValue } from '../domain/json.ts'
import { type Maintenance, type MaintenanceMemory, type MaintenanceWindow, seeMaintenance } from '../domain/maintenance.ts'
import { configuredPace, paceAfter, type ScanPace } from '../domain/scan-pace.ts'
import { KafkaFault } from '../kafka/errors.ts'
import type { Kafka } from '../kafka/ports.ts'
import type { Log } from '../telemetry/log.ts'
import type { Entry, Leader } from './leader.ts'
import { encodeObservation } from './observation.ts'
import { declaredByPeople } from './said.ts'
import type { StateStore } from './state.ts'

/** Where the observer stands, in the state topic under `observer`. */
export interface ObserverState {
  readonly sequence: number
  readonly atMs: number
  /** Offset of the last key frame, for readers that start late; null until it is known. */
  readonly keyFrameOffset: number | null
  /** Absent in what an older release wrote. */
  readonly maintenance?: MaintenanceMemory
  /** How far the observer has backed off. Absent in what an older release wrote. */
  readonly pace?: ScanPace
  /** Why judgement was suspended at this look; null: it was not. */
  readonly suspended?: Maintenance | null
}

export function observerState(store: StateStore): ObserverState | undefined {
  return store.get('observer') as unknown as ObserverState | undefined
}

/** From the latest scan to the next one, milliseconds: the configured interval, or a multiple of it where brokers are busy. */
export function observerIntervalMs(store: StateStore, settings: ObserverSettings): number {
  return settings.intervalMs * (observerState(store)?.pace ?? configuredPace).factor
}

export interface ObserverSettings {
  /** As configured. */
  readonly intervalMs: number
  /** A key frame every so many observations, and always first after a change of leadership. */
  readonly keyFrameEvery: number
  /** How long `kafka` rests after each answer, times what it took; default: not at all. */
  readonly restTimes?: number
  /** Windows in which the cluster is worked on. */
  readonly maintenance: readonly MaintenanceWindow[]
}

/** One scan feeds all agents: looks at the cluster and appends what changed. Looks less often where that burdens the brokers. */
export class Observer {
  readonly #kafka: Pick<Kafka, 'admin' | 'counts'>
  readonly #settings: ObserverSettings
  readonly #log: Log
  #beganAt = Number.NEGATIVE_INFINITY
  #sent: ClusterView | null = null
  #sinceKeyFrame = 0

  constructor(kafka: Pick<Kafka, 'admin' | 'counts'>, settings: ObserverSettings, log: Log) {
    this.#kafka = kafka
    this.#settings = settings
    this.#log = log
  }

  /** False for a tick that comes at the configured interval while a longer one holds. By the monotonic clock; half a tick is for jitter. */
  isDue({ store }: Leader): boolean {
    const { intervalMs } = this.#settings
    const everyMs = observerIntervalMs(store, this.#settings)
    return everyMs === intervalMs || performance.now() - this.#beganAt >= everyMs - intervalMs / 2
  }

  /** Scans once and commits the observation. Throws when the cluster could not be seen at all: then there is a gap, not an empty view. */
  async observe(leader: Leader, signal?: AbortSignal): Promise<ClusterView> {
    const { nowMs, trusted, why } = await leader.clock.now()
    const throttlesBefore = this.#kafka.counts().throttles
    this.#beganAt = performance.now()
    const scanned = await this.#kafka.admin.scan({ atMs: nowMs, ...(signal && { signal }) })
    const tookMs = (performance.now() - this.#beganAt) / (1 + (this.#settings.restTimes ?? 0))
    const took = { tookMs, throttled: this.#kafka.counts().throttles > throttlesBefore }
    const before = observerState(leader.store)
    const { pace, why: changed } = paceAfter(before?.pace ?? configuredPace, this.#settings.intervalMs, took)
    const intervalMs = this.#settings.intervalMs * pace.factor
    if (changed !== null)
      this.#log.info({ intervalMs, tookMs: Math.round(took.tookMs) }, `the cluster is scanned every ${formatDuration(intervalMs)} from now on: ${changed}`)
    const said = declaredByPeople(leader.store)
    const work = seeMaintenance(before?.maintenance ?? null, scanned, await this.#reassigning(), [...this.#settings.maintenance, ...(said ? [said] : [])])
    const unseen = [
      ...scanned.unseen,
      ...(trusted ? [] : [{ kind: 'clock', id: 'now', why: why ?? 'no two clocks agree' } as const]),
      ...(work.now ? [{ kind: 'maintenance', id: work.now.kind, why: work.now.why } as const] : [])
    ]
    const view: ClusterView = { ...scanned, unseen }
    const sequence = (before?.sequence ?? 0) + 1
    const keyFrame = this.#sent === null || this.#sinceKeyFrame >= this.#settings.keyFrameEvery - 1
    const parts = encodeObservation(keyFrame ? null : this.#sent, view, { sequence, intervalMs })
    const state = { sequence, atMs: view.atMs, keyFrameOffset: before?.keyFrameOffset ?? null, pace, maintenance: work.memory, suspended: work.now }
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
      return await this.#kafka.admin.reassignments()
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
