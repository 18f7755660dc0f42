import { KafkaFault } from '../kafka/errors.ts'
import type { JsonValue } from '../domain/json.ts'
import type { Governed, TurnContext } from './engine.ts'
import { doneChanges, type Intent, notDoneChanges } from './intent.ts'
import type { Entry, Leader } from './leader.ts'
import { effectOf } from './plan.ts'

export type Outcome = 'done' | 'not-done' | 'unknown'

/**
 * Effects that outlived their deadline, by key, of the agents of this reign. What still runs cannot be read back: it may happen after the
 * look. What ended well was done, even if its transaction is not seen yet. A successor fences the agent's writer before it looks.
 */
const lateEnds = new WeakMap<Governed, Map<string, 'running' | 'done'>>()

/**
 * Does one intended step and records its outcome. The intent's transaction proved leadership; the effect starts within 5 s of
 * it, else leadership is proven again (a replica that was stopped meanwhile is fenced here). What remains: a stop of this
 * process between that check and the effect's first byte, bounded by the fence of the agent's own appender.
 */
export async function act(context: TurnContext, leader: Leader, governed: Governed, intent: Intent): Promise<Outcome> {
  const { times } = context.settings
  const { agent, ports } = governed
  const effect = effectOf(agent, intent.action)
  if (leader.sinceProofMs() > times.effectMustStartWithinMs) await leader.renew()
  const signal = AbortSignal.timeout(times.effectDeadlineMs)
  let outcome: Outcome
  let evidence: JsonValue = null
  try {
    if (intent.undo === null) evidence = await withDeadline(followed(governed, intent.key, effect.apply(ports, intent.action, signal), signal), signal)
    else if (effect.undo === 'irreversible') throw new KafkaFault('protocol', `${intent.describe}: cannot be undone`)
    else evidence = await withDeadline(followed(governed, intent.key, effect.undo(ports, intent.action, intent.undo, signal), signal), signal)
    outcome = 'done'
  } catch (error) {
    if (error instanceof KafkaFault && error.kind === 'fenced') throw error
    evidence = { error: error instanceof Error ? error.message : String(error) }
    outcome = error instanceof KafkaFault && error.outcome === 'refused' ? 'not-done' : 'unknown'
  }
  await context.hooks.step?.('acted', agent.name)
  return settle(context, leader, governed, intent, outcome, evidence, 'outcome')
}

/** Reads back an intent whose outcome nobody recorded: after a crash, a take-over, a time-out. */
export async function heal(context: TurnContext, leader: Leader, governed: Governed, intent: Intent): Promise<Outcome> {
  return settle(context, leader, governed, intent, 'unknown', null, 'healed')
}

async function settle(
  context: TurnContext,
  leader: Leader,
  governed: Governed,
  intent: Intent,
  found: Outcome,
  evidence: JsonValue,
  kind: Entry['kind']
): Promise<Outcome> {
  const effect = effectOf(governed.agent, intent.action)
  const lateEnd = lateEnds.get(governed)?.get(intent.key)
  let outcome = found === 'unknown' && lateEnd === 'done' ? 'done' : found
  if (outcome === 'unknown' && lateEnd !== 'running') {
    const inForce = await effect.verify(governed.ports, intent.action)
    outcome = inForce === 'unknown' ? 'unknown' : (inForce === 'done') === (intent.undo === null) ? 'done' : 'not-done'
  }
  const what = `${intent.describe}: ${outcome === 'unknown' ? 'whether it happened is not known; it will be read back' : outcome}`
  const entry: Entry = {
    kind,
    agent: intent.agent,
    subject: intent.key,
    what,
    facts: { action: intent.action, undo: intent.undo, intendedAtMs: intent.atMs, intendedInEpoch: intent.epoch, evidence }
  }
  if (outcome === 'unknown') context.log.warn({ key: intent.key }, what)
  else if (outcome === 'done') await leader.commit(doneChanges(intent, intent.atMs, evidence, effect.undo !== 'irreversible'), [entry])
  else await leader.commit(notDoneChanges(intent), [entry])
  return outcome
}

/** Remembers how an effect ends that nobody waits for any more. */
async function followed<T>(governed: Governed, key: string, work: Promise<T>, signal: AbortSignal): Promise<T> {
  const ends = lateEnds.get(governed) ?? new Map<string, 'running' | 'done'>()
  lateEnds.set(governed, ends.set(key, 'running'))
  try {
    const evidence = await work
    if (signal.aborted) ends.set(key, 'done')
    else ends.delete(key)
    return evidence
  } catch (error) {
    ends.delete(key)
    throw error
  }
}

/** An effect that ignores its signal is left behind and its outcome is unknown. */
function withDeadline<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(new KafkaFault('timeout', 'the effect did not end within its deadline')), { once: true })
  )
  return Promise.race([work, late])
}
