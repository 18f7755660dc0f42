import type { JsonValue } from '../domain/json.ts'
import type { Log } from '../telemetry/log.ts'
import type { Delivery, Destination, Letter, Notifier } from '../notify/notifier.ts'
import { backlog, due, letters, next, type OutboxEntry, threadOf } from '../notify/outbox.ts'
import type { Entry, Leader } from './leader.ts'
import { isSnoozed } from './said.ts'
import { Serial } from './serial.ts'

/** No destination begins another message after this. */
const longestRoundMs = 3_000

/**
 * Delivers what is due and records each fate; destinations do not wait for one another. A crash between the two delivers once more: better
 * twice than never. Returns how many notices were tried. A slow destination with much to take goes on in the next round, so that the others do
 * not wait for it.
 */
export async function tell(leader: Leader, notifier: Notifier, log: Log, nowMs: number, roundMs = longestRoundMs): Promise<number> {
  const beganAt = performance.now()
  const now = () => nowMs + Math.round(performance.now() - beganAt)
  const lanes = due(
    outboxOf(leader),
    notice => notifier.destinations(notice),
    nowMs,
    ({ notice }) => isSnoozed(leader.store, notice, nowMs)
  )
  const settling = new Serial()
  const tried = await Promise.all(
    [...lanes.values()].map(async ({ destination, keys }) => {
      let count = 0
      for (const letter of letters(keys, destination.digestAbove)) {
        const result = await deliver(leader, destination, letter)
        count += letter.length
        // One at a time: two destinations of a notice write the same entry.
        await settling.run(() => settle(leader, notifier, log, now(), destination, letter, result))
        // What comes later waits behind it.
        if (!result.ok && result.retryable) break
        if (performance.now() - beganAt > roundMs) break
      }
      return count
    })
  )
  return tried.reduce((sum, count) => sum + count, 0)
}

async function deliver(leader: Leader, destination: Destination, keys: readonly string[]): Promise<Delivery> {
  const notices = keys.map(key => entryOf(leader, key).notice) as unknown as Letter['notices']
  const incidents = new Set(notices.map(({ incident }) => incident))
  return destination.deliver({ notices, thread: threadOf(outboxOf(leader).values(), incidents, destination.id) })
}

async function settle(
  leader: Leader,
  notifier: Notifier,
  log: Log,
  nowMs: number,
  destination: Destination,
  keys: readonly string[],
  result: Delivery
): Promise<void> {
  const digest = keys.length > 1 ? ` in a digest of ${keys.length}` : ''
  const changes = new Map<string, JsonValue>()
  const entries: Entry[] = []
  for (const key of keys) {
    const before = entryOf(leader, key)
    const after = next(before, destination, notifier.destinations(before.notice), result, nowMs)
    const { attempts } = after.to![destination.id]!
    const { title, key: subject } = before.notice
    const what = result.ok
      ? `${title}: delivered${digest} (${destination.id})`
      : `${title}: not delivered${digest} (${destination.id}, attempt ${attempts}): ${result.error}`
    changes.set(`notice/${key}`, after as unknown as JsonValue)
    entries.push({
      kind: 'notice',
      agent: key.slice(0, key.indexOf('/')),
      subject,
      what,
      facts: { state: after.state, attempts, destination: destination.id }
    })
  }
  if (!result.ok) log.warn({ notices: keys.length, destination: destination.id }, entries[0]!.what)
  await leader.commit(changes, entries)
}

/** What waits to be told, for metrics. */
export function waiting(leader: Leader): ReturnType<typeof backlog> {
  return backlog(outboxOf(leader).values(), ({ notice }) => isSnoozed(leader.store, notice, leader.clock.localMs()))
}

function entryOf(leader: Leader, key: string): OutboxEntry {
  return leader.store.get(`notice/${key}`) as unknown as OutboxEntry
}

function outboxOf(leader: Leader): ReadonlyMap<string, OutboxEntry> {
  return new Map([...leader.store.entries('notice/')].map(([key, entry]) => [key, entry as unknown as OutboxEntry]))
}
