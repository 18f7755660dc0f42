import type { Log } from '../telemetry/log.ts'
import type { OwnerRule } from '../domain/owner.ts'
import type { AnyAgent, Ports } from './agent.ts'
import type { LeaseTimes } from './lease.ts'
import type { Limits } from './limits.ts'
import type { ObserverSettings } from './observer.ts'

/** One agent as the operator configured it. */
export interface Governed {
  readonly agent: AnyAgent
  readonly policy: unknown
  /** False: dry-run. Read in one place, the gate. */
  readonly act: boolean
  readonly ports: Ports
}

export interface EngineSettings {
  readonly holder: string
  readonly observer: ObserverSettings
  readonly limits: Limits
  readonly owners: readonly OwnerRule[]
  readonly times: LeaseTimes
}

/** Places where a test may stop, kill or delay the process; nobody else passes them. */
export type StepName = 'scanned' | 'observed' | 'decided' | 'intended' | 'acted' | 'recorded' | 'told'
export interface Hooks {
  step?(name: StepName, agent: string): Promise<void> | void
}

export interface TurnContext {
  readonly settings: EngineSettings
  readonly hooks: Hooks
  readonly log: Log
}
