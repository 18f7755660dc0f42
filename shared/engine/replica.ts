import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../telemetry/log.ts'
import { KafkaFault } from '../kafka/errors.ts'
import type { Kafka } from '../kafka/ports.ts'
import type { Notifier } from '../notify/notifier.ts'
import type { AnyAgent, ReeveTopics } from './agent.ts'
import type { ApprovalRules } from './approvals.ts'
import type { TrustedClock } from './clock.ts'
import type { EngineSettings, Hooks } from './engine.ts'
import { Leader } from './leader.ts'
import { Leadership } from './leadership.ts'
import { observerIntervalMs } from './observer.ts'
import { leaseOf, standBy, whyLeading } from './standby.ts'
import { StateStore } from './state.ts'
import type { TurnReport } from './turn.ts'

export interface AgentSetup {
  readonly agent: AnyAgent
  readonly policy: unknown
  readonly act: boolean
  /** The cluster as this agent's own principal. */
  readonly kafka: Kafka
}

/** The queue as the engine needs it: shared/queue's, or none at all in a one-shot command. */
export interface Ticks {
  lead(schedules: readonly { readonly name: string; readonly everyMs: number }[]): void
  stepDown(): void
  ask(name: string): Promise<unknown>
}

export interface ReplicaParts {
  readonly clusterId: string
  readonly topics: ReeveTopics
  /** The cluster as the engine's principal. */
  readonly kafka: Kafka
  readonly agents: readonly AgentSetup[]
  readonly ticks: Ticks
  readonly notifier: Notifier
  readonly clock: TrustedClock
  readonly settings: EngineSettings
  readonly approvals: ApprovalRules
  readonly hooks: Hooks
  readonly log: Log
  /** Told after each scan (`observer`) and each turn, for metrics and tables; no report where nothing was observed yet. */
  onTick(name: string, result: { report: TurnReport | null } | { error: unknown }, tookMs: number): void
  onRole(role: Role, epoch: number | null): void
}

export type Role = 'starting' | 'standby' | 'leader' | 'stopped'

/**
 * One running Reeve: standby until nobody leads, then leader until it is fenced or stopped, and so on. Two replicas never fence
 * each other in turn, because a standby only fences after its own 20 s of silence.
 */
export class Replica {
  readonly #parts: ReplicaParts
  #store: StateStore | null = null
  #leadership: Leadership | null = null

  constructor(parts: ReplicaParts) {
    this.#parts = parts
  }

  /** Runs one tick of the queue: of the observer, where the pace of scans bears one by now, or of an agent. */
  async onTick(name: string): Promise<void> {
    if (this.#leadership?.isDue(name)) await this.turnNow(name)
  }

  /** Runs one scan, or one turn of an agent, whatever the pace of scans: somebody waits for it. */
  async turnNow(name: string): Promise<void> {
    await this.#leadership?.turnNow(name)
  }

  get leadership(): Leadership | null {
    return this.#leadership
  }

  /** From the latest scan to the next one, milliseconds: longer than configured while brokers are busy. */
  get observerIntervalMs(): number {
    const { observer } = this.#parts.settings
    return this.#store ? observerIntervalMs(this.#store, observer) : observer.intervalMs
  }

  /** Resolves after `signal` aborted and everything is closed in good order. Throws only what no retry mends. */
  async run(signal: AbortSignal): Promise<void> {
    const { kafka, topics, settings, onRole, log } = this.#parts
    this.#store = new StateStore(topics.state, await kafka.openReader())
    await this.#store.open()
    try {
      while (!signal.aborted) {
        onRole('standby', null)
        await standBy(this.#store, settings.times, log, signal)
        if (signal.aborted) break
        try {
          await this.#lead(this.#store, signal)
        } catch (error) {
          if (!(error instanceof KafkaFault)) throw error
          log.warn({ kind: error.kind }, `not leading any more: ${error.message}`)
          await sleep(1_000, undefined, { signal }).catch(() => {})
        }
      }
    } finally {
      onRole('stopped', null)
      await this.#store.close()
    }
  }

  async #lead(store: StateStore, signal: AbortSignal): Promise<void> {
    const { kafka, topics, clock, settings, log, onRole } = this.#parts
    const appender = await kafka.openAppender(topics.state)
    try {
      await appender.fence()
      await store.catchUp()
      const before = leaseOf(store)
      const leader = new Leader({ store, clock, topics, holder: settings.holder, appender, epoch: (before?.epoch ?? 0) + 1 })
      const why = whyLeading(before, settings.times)
      await leader.commit(new Map(), [
        { kind: 'leadership', agent: null, subject: settings.holder, what: `${settings.holder} leads in epoch ${leader.epoch}: ${why}`, facts: null }
      ])
      log.info({ epoch: leader.epoch }, `leading: ${why}`)
      onRole('leader', leader.epoch)
      this.#leadership = new Leadership(this.#parts, leader)
      await this.#leadership.run(signal)
    } finally {
      this.#leadership = null
      await appender.close()
    }
  }
}
