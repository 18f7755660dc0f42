import { createHash } from 'node:crypto'
import { canonicalJson, type JsonValue } from '../domain/json.ts'
import type { AnyAgent, Decision, Effect, Harm, Kinded, Standing } from './agent.ts'

/** One thing to do: an action, or the undoing of a standing one. */
export interface Step {
  readonly key: string
  readonly action: JsonValue & Kinded
  readonly describe: string
  readonly harm: Harm
  readonly target: string
  readonly owner: string | null
  /** Set when this step undoes the standing action `key`. */
  readonly undo: string | null
}

/** What a turn would do, in order, and a checksum over what is meant: a person approves exactly this. */
export interface Plan {
  readonly agent: string
  readonly steps: readonly Step[]
  readonly checksum: string
}

export function effectOf(agent: AnyAgent, action: Kinded): Effect<JsonValue & Kinded> {
  const effect = (agent.effects as Readonly<Record<string, Effect<JsonValue & Kinded>>>)[action.kind]
  if (!effect) throw new Error(`${agent.name} has no effect for ${action.kind}`)
  return effect
}

/**
 * Orders a decision: what gives back comes first, then by key. What already stands, or is under way, is not planned again.
 * The checksum leaves figures out (they move every turn) and names only the keys, so an approval holds while the intent does.
 */
export function makePlan(
  agent: AnyAgent,
  decision: Decision<JsonValue, JsonValue & Kinded>,
  standing: readonly Standing[],
  openKeys: ReadonlySet<string>
): Plan {
  const byKey = new Map(standing.map(stands => [stands.key, stands]))
  const steps: Step[] = []
  for (const { key, why } of decision.undo) {
    const stands = byKey.get(key)
    if (stands && !openKeys.has(key)) steps.push(undoStep(agent, stands, why))
  }
  for (const action of decision.actions) {
    const effect = effectOf(agent, action)
    const key = effect.key(action)
    if (byKey.has(key) || openKeys.has(key)) continue
    const { id, owner } = effect.target(action)
    steps.push({ key, action, describe: effect.describe(action), harm: effect.harm, target: id, owner, undo: null })
  }
  steps.sort((a, b) => Number(a.undo === null) - Number(b.undo === null) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  return { agent: agent.name, steps, checksum: checksumOf(agent.name, steps) }
}

/** Undoing gives back: caps, freezes and the kill switch never hold it up. */
export function undoStep(agent: AnyAgent, stands: Standing, why: string): Step {
  const effect = effectOf(agent, stands.action)
  const { id, owner } = effect.target(stands.action)
  return { key: stands.key, action: stands.action, describe: `undo: ${stands.describe}`, harm: 'restores', target: id, owner, undo: why }
}

function checksumOf(agent: string, steps: readonly Step[]): string {
  const meant = steps.map(step => `${step.undo === null ? 'do' : 'undo'} ${step.key}`)
  return createHash('sha256')
    .update(canonicalJson([agent, ...meant]))
    .digest('hex')
    .slice(0, 16)
}
