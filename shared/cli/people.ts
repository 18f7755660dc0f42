import { randomUUID } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import type { PersonRequest, Standing } from '../engine/agent.ts'
import { journalEntry, type JournalEntry } from '../engine/journal.ts'
import { standingOf } from '../engine/look.ts'
import { newRequest, requestRecord } from '../engine/requests.ts'
import { withState } from './reading.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import type { Cli, Session } from './session.ts'

export interface Answer {
  readonly request: PersonRequest
  /** Entries of the journal that belong to the request, in order; empty when no replica took it in time. */
  readonly entries: readonly JournalEntry[]
}

/**
 * Writes what a person said into the requests topic and follows the journal until it was taken and answered, or `waitMs` is
 * over. It stays written either way: whoever leads next takes it.
 */
export async function say(cli: Cli, session: Session, kind: PersonRequest['kind'], subject: string, why: string, waitMs: number): Promise<Answer> {
  const { kafka, topics } = session
  const request = newRequest(kind, subject, `${userInfo().username}@${hostname()}`, why, Date.now())
  const journal = await kafka.openReader()
  const appender = await kafka.openAppender(`${topics.requests}.${randomUUID()}`)
  try {
    await journal.assign(topics.journal, 0, 'end')
    await appender.fence()
    await appender.append([requestRecord(topics.requests, request)])
    const entries: JournalEntry[] = []
    const deadline = performance.now() + waitMs
    const answered = () => entries.some(({ what }) => what === 'answered') || (['halt', 'unhalt', 'approve'].includes(kind) && entries.length > 0)
    while (!answered() && performance.now() < deadline && !cli.signal.aborted) {
      for (const { records } of await journal.poll({ maxWaitMs: 500, signal: cli.signal })) {
        for (const record of records) {
          const entry = journalEntry(record)
          if (entry && (entry.subject === request.id || (kind !== 'release-all' && subject !== '' && entry.subject.includes(encodeURIComponent(subject)))))
            entries.push(entry)
        }
      }
    }
    return { request, entries }
  } finally {
    await appender.close()
    await journal.close()
  }
}

/** Ends the command with what came of a request. */
export function report(cli: Cli, { request, entries }: Answer, json: boolean): void {
  if (entries.length === 0)
    throw new CommandFailure(exitCodes.unanswered, `written as ${request.id}, but no replica took it up yet: it counts as soon as one leads (reeve run)`)
  if (json) cli.out(JSON.stringify({ request, entries }))
  else for (const { what } of entries) cli.out(what)
}

/** Waits until nothing stands any more; tells what is given back as it happens. Returns what still stands at the end. */
export async function waitUntilNothingStands(cli: Cli, session: Session, waitMs: number, onGivenBack: (standing: Standing) => void): Promise<Standing[]> {
  return withState(session, async store => {
    const deadline = performance.now() + waitMs
    let before = standingOf(store, null)
    while (before.length > 0 && performance.now() < deadline && !cli.signal.aborted) {
      await store.follow(500, cli.signal)
      const now = standingOf(store, null)
      const keys = new Set(now.map(({ key }) => key))
      for (const standing of before) if (!keys.has(standing.key)) onGivenBack(standing)
      before = now
    }
    return before
  })
}
