import { createHash, type Hash } from 'node:crypto'

/** Version of the file. This release reads it; another is refused. */
export const backupVersion = 1

/** Topics that a backup holds: what Reeve cannot see again. Observations and acknowledgements come anew, requests were taken into the state. */
export const backedUp = ['journal', 'control', 'state'] as const
export type BackedUp = (typeof backedUp)[number]

export interface BackupHeader {
  readonly format: 'reeve-backup'
  readonly version: number
  readonly clusterId: string
  readonly prefix: string
  readonly takenAtMs: number
  /** Kafka's id of the topics whose offsets the state speaks of: in another incarnation they mean nothing. */
  readonly topicIds: Readonly<Record<string, string>>
}

export interface BackupRecord {
  readonly topic: BackedUp
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/**
 * A backup is text, a JSON object a line: the header, the records in the order in which they are restored, and a last line that counts
 * and sums up all before it. A file without its last line is none.
 */
export class BackupWriter {
  readonly #write: (text: string) => void
  readonly #hash: Hash = createHash('sha256')
  #records = 0

  constructor(header: BackupHeader, write: (text: string) => void) {
    this.#write = write
    this.#line(header)
  }

  get records(): number {
    return this.#records
  }

  add({ topic, key, value }: BackupRecord): void {
    this.#records++
    this.#line({ topic, key: key?.toString('base64') ?? null, value: value?.toString('base64') ?? null })
  }

  end(): void {
    this.#write(`${JSON.stringify({ records: this.#records, sha256: this.#hash.digest('hex') })}\n`)
  }

  #line(content: object): void {
    const text = `${JSON.stringify(content)}\n`
    this.#hash.update(text)
    this.#write(text)
  }
}

/** Reads a backup line by line. Throws an Error that names the line and what was expected there. */
export class BackupReader {
  readonly #hash: Hash = createHash('sha256')
  #lines = 0
  #records = 0
  #header: BackupHeader | null = null
  #ended = false

  /** The header, once the first line was given. */
  get header(): BackupHeader | null {
    return this.#header
  }

  get records(): number {
    return this.#records
  }

  /** Takes the next line, without its end. Returns the record in it, or null for the first and the last. */
  line(text: string): BackupRecord | null {
    this.#lines++
    if (this.#ended) throw this.#wrong('nothing behind the last line')
    const content = this.#object(text)
    if (this.#header === null) {
      this.#header = this.#headerIn(content)
    } else if (typeof content['sha256'] === 'string') {
      if (content['records'] !== this.#records) throw this.#wrong(`${this.#records} records, as there are before it; it says ${String(content['records'])}`)
      if (content['sha256'] !== this.#hash.digest('hex')) throw this.#wrong('the SHA-256 of all lines before it: the file was changed')
      this.#ended = true
      return null
    } else {
      this.#records++
      this.#hash.update(`${text}\n`)
      return this.#recordIn(content)
    }
    this.#hash.update(`${text}\n`)
    return null
  }

  /** To be called behind the last line. Throws where the file was cut off. */
  end(): void {
    if (!this.#ended) throw new Error(`the backup ends after ${this.#lines} lines without its last one: it was cut off`)
  }

  #headerIn(content: Readonly<Record<string, unknown>>): BackupHeader {
    if (content['format'] !== 'reeve-backup') throw this.#wrong('the header of a backup made by `reeve backup`')
    if (content['version'] !== backupVersion) throw this.#wrong(`version ${backupVersion}, which this release reads; found ${String(content['version'])}`)
    const { clusterId, prefix, takenAtMs, topicIds } = content
    if (typeof clusterId !== 'string' || typeof prefix !== 'string' || typeof takenAtMs !== 'number' || topicIds === null || typeof topicIds !== 'object')
      throw this.#wrong('clusterId, prefix, takenAtMs and topicIds in the header')
    return content as unknown as BackupHeader
  }

  #recordIn({ topic, key, value }: Readonly<Record<string, unknown>>): BackupRecord {
    const known = backedUp.find(name => name === topic)
    if (!known || !isBytes(key) || !isBytes(value)) throw this.#wrong('a record with topic, key and value')
    return { topic: known, key: bytes(key), value: bytes(value) }
  }

  #object(text: string): Readonly<Record<string, unknown>> {
    let content: unknown
    try {
      content = JSON.parse(text)
    } catch {
      throw this.#wrong('a JSON object')
    }
    if (content === null || typeof content !== 'object' || Array.isArray(content)) throw this.#wrong('a JSON object')
    return content as Readonly<Record<string, unknown>>
  }

  #wrong(expected: string): Error {
    return new Error(`line ${this.#lines} of the backup: expected ${expected}`)
  }
}

const isBytes = (value: unknown): value is string | null => value === null || typeof value === 'string'
const bytes = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text, 'base64'))
