import type { Anchor } from '#shared/anchors/anchor.ts'
import { directoryAnchor } from '#shared/anchors/directory.ts'
import { readEntry } from '#shared/audit/entry.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka, LogReader } from '#shared/kafka/ports.ts'
import { parseCheckpoint } from '#shared/proof/checkpoint.ts'
import { unverifiedText } from '#shared/proof/note.ts'
import { refusals } from '../refusals.ts'
import { anchorName, auditTopic } from './configuration.ts'
import { type ActSeen, type EventSeen, eventSeen, type ProofSeen, type Seen } from './seen.ts'

export interface WatchParts {
  /** Plain listener: the scene looks as the super user. */
  readonly brokers: readonly string[]
  /** Of the log. */
  readonly origin: string
  /** Folder of the anchor. */
  readonly anchor: string
  /** Folder of the brokers' logs. */
  readonly logs: string
}

/** Looks at the audit topic, the anchor's folder and the brokers' logs. What an entry says is shown; whether it is true is the verifier's question. */
export class Watch {
  readonly #parts: WatchParts
  readonly #kafka: Kafka
  readonly #reader: LogReader
  readonly #anchor: Anchor
  readonly #events: EventSeen[] = []
  readonly #acts: ActSeen[] = []
  readonly #proofs: ProofSeen[] = []
  readonly #waiting = new Set<(seen: Seen) => void>()
  #assigned = false
  #checkpoints = 0
  #checkpointed = 0
  #sinceMs: number | null = null

  private constructor(parts: WatchParts, kafka: Kafka, reader: LogReader) {
    this.#parts = parts
    this.#kafka = kafka
    this.#reader = reader
    this.#anchor = directoryAnchor({ name: anchorName, outside: true, path: parts.anchor })
  }

  static async open(parts: WatchParts): Promise<Watch> {
    const kafka = await openKafka({ brokers: parts.brokers, clientId: 'demo-watch' })
    return new Watch(parts, kafka, await kafka.openReader())
  }

  /** One look at everything. Throws on an entry that cannot be read. */
  async look(): Promise<Seen> {
    if (!this.#assigned && (await this.#kafka.admin.scan({ atMs: Date.now() })).topics.has(auditTopic)) {
      await this.#reader.assign(auditTopic, 0, 'start')
      this.#assigned = true
    }
    if (this.#assigned) await this.#reader.readToEnd(({ key, value }) => this.#take(key?.toString() ?? '', value ?? Buffer.alloc(0)))
    const held = await this.#anchor.held!.list(this.#parts.origin)
    const seen: Seen = {
      atMs: Date.now(),
      sinceMs: this.#sinceMs,
      events: this.#events,
      checkpoints: this.#checkpoints,
      checkpointed: this.#checkpointed,
      anchor: held.length === 0 ? null : { checkpoints: held.length, size: held.at(-1)!.size },
      acts: this.#acts,
      proofs: this.#proofs,
      refusals: await refusals(this.#parts.logs)
    }
    for (const told of this.#waiting) told(seen)
    return seen
  }

  /** What is done now; the first act begins the scene. */
  act(what: string): void {
    this.#sinceMs ??= Date.now()
    this.#acts.push({ atMs: Date.now(), what })
  }

  prove(proof: ProofSeen): void {
    this.#proofs.push(proof)
  }

  /** Resolves with what a later look sees, once it shows what is waited for. */
  until(shows: (seen: Seen) => boolean): Promise<Seen> {
    return new Promise(resolve => {
      const told = (seen: Seen): void => {
        if (!shows(seen)) return
        this.#waiting.delete(told)
        resolve(seen)
      }
      this.#waiting.add(told)
    })
  }

  async close(): Promise<void> {
    this.#anchor.close()
    await this.#reader.close()
    await this.#kafka.close()
  }

  #take(kind: string, value: Buffer): void {
    if (kind === 'note') {
      const { size } = parseCheckpoint(unverifiedText(value))
      if (size !== this.#checkpointed) this.#checkpoints++
      this.#checkpointed = size
    }
    if (kind !== 'event') return
    const entry = readEntry(value)
    if ('fault' in entry) throw new Error(`entry ${this.#events.length} of ${auditTopic}: ${entry.fault}`)
    this.#events.push(eventSeen(entry))
  }
}
