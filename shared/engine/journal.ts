import type { JsonValue } from '../domain/json.ts'
import type { LogRecord, NewRecord } from '../kafka/ports.ts'

export const journalVersion = 1

/** What happened, in the order it happened. Written in the transaction of the state change it belongs to. */
export interface JournalEntry {
  readonly kind:
    | 'leadership' // a replica began or ended to lead
    | 'intent' // about to act
    | 'outcome' // acted, or failed to
    | 'healed' // an intent whose outcome was not recorded was read back
    | 'refused' // the gate, dry-run, or what holds for a person's request said no
    | 'notice' // a message was written, delivered or failed
    | 'request' // a person asked, or was answered
    | 'maintenance' // judgement was suspended, or goes on
  readonly atMs: number
  readonly epoch: number
  readonly agent: string | null
  /** Action key, notice key, request id: what ties entries together. */
  readonly subject: string
  /** One sentence. */
  readonly what: string
  /** Evidence: everything the decision stood on. */
  readonly facts: JsonValue
}

export function journalRecord(topic: string, entry: JournalEntry): NewRecord {
  return { topic, partition: 0, key: Buffer.from(entry.subject), value: Buffer.from(JSON.stringify({ version: journalVersion, ...entry })) }
}

/** The entry in a record, or null where it is not one this release can read. */
export function journalEntry(record: LogRecord): JournalEntry | null {
  try {
    const value = JSON.parse(record.value?.toString('utf8') ?? 'null') as (JournalEntry & { version?: unknown }) | null
    return value !== null &&
      typeof value.version === 'number' &&
      value.version <= journalVersion &&
      typeof value.kind === 'string' &&
      typeof value.atMs === 'number'
      ? value
      : null
  } catch {
    return null
  }
}
