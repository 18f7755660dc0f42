import type { JsonValue } from '../domain/json.ts'
import type { Log } from '../telemetry/log.ts'
import type { Notifier } from '../notify/notifier.ts'
import { due, next, type OutboxEntry } from '../notify/outbox.ts'
import type { Entry, Leader } from './leader.ts'

/** Delivers what is due and records each fate. A crash between the two delivers once more: better twice than never. */
export async function tell(leader: Leader, notifier: Notifier, log: Log, nowMs: number): Promise<number> {
  const outbox = new Map([...leader.store.entries('notice/')].map(([key, entry]) => [key, entry as unknown as OutboxEntry]))
  let told = 0
  for (const key of due(outbox, nowMs)) {
    const entry = outbox.get(key)!
    const result = await notifier.deliver(entry.notice)
    const after = next(entry, result, nowMs)
    const agent = key.slice(0, key.indexOf('/'))
    const what = result.ok ? `${entry.notice.title}: delivered` : `${entry.notice.title}: not delivered (attempt ${after.attempts}): ${result.error}`
    const journal: Entry[] = [{ kind: 'notice', agent, subject: entry.notice.key, what, facts: { state: after.state, attempts: after.attempts } }]
    if (!result.ok) log.warn({ notice: entry.notice.key, attempts: after.attempts }, what)
    await leader.commit(new Map([[`notice/${key}`, after as unknown as JsonValue]]), journal)
    told++
  }
  return told
}
