import { journalEntry, type JournalEntry } from '../engine/journal.ts'
import type { LogReader } from '../kafka/ports.ts'
import { printable } from '../render/table.ts'
import { durationOf, type AddCommand } from './command.ts'
import { type Cli, type Session, withSession } from './session.ts'

export interface JournalOptions {
  readonly sinceMs: number
  readonly subject?: string | undefined
  readonly agent?: string | undefined
  readonly follow?: true | undefined
  readonly json?: true | undefined
}

/** Prints what happened, oldest first; with `follow` goes on until the signal. Returns how many entries matched. */
export async function journal(cli: Cli, session: Session, options: JournalOptions): Promise<number> {
  let matched = 0
  const show = (entry: JournalEntry | null): void => {
    if (!entry || (options.agent !== undefined && entry.agent !== options.agent)) return
    if (options.subject !== undefined && !entry.subject.includes(options.subject) && !entry.subject.includes(encodeURIComponent(options.subject))) return
    matched++
    cli.out(options.json ? JSON.stringify(entry) : entryText(entry))
  }
  await readJournal(session, Date.now() - options.sinceMs, show, async reader => {
    while (options.follow && !cli.signal.aborted)
      for (const { records } of await reader.poll({ maxWaitMs: 1_000, signal: cli.signal })) for (const record of records) show(journalEntry(record))
  })
  return matched
}

export function entryText({ atMs, kind, what }: JournalEntry): string {
  return `${new Date(atMs).toISOString()}  ${kind.padEnd(10)}  ${printable(what)}`
}

/** Hands over every entry since a moment (epoch milliseconds), oldest first; then `after` may go on with the same reader. */
export async function readJournal(
  { kafka, topics }: Session,
  sinceMs: number,
  take: (entry: JournalEntry) => void,
  after: (reader: LogReader) => Promise<void> = async () => {}
): Promise<void> {
  const reader = await kafka.openReader()
  try {
    await reader.assign(topics.journal, 0, (await kafka.admin.offsetForTimestamp(topics.journal, 0, sinceMs)) ?? 'end')
    await reader.readToEnd(record => {
      const entry = journalEntry(record)
      if (entry) take(entry)
    })
    await after(reader)
  } finally {
    await reader.close()
  }
}

export const addJournal: AddCommand = (reeve, { cli, global }) => {
  reeve
    .command('journal')
    .description('What happened, oldest first.')
    .option('--since <duration>', 'how far back', '24h')
    .option('--agent <name>')
    .option('--subject <text>', 'a group, an action key or a request id')
    .option('--follow', 'go on until stopped')
    .action(options => {
      const sinceMs = durationOf('--since', options.since)
      return withSession(cli, global(), async session => void (await journal(cli, session, { ...options, sinceMs, json: global().json })))
    })
}
