import { canonicalJson, type JsonValue } from '../domain/json.ts'
import { newEntry, type OutboxEntry } from '../notify/outbox.ts'
import type { Notice, PersonRequest } from './agent.ts'
import { type Intent, intentOf } from './intent.ts'
import type { Entry, Leader } from './leader.ts'
import { memoryChanges } from './look.ts'
import type { Plan } from './plan.ts'
import type { StateStore } from './state.ts'
import type { Rehearsal } from './turn.ts'

/** Delivered messages are remembered this long, so that none is said twice. */
const rememberNoticesMs = 7 * 86_400_000

/** What the gate refused, for `reeve plan` and for a person to approve; under `plan/<agent>`. */
export interface RefusedPlan {
  readonly checksum: string
  /** Who asked for what it would do: none of them may approve it. Absent in what an older release wrote. */
  readonly askedBy?: readonly string[]
  readonly refused: readonly { readonly key: string; readonly describe: string; readonly because: string; readonly approvable: boolean }[]
}

/**
 * The transaction between deciding and acting: memory, messages, answers, and an intent for every step that passed the gate, with
 * the evidence that it stands on. Nothing outside Reeve's own topics has changed before it is durable.
 */
export async function intend(leader: Leader, agent: string, { look, decision, plan, judged }: Rehearsal, nowMs: number): Promise<Intent[]> {
  const { store } = leader
  const intents = judged.permitted.map(step => intentOf(agent, step, nowMs, leader.epoch))
  const changes = memoryChanges(agent, look.memory, decision.memory)
  const entries: Entry[] = []
  changes.set(`seen/${agent}`, { ...look.seen })

  for (const [index, intent] of intents.entries()) {
    const verdict = decision.verdicts.find(({ subject }) => subject === judged.permitted[index]!.target) ?? null
    changes.set(`intent/${intent.key}`, intent as unknown as JsonValue)
    entries.push({
      kind: 'intent',
      agent,
      subject: intent.key,
      what: intent.describe,
      facts: { undo: intent.undo, plan: plan.checksum, observation: look.seen.sequence, verdict: verdict as unknown as JsonValue }
    })
  }

  const before = store.get(`plan/${agent}`) as unknown as RefusedPlan | undefined
  const refused: RefusedPlan = {
    checksum: plan.checksum,
    askedBy: askedBy(store, plan, before),
    refused: judged.refused.map(({ step, because, approvable }) => ({ key: step.key, describe: step.describe, because, approvable }))
  }
  const known = new Set(before?.refused.map(({ key, because }) => canonicalJson([key, because])))
  for (const step of refused.refused)
    if (!known.has(canonicalJson([step.key, step.because])))
      entries.push({ kind: 'refused', agent, subject: step.key, what: `${step.describe}: refused, ${step.because}`, facts: { plan: plan.checksum } })
  const planned = refused.refused.length === 0 ? null : (refused as unknown as JsonValue)
  if (canonicalJson((before ?? null) as unknown as JsonValue) !== canonicalJson(planned)) changes.set(`plan/${agent}`, planned)
  if (intents.length > 0 && store.get(`approval/${plan.checksum}`) !== undefined) changes.set(`approval/${plan.checksum}`, null)

  for (const notice of [...decision.notices, ...approvalNotice(agent, refused, before, nowMs)]) {
    if (store.get(`notice/${agent}/${notice.key}`) !== undefined || changes.has(`notice/${agent}/${notice.key}`)) continue
    changes.set(`notice/${agent}/${notice.key}`, newEntry(notice, nowMs) as unknown as JsonValue)
    entries.push({ kind: 'notice', agent, subject: notice.key, what: `${notice.title}: to be told`, facts: notice as unknown as JsonValue })
  }
  const said = new Set(decision.notices.map(({ key }) => key))
  for (const [key, value] of store.entries(`notice/${agent}/`)) {
    const { deliveredAtMs } = value as unknown as OutboxEntry
    if (deliveredAtMs !== null && !said.has(key) && nowMs - deliveredAtMs > rememberNoticesMs) changes.set(`notice/${agent}/${key}`, null)
  }

  for (const id of decision.answered) {
    if (store.get(`request/${id}`) === undefined) continue
    changes.set(`request/${id}`, null)
    entries.push({ kind: 'request', agent, subject: id, what: 'answered', facts: store.get(`request/${id}`) ?? null })
  }
  await leader.commit(changes, entries)
  return intents
}

/** People whose requests are about what the plan would do. An answered request is forgotten, so the last turn's names stay with the plan. */
function askedBy(store: StateStore, { checksum, steps }: Plan, before: RefusedPlan | undefined): string[] {
  const about = new Set(steps.flatMap(({ key, target }) => [key, target]))
  const asked = [...store.entries('request/')].map(([, request]) => request as unknown as PersonRequest).filter(({ subject }) => about.has(subject))
  return [...new Set([...(before?.checksum === checksum ? (before.askedBy ?? []) : []), ...asked.map(({ who }) => who)])].toSorted()
}

/** What waits for an approval is told to the platform once it stood for two turns: a plan that still changes is not worth a person's time. */
function approvalNotice(agent: string, { checksum, refused }: RefusedPlan, before: RefusedPlan | undefined, nowMs: number): Notice[] {
  const waiting = refused.filter(({ approvable }) => approvable)
  if (waiting.length === 0 || before?.checksum !== checksum) return []
  return [
    {
      key: `plan/${checksum}`,
      incident: `${agent}/plan/${checksum}`,
      severity: 'warning',
      resolved: false,
      team: null,
      channel: null,
      title: `${agent}: ${waiting.length} action${waiting.length === 1 ? ' waits' : 's wait'} for an approval`,
      why: [waiting[0]!.because, ...waiting.map(({ describe }) => describe)],
      sinceMs: nowMs,
      next: { what: 'Nothing of it is done until a person approves exactly this plan.', atMs: null },
      answer: `reeve approve ${checksum}`,
      asks: ['approve'],
      subject: checksum
    }
  ]
}
