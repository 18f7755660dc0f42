import type { TrustedNow } from '../domain/clock.ts'
import type { JsonValue } from '../domain/json.ts'
import type { Decision, Kinded } from './agent.ts'
import { act, heal, type Outcome } from './act.ts'
import type { Governed, TurnContext } from './engine.ts'
import { intend } from './intend.ts'
import type { Intent } from './intent.ts'
import type { Leader } from './leader.ts'
import { type Gate, gate } from './limits.ts'
import { look, type Look } from './look.ts'
import type { Latest } from './fold.ts'
import { makePlan, type Plan } from './plan.ts'
import { appealHolds, withSaid } from './said.ts'
import type { StateStore } from './state.ts'
import { undoRequests } from './undo.ts'

/** What a turn would do, and why. */
export interface Rehearsal {
  readonly look: Look
  readonly decision: Decision<JsonValue, JsonValue & Kinded>
  readonly plan: Plan
  readonly judged: Gate
}

export interface TurnReport extends Rehearsal {
  readonly outcomes: readonly { readonly key: string; readonly undo: boolean; readonly outcome: Outcome }[]
}

/** Observe, decide, plan, judge: everything before the first thing that changes anything. `reeve plan` ends here. */
export async function rehearse(context: TurnContext, store: StateStore, governed: Governed, latest: Latest, now: TrustedNow): Promise<Rehearsal> {
  const { agent, policy, ports } = governed
  const seen = look(agent.name, store, context.settings, latest, now)
  const snapshot = await agent.observe(ports, seen.observed, policy)
  await context.hooks.step?.('observed', agent.name)
  const decided = agent.decide({ policy, snapshot, memory: seen.memory, now: new Date(now.nowMs) })
  const asked = undoRequests(store, agent.name)
  const decision = {
    ...decided,
    undo: [...decided.undo, ...asked.undo],
    answered: [...decided.answered, ...asked.answered],
    verdicts: withSaid(store, decided.verdicts, now.nowMs)
  }
  const plan = makePlan(agent, decision, seen.observed.standing, seen.openKeys)
  const { limits } = context.settings
  const judged = gate({
    plan,
    limits: { ...limits, holds: [...limits.holds, ...appealHolds(store, now.nowMs)] },
    subjects: snapshot.unseen.length === 0 ? decision.verdicts.length : null,
    standingOwners: seen.observed.standing.map(({ action }) => agent.effects[action.kind]?.target(action).owner ?? null),
    halted: (store.get('halt') as { who: string; why: string } | undefined) ?? null,
    approved: new Set([...store.entries('approval/')].map(([checksum]) => checksum)),
    nowMs: now.nowMs,
    act: governed.act
  })
  await context.hooks.step?.('decided', agent.name)
  return { look: seen, decision, plan, judged }
}

/** One turn of one agent: rehearse, write down what is about to happen, do it, write down what happened. */
export async function turn(
  context: TurnContext,
  leader: Leader,
  governed: Governed,
  latest: Latest,
  stillPermitted: () => Promise<boolean>
): Promise<TurnReport> {
  const { agent } = governed
  await healOpenIntents(context, leader, governed)
  const now = await leader.clock.now()
  const rehearsal = await rehearse(context, leader.store, governed, latest, now)
  const intents = await intend(leader, agent.name, rehearsal, now.nowMs)
  await context.hooks.step?.('intended', agent.name)
  const outcomes: TurnReport['outcomes'][number][] = []
  for (const intent of intents) {
    if (intent.undo === null && !(await stillPermitted())) break
    outcomes.push({ key: intent.key, undo: intent.undo !== null, outcome: await act(context, leader, governed, intent) })
    await context.hooks.step?.('recorded', agent.name)
  }
  return { ...rehearsal, outcomes }
}

async function healOpenIntents(context: TurnContext, leader: Leader, governed: Governed): Promise<void> {
  const open = [...leader.store.entries('intent/')].map(([, intent]) => intent as unknown as Intent)
  for (const intent of open) if (intent.agent === governed.agent.name) await heal(context, leader, governed, intent)
}
