import { type Entry, readEntry } from '../audit/entry.ts'
import { readTrailer, type Trailer } from '../audit/trailer.ts'
import type { LogReader, LogRecord } from '../kafka/ports.ts'
import { AuditLogFault } from './fault.ts'
import { originOf, type LogPlace } from './place.ts'

/** Where a log ends, as its records say. */
export interface Head {
  /** How many entries there are: the sequence of the next. */
  readonly size: number
  /** Null in a log without entries. */
  readonly last: { readonly entry: Entry; readonly trailer: Trailer & { readonly hash: string } } | null
  /** The signed checkpoint of exactly `size` entries; null where there is none. */
  readonly note: Buffer | null
  /** Records near the end that no writer of this log has written: where they are, and their key. */
  readonly foreign: readonly { readonly partition: number; readonly offset: number; readonly key: string }[]
}

/** How much of the end is read at first, in offsets; eight times as much each time that it was too little. */
const firstWindow = 64
const patienceMs = 60_000
const pollMs = 100

/**
 * Finds the head of a log by reading its end backwards, over markers and aborted transactions, as far as it must. The caller has fenced every
 * other writer before. Reads two records of the log for sure, and no more than a few transactions. Throws AuditLogFault where the end is not what a
 * writer leaves, KafkaFault where it cannot be read. Takes the reader's assignment of this partition.
 */
export async function findHead(reader: LogReader, place: LogPlace): Promise<Head> {
  const { topic, partition } = place
  const end = await stableEnd(reader, place)
  await reader.assign(topic, partition, 'start')
  const start = reader.positions().find(position => position.topic === topic && position.partition === partition)!.offset
  for (let window = firstWindow; ; window *= 8) {
    const from = Math.max(start, end - window)
    await reader.assign(topic, partition, from)
    const tail = new Tail(place)
    await reader.readToEnd(record => tail.take(record))
    const head = tail.head(from === start)
    if (!head) continue
    // Where it stays, the next log's end would be read with it.
    reader.unassign(topic, partition)
    return head
  }
}

/** Waits until no transaction is open: until then entries could still appear. Resolves with the end. */
async function stableEnd(reader: LogReader, { topic, partition }: LogPlace): Promise<number> {
  await reader.assign(topic, partition, 'end')
  const lateMs = performance.now() + patienceMs
  for (let maxWaitMs = 0; ; maxWaitMs = pollMs) {
    const found = (await reader.poll({ maxWaitMs })).find(one => one.topic === topic && one.partition === partition)
    if (found && found.lastStableOffset === found.highWatermark) return found.lastStableOffset
    if (performance.now() > lateMs)
      throw new AuditLogFault(
        'blocked',
        `${topic}-${partition}: the last stable offset stays ${found ? `at ${found.lastStableOffset}, below the end ${found.highWatermark}` : 'unknown'} for ${patienceMs} ms: a transaction of another producer is open; kafka-transactions.sh find-hanging names it`
      )
  }
}

/** The newest records of each kind. */
class Tail {
  readonly #place: LogPlace
  readonly #foreign: { partition: number; offset: number; key: string }[] = []
  #entry: LogRecord | null = null
  #entryBeforeTrailer: LogRecord | null = null
  #trailer: LogRecord | null = null
  #note: LogRecord | null = null

  constructor(place: LogPlace) {
    this.#place = place
  }

  take(record: LogRecord): void {
    const key = record.key?.toString('latin1') ?? ''
    if (key === 'event') this.#entry = record
    else if (key === 'trailer') {
      this.#trailer = record
      this.#entryBeforeTrailer = this.#entry
      this.#note = null
    } else if (key === 'note') this.#note = record
    else if (this.#foreign.length < 100) this.#foreign.push({ partition: record.partition, offset: record.offset, key: key.slice(0, 100) })
  }

  /** Null where more must be read. */
  head(wholeLog: boolean): Head | null {
    const foreign = this.#foreign
    if (this.#trailer === null) {
      if (!wholeLog) return null
      if (this.#entry !== null) throw this.#inconsistent(this.#entry, 'an entry without a trailer behind it')
      return { size: 0, last: null, note: null, foreign }
    }
    if (this.#entryBeforeTrailer === null) {
      if (!wholeLog) return null
      throw this.#inconsistent(this.#trailer, 'a trailer without an entry before it')
    }
    if (this.#entry !== this.#entryBeforeTrailer) throw this.#inconsistent(this.#entry!, 'an entry without a trailer behind it')
    const trailer = readTrailer(this.#trailer.value ?? Buffer.alloc(0))
    if ('fault' in trailer) throw this.#inconsistent(this.#trailer, trailer.fault)
    const entry = readEntry(this.#entry.value ?? Buffer.alloc(0))
    if ('fault' in entry) throw this.#inconsistent(this.#entry, entry.fault)
    const origin = originOf(this.#place)
    if (trailer.origin !== origin || entry.origin !== origin)
      throw this.#inconsistent(this.#trailer, `it is of the log ${trailer.origin}, its entry of ${entry.origin}, expected ${origin}`)
    if (trailer.sequence !== entry.sequence + 1 || trailer.fingerprint !== entry.fingerprint)
      throw this.#inconsistent(
        this.#trailer,
        `it speaks of entry ${trailer.sequence - 1} (${trailer.fingerprint}), before it is ${entry.sequence} (${entry.fingerprint})`
      )
    return { size: trailer.sequence, last: { entry, trailer }, note: this.#note?.value ?? null, foreign }
  }

  #inconsistent({ offset }: LogRecord, what: string): AuditLogFault {
    const { topic, partition } = this.#place
    return new AuditLogFault(
      'inconsistent',
      `${topic}-${partition} offset ${offset}: ${what}. Only this log's writer may write there; go on in a new topic that continues this one`
    )
  }
}
