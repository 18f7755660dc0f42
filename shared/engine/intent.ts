import type { JsonValue } from '../domain/json.ts'
import type { Kinded, Standing } from './agent.ts'
import type { Step } from './plan.ts'

/** Under `intent/<key>` from before an act begins until its outcome is recorded (law 6). */
export interface Intent {
  readonly agent: string
  readonly key: string
  readonly action: JsonValue & Kinded
  readonly describe: string
  /** Why it is undone, or null when the action is done. */
  readonly undo: string | null
  readonly atMs: number
  readonly epoch: number
}

export function intentOf(agent: string, step: Step, atMs: number, epoch: number): Intent {
  return { agent, key: step.key, action: step.action, describe: step.describe, undo: step.undo, atMs, epoch }
}

/** State after the intent took effect. */
export function doneChanges(intent: Intent, appliedAtMs: number, evidence: JsonValue, reversible: boolean): Map<string, JsonValue | null> {
  const standing: Standing = { key: intent.key, agent: intent.agent, action: intent.action, describe: intent.describe, appliedAtMs, evidence }
  const stands = intent.undo === null && reversible ? (standing as unknown as JsonValue) : null
  return new Map([
    [`intent/${intent.key}`, null],
    [`standing/${intent.key}`, stands]
  ])
}

/** State after the intent certainly had no effect: whether it is still wanted, the next turn decides. */
export function notDoneChanges(intent: Intent): Map<string, JsonValue | null> {
  return new Map([[`intent/${intent.key}`, null]])
}
