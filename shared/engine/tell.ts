import type { JsonValue } from '../domain/json.ts'
import type { Log } from '../telemetry/log.ts'
import type { Notifier } from '../notify/notifier.ts'
import { due, next, type OutboxEntry } from '../notify/outbox.ts'
import type { Entry, Leader } from './leader.ts'

/** Delivers what is due and records each fate. A crash between the two delivers once more: better twice than never. */
export async function tell(leader: Leader, notifier: Notifier, log: Log, nowMs: number): Promise<number> {
  let told = 0
  for (let key = firstDue(leader, nowMs); key !== undefined; key = firstDue(leader, nowMs)) {
    await deliver(leader, notifier, log, nowMs, key)
    told++
  }
  return told
}

/** Asked again after each attempt: a failure holds up the rest of its channel. */
function firstDue(leader: Leader, nowMs: number): string | undefined {
  return due(new Map([...leader.store.entries('notice/')].map(([key, entry]) => [key, entry as unknown as OutboxEntry])), nowMs)[0]
}

async function deliver(leader: Leader, notifier: Notifier, log: Log, nowMs: number, key: string): Promise<void> {
  const entry = leader.store.get(`notice/${key}`) as unknown as OutboxEntry
  const { notice } = entry
  const result = await notifier.deliver(notice)
  const after = next(entry, result, nowMs)
  const what = result.ok ? `${notice.title}: delivered` : `${notice.title}: not delivered (attempt ${after.attempts}): ${result.error}`
  if (!result.ok) log.warn({ notice: notice.key, attempts: after.attempts }, what)
  const journal: Entry = {
    kind: 'notice',
    agent: key.slice(0, key.indexOf('/')),
    subject: notice.key,
    what,
    facts: { state: after.state, attempts: after.attempts }
  }
  await leader.commit(new Map([[`notice/${key}`, after as unknown as JsonValue]]), [journal])
}
