import type { JsonValue } from '../domain/json.ts'
import type { OwnerRule } from '../domain/owner.ts'
import type { AnyAgent, NoticeFate, PersonRequest, Severity, Simulation, Snapshot } from './agent.ts'
import type { Past } from './history.ts'
import { stageOf, subjectOf } from './key.ts'
import { gate, type Limits } from './limits.ts'
import { makePlan } from './plan.ts'

export type SimulatedAgent = AnyAgent & { readonly simulation: Simulation<unknown, Snapshot> }

export interface SimulationSetup {
  readonly agent: SimulatedAgent
  readonly policy: unknown
  readonly limits: Limits
  readonly owners: readonly OwnerRule[]
  /** Names of assumptions that a person takes as given. */
  readonly given: ReadonlySet<string>
}

/** A message that would have been sent. */
export interface Told {
  readonly key: string
  /** Whom it is about, for example a group id. */
  readonly subject: string
  /** What stage of its incident it is, in the agent's own word: `warning`, `released`, `resolved`. */
  readonly word: string
  readonly atMs: number
  readonly severity: Severity
  readonly resolved: boolean
  readonly team: string | null
  readonly title: string
  readonly why: readonly string[]
}

/** Something that would have been done, or undone. */
export interface Act {
  readonly key: string
  readonly subject: string
  /** Kind of the action. */
  readonly word: string
  readonly describe: string
  readonly atMs: number
  /** The last turn that still wanted it. */
  readonly untilMs: number
  /** When the gate let it pass; null: it never did, and why. */
  readonly passedAtMs: number | null
  readonly refused: string | null
}

export interface Found {
  readonly turns: number
  readonly told: readonly Told[]
  readonly acts: readonly Act[]
}

/**
 * Turns of one agent over observations of the past, with memory carried from turn to turn: the same `decide`, plan and gate as in a real
 * turn, as if `act` were true, and nothing is ever done. So what a turn wants is wanted until the past itself ends it: a group that
 * would have been paused goes on as it did. Messages count as delivered at once. Pure.
 */
export function simulate({ agent, policy, limits, owners, given }: SimulationSetup) {
  const told = new Map<string, Told>()
  const acts = new Map<string, Act>()
  const fates = new Map<string, NoticeFate>()
  const answered = new Set<string>()
  let memory: ReadonlyMap<string, JsonValue> = new Map()
  let turns = 0
  return {
    /** One turn; `said` is what people had said until then. */
    turn({ view, intervalMs, gap }: Past, said: readonly PersonRequest[] = []): void {
      turns++
      const { atMs } = view
      const requests = said.filter(({ id }) => !answered.has(id))
      const snapshot = agent.simulation.snapshot({ view, intervalMs, gap, standing: [], requests, notices: fates, owners }, policy, given)
      const decision = agent.decide({ policy, snapshot, memory, now: new Date(atMs) })
      memory = decision.memory
      for (const id of decision.answered) answered.add(id)
      for (const notice of decision.notices) {
        const { key, severity, resolved, team, title, why } = notice
        if (told.has(key)) continue
        told.set(key, { key, subject: subjectOf(key), word: stageOf(notice), atMs, severity, resolved, team, title, why })
        fates.set(key, { state: 'delivered', attempts: 1, deliveredAtMs: atMs, lastError: null })
      }
      const plan = makePlan(agent, decision, [], new Set())
      const subjects = snapshot.unseen.length === 0 ? decision.verdicts.length : null
      const { permitted, refused } = gate({ plan, limits, subjects, standingOwners: [], halted: null, approved: new Set(), nowMs: atMs, act: true })
      const because = new Map(refused.map(each => [each.step.key, each.because]))
      for (const { key, action, describe } of [...permitted, ...refused.map(({ step }) => step)]) {
        const before = acts.get(key)
        const passes = !because.has(key)
        acts.set(key, {
          ...(before ?? { key, subject: subjectOf(key), word: action.kind, describe, atMs }),
          untilMs: atMs,
          passedAtMs: before?.passedAtMs ?? (passes ? atMs : null),
          refused: before?.passedAtMs != null || passes ? null : because.get(key)!
        })
      }
    },
    found: (): Found => ({ turns, told: [...told.values()], acts: [...acts.values()] })
  }
}
