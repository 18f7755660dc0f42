import { canonicalJson, type JsonValue } from '../domain/json.ts'
import { newEntry, type OutboxEntry } from '../notify/outbox.ts'
import { type Intent, intentOf } from './intent.ts'
import type { Entry, Leader } from './leader.ts'
import { memoryChanges } from './look.ts'
import type { Rehearsal } from './turn.ts'

/** Delivered messages are remembered this long, so that none is said twice. */
const rememberNoticesMs = 7 * 86_400_000

/** What the gate refused, for `reeve plan` and for a person to approve; under `plan/<agent>`. */
export interface RefusedPlan {
  readonly checksum: string
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

  const refused: RefusedPlan = {
    checksum: plan.checksum,
    refused: judged.refused.map(({ step, because, approvable }) => ({ key: step.key, describe: step.describe, because, approvable }))
  }
  const before = store.get(`plan/${agent}`) as unknown as RefusedPlan | undefined
  const known = new Set(before?.refused.map(({ key, because }) => canonicalJson([key, because])))
  for (const step of refused.refused)
    if (!known.has(canonicalJson([step.key, step.because])))
      entries.push({ kind: 'refused', agent, subject: step.key, what: `${step.describe}: refused, ${step.because}`, facts: { plan: plan.checksum } })
  const planned = refused.refused.length === 0 ? null : (refused as unknown as JsonValue)
  if (canonicalJson((before ?? null) as unknown as JsonValue) !== canonicalJson(planned)) changes.set(`plan/${agent}`, planned)
  if (intents.length > 0 && store.get(`approval/${plan.checksum}`) !== undefined) changes.set(`approval/${plan.checksum}`, null)

  for (const notice of decision.notices) {
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
