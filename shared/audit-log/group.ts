import { type Previous, seal, type Sealed, Unsealable } from '../audit/chain.ts'
import { checkpointEvent, type Circumstances, unsealableEvent } from '../audit/checkpoint-entry.ts'
import type { AuditEvent } from '../audit/event.ts'
import { encodeTrailer, frontierOf, type SourcePositions } from '../audit/trailer.ts'
import type { Checkpoint } from '../proof/checkpoint.ts'
import { leafHash } from '../proof/hash.ts'
import type { Signer } from '../proof/note-key.ts'
import type { Tree } from '../proof/tree.ts'
import type { NewRecord } from '../kafka/ports.ts'
import type { LogPlace } from './place.ts'

/**
 * What is written together: all of it, positions too, or nothing. Without an event the other topics' records are written alone, and the positions
 * with the next entry: the log says less than is known then, never more.
 */
export interface AuditBatch {
  /** In their order. */
  readonly events: readonly AuditEvent[]
  /** Where the sources stand behind these events; a source that is not named stays where it was. */
  readonly positions?: SourcePositions
  readonly closedThroughMs?: number | null
  /** Records of other topics for the same transaction, such as the memory that belongs to the positions. */
  readonly also?: readonly NewRecord[]
  /** Called once it is committed: events and others' records. */
  readonly durable?: () => void
}

/** The end of the chain: of what was sealed, or of what was committed. */
export interface ChainEnd {
  readonly size: number
  readonly last: Previous | null
  /** Hash of the newest trailer. */
  readonly trailer: string | null
  readonly sources: SourcePositions
  readonly closedThroughMs: number | null
}

/** One transaction, sealed: the same bytes however often it is tried. */
export interface SealedGroup {
  readonly records: readonly NewRecord[]
  readonly entries: number
  readonly after: ChainEnd
  /** What is to be signed once this is committed. */
  readonly checkpoint: (Checkpoint & { readonly signers: readonly Signer[] }) | null
}

const keys = { event: Buffer.from('event'), trailer: Buffer.from('trailer'), note: Buffer.from('note') }

/** Seals events one behind the other, and cuts them into transactions. Does no I/O; what it has sealed is lost with it. */
export class Sealing {
  readonly #origin: string
  readonly #place: LogPlace
  readonly #epoch: number
  readonly #tree: Tree
  readonly #onTrouble: (message: string) => void
  #end: ChainEnd
  #signers: readonly Signer[]
  #entries: NewRecord[] = []
  #also: NewRecord[] = []
  #bytes = 0
  #moved = false

  constructor(at: {
    readonly place: LogPlace
    readonly origin: string
    readonly epoch: number
    readonly tree: Tree
    readonly end: ChainEnd
    readonly signers: readonly Signer[]
    readonly onTrouble: (message: string) => void
  }) {
    this.#onTrouble = at.onTrouble
    this.#place = at.place
    this.#origin = at.origin
    this.#epoch = at.epoch
    this.#tree = at.tree
    this.#end = at.end
    this.#signers = at.signers
  }

  /** Of the next entry. */
  get sequence(): number {
    return this.#tree.size
  }

  /** Entries of the transaction that is being gathered. */
  get entries(): number {
    return this.#entries.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Positions moved without an entry whose trailer would carry them. */
  get owesAnEntry(): boolean {
    return this.#entries.length === 0 && this.#moved
  }

  /** Other topics' records wait for their transaction. */
  get hasOthers(): boolean {
    return this.#also.length > 0
  }

  /** From the next checkpoint on these keys sign. */
  set signers(signers: readonly Signer[]) {
    this.#signers = signers
  }

  /** Seals a batch behind what is there. An event that no entry can hold is replaced by the declaration of its loss. */
  take({ events, positions, closedThroughMs, also }: AuditBatch): void {
    for (const event of events) this.#pushOr(event, why => unsealableEvent(event, why))
    if (positions !== undefined) {
      this.#moved = true
      this.#end = { ...this.#end, sources: { ...this.#end.sources, ...positions } }
    }
    if (closedThroughMs !== undefined) this.#end = { ...this.#end, closedThroughMs }
    if (also !== undefined) for (const record of also) this.#also.push(record)
  }

  /** Ends the transaction that is being gathered, with a checkpoint where circumstances are given, and begins the next. It must hold an entry then. */
  cut(checkpoint: (Circumstances & { readonly timestampMs: number }) | null): SealedGroup {
    const signers = this.#signers
    if (checkpoint) {
      const { timestampMs, ...circumstances } = checkpoint
      const place = { origin: this.#origin, sequence: this.#tree.size, timestampMs }
      const known = { trailer: this.#end.trailer, epoch: this.#epoch }
      this.#pushOr(checkpointEvent(place, { ...known, ...circumstances }), why => checkpointEvent(place, { ...known, ...unsaid(why) }))
      this.#signers = signers.slice(-1)
    }
    const { last, sources, closedThroughMs, trailer: previous } = this.#end
    const size = this.#tree.size
    const trailer = encodeTrailer({
      origin: this.#origin,
      sequence: size,
      fingerprint: last!.fingerprint,
      epoch: this.#epoch,
      previous,
      frontier: frontierOf(this.#tree.state()),
      signers: signers.map(({ vkey }) => vkey),
      closedThroughMs,
      sources
    })
    this.#end = { ...this.#end, size, trailer: trailer.hash }
    const group = {
      records: [...this.#entries, this.#record('trailer', trailer.bytes), ...this.#also],
      entries: this.#entries.length,
      after: this.#end,
      checkpoint: checkpoint && { origin: this.#origin, size, root: this.#tree.root(), signers }
    }
    this.#entries = []
    this.#also = []
    this.#bytes = 0
    this.#moved = false
    return group
  }

  /** Other topics' records alone: the log does not move, and nothing of it is written. */
  cutOthers(): SealedGroup {
    const records = this.#also
    this.#also = []
    return { records, entries: 0, after: this.#end, checkpoint: null }
  }

  noteRecord(note: Uint8Array): NewRecord {
    return this.#record('note', Buffer.from(note))
  }

  #pushOr(event: AuditEvent, instead: (why: string) => AuditEvent): void {
    try {
      this.#push(event)
    } catch (error) {
      if (!(error instanceof Unsealable)) throw error
      this.#onTrouble(`${this.#origin}: an event could not be written, and the log says so: ${error.message}`)
      this.#push(instead(error.message))
    }
  }

  #push(event: AuditEvent): void {
    const sealed: Sealed = seal(event, { origin: this.#origin, sequence: this.#tree.size, previous: this.#end.last })
    const { bytes, fingerprint, eventId, typeUid } = sealed
    this.#tree.append(leafHash(bytes))
    this.#entries.push(this.#record('event', bytes))
    this.#bytes += bytes.length
    this.#end = { ...this.#end, size: this.#tree.size, last: { fingerprint, eventId, typeUid } }
  }

  #record(kind: keyof typeof keys, value: Buffer): NewRecord {
    const { topic, partition } = this.#place
    return { topic, partition, key: keys[kind], value }
  }
}

/** In place of circumstances that no entry can hold. */
function unsaid(why: string): Circumstances {
  const unknown = { unknown: why.toWellFormed().slice(0, 2_000) }
  return { powers: unknown, excluded: unknown, silent: unknown }
}
