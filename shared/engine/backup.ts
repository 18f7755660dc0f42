import type { JsonValue } from '../domain/json.ts'
import type { Appender, Kafka, LogReader, NewRecord } from '../kafka/ports.ts'
import type { ReeveTopics } from './agent.ts'
import { backedUp, type BackupHeader, type BackupRecord } from './backup-file.ts'
import { journalRecord } from './journal.ts'
import type { Lease } from './lease.ts'

const recordsAtATime = 500

/** Reads what a backup holds: the journal whole, of the compacted topics the latest of each key; state last. */
export async function readForBackup(kafka: Kafka, topics: ReeveTopics, take: (record: BackupRecord) => void): Promise<void> {
  const reader = await kafka.openReader()
  try {
    for (const topic of backedUp) {
      const latest = new Map<string, BackupRecord>()
      await readAll(reader, topics[topic], (key, value) => {
        if (topic === 'journal') take({ topic, key, value })
        else if (value === null) latest.delete(key?.toString('base64') ?? '')
        else latest.set(key?.toString('base64') ?? '', { topic, key, value })
      })
      latest.forEach(take)
    }
  } finally {
    await reader.close()
  }
}

/**
 * Writes a backup into empty topics. The journal goes first, in pieces, and where an interrupted restore has written some of it the
 * rest follows; the state goes last, in one transaction, so that no replica ever starts from half of it. Fences whoever leads.
 */
export class Restore {
  readonly #topics: ReeveTopics
  readonly #appender: Appender
  readonly #journalThere: readonly string[]
  readonly #commandsThere: ReadonlySet<string>
  #journalAt = 0
  #waiting: NewRecord[] = []
  #last: NewRecord[] = []

  private constructor(topics: ReeveTopics, appender: Appender, journalThere: readonly string[], commandsThere: ReadonlySet<string>) {
    this.#topics = topics
    this.#appender = appender
    this.#journalThere = journalThere
    this.#commandsThere = commandsThere
  }

  /** Throws an Error where the topics hold something that a restore would mix with. */
  static async open(kafka: Kafka, topics: ReeveTopics): Promise<Restore> {
    const appender = await kafka.openAppender(topics.state)
    const reader = await kafka.openReader()
    try {
      // A restore that is refused must not have fenced the leader; and what a leader wrote before the fence counts.
      await refuseInUse(reader, topics.state)
      await appender.fence()
      await refuseInUse(reader, topics.state)
      const journal: string[] = []
      const commands = new Set<string>()
      await readAll(reader, topics.journal, (key, value) => journal.push(text(key, value)))
      await readAll(reader, topics.control, key => commands.add(String(key)))
      return new Restore(topics, appender, journal, commands)
    } catch (error) {
      await appender.close()
      throw error
    } finally {
      await reader.close()
    }
  }

  /** To be given every record, in the order of the file. */
  async add({ topic, key, value }: BackupRecord): Promise<void> {
    if (topic !== 'journal') {
      // A command that survived is newer than the backup, and what the consumers obey.
      if (topic === 'state' || !this.#commandsThere.has(String(key))) this.#last.push({ topic: this.#topics[topic], partition: 0, key, value })
      return
    }
    const there = this.#journalThere[this.#journalAt++]
    if (there !== undefined) {
      if (there !== text(key, value))
        throw new Error(`${this.#topics.journal} holds other entries than the backup from record ${this.#journalAt} on: delete the topic first`)
      return
    }
    this.#waiting.push({ topic: this.#topics.journal, partition: 0, key, value })
    if (this.#waiting.length >= recordsAtATime) await this.#flush()
  }

  /** Writes commands and state, which takes the restore into force. */
  async end(entry: Parameters<typeof journalRecord>[1]): Promise<void> {
    if (this.#journalThere.length > this.#journalAt) throw new Error(`${this.#topics.journal} holds more entries than the backup: delete the topic first`)
    await this.#flush()
    await this.#appender.append([...this.#last, journalRecord(this.#topics.journal, entry)])
  }

  async close(): Promise<void> {
    await this.#appender.close()
  }

  async #flush(): Promise<void> {
    if (this.#waiting.length > 0) await this.#appender.append(this.#waiting)
    this.#waiting = []
  }
}

/**
 * A record of the state as it may stand in other topics than it was taken from: offsets hold only for the incarnation that they were read in,
 * and nobody leads. Null where it must not be restored.
 */
export function restoredState(record: BackupRecord, { topicIds }: BackupHeader, idNow: (topic: keyof ReeveTopics) => string | null): BackupRecord | null {
  if (record.topic !== 'state' || record.value === null) return record
  const key = String(record.key)
  const sameTopic = (topic: keyof ReeveTopics) => topicIds[topic] !== undefined && topicIds[topic] === idNow(topic)
  const changed = (value: object): BackupRecord => ({ ...record, value: Buffer.from(JSON.stringify(value)) })
  if (key === 'requests') return sameTopic('requests') ? record : null
  if (key === 'observer' && !sameTopic('observations')) return changed({ ...(parsed(record.value) as object), keyFrameOffset: null })
  if (key === 'lease') return changed({ ...(parsed(record.value) as unknown as Lease), released: true })
  return record
}

const parsed = (value: Buffer): JsonValue => JSON.parse(value.toString('utf8')) as JsonValue
const text = (key: Buffer | null, value: Buffer | null): string => `${key?.toString('base64') ?? '-'} ${value?.toString('base64') ?? '-'}`

async function refuseInUse(reader: LogReader, state: string): Promise<void> {
  let records = 0
  await readAll(reader, state, () => records++)
  if (records > 0) throw new Error(`${state} holds records: stop every replica and delete the topic first, or restore under another topics.prefix`)
}

async function readAll(reader: LogReader, topic: string, take: (key: Buffer | null, value: Buffer | null) => void): Promise<void> {
  await reader.assign(topic, 0, 'start')
  await reader.readToEnd(({ key, value }) => take(key, value))
  reader.unassign(topic, 0)
}
