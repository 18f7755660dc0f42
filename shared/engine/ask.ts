import { randomUUID } from 'node:crypto'
import type { Kafka } from '../kafka/ports.ts'
import type { PersonRequest, ReeveTopics } from './agent.ts'
import { journalEntry, type JournalEntry } from './journal.ts'
import { requestRecord } from './requests.ts'

export interface Answer {
  readonly request: PersonRequest
  /** Entries of the journal that belong to the request, in order; empty when no replica took it in time. */
  readonly entries: readonly JournalEntry[]
  /** Why it does not count; null: it does, or nobody took it yet. */
  readonly refused: string | null
}

/** What an agent answers in a turn; the others count as soon as they are taken. */
const answeredByAgents: readonly PersonRequest['kind'][] = ['fixed', 'resume', 'undo', 'release-all']

/**
 * Writes what a person said into the requests topic and follows the journal until it was taken and answered, or `waitMs` is
 * over. It stays written either way: whoever leads next takes it.
 */
export async function ask(kafka: Kafka, topics: ReeveTopics, request: PersonRequest, waitMs: number, signal: AbortSignal): Promise<Answer> {
  const journal = await kafka.openReader()
  const appender = await kafka.openAppender(`${topics.requests}.${randomUUID()}`)
  try {
    await journal.assign(topics.journal, 0, 'end')
    await appender.fence()
    await appender.append([requestRecord(topics.requests, request)])
    const entries: JournalEntry[] = []
    const deadline = performance.now() + waitMs
    const { kind, subject, id } = request
    const taken = () => entries.find(entry => entry.subject === id)
    const done = () =>
      entries.some(({ what }) => what === 'answered') || (taken() !== undefined && (!answeredByAgents.includes(kind) || refusalIn(taken()) !== null))
    while (!done() && performance.now() < deadline && !signal.aborted) {
      for (const { records } of await journal.poll({ maxWaitMs: 500, signal })) {
        for (const record of records) {
          const entry = journalEntry(record)
          if (entry && (entry.subject === id || (kind !== 'release-all' && subject !== '' && entry.subject.includes(encodeURIComponent(subject)))))
            entries.push(entry)
        }
      }
    }
    return { request, entries, refused: refusalIn(taken()) }
  } finally {
    await appender.close()
    await journal.close()
  }
}

function refusalIn(entry: JournalEntry | undefined): string | null {
  const refused = (entry?.facts as { refused?: unknown } | null | undefined)?.refused
  return typeof refused === 'string' ? refused : null
}
