import { type Previous, seal, Unsealable } from '../audit/chain.ts'
import { checkpointEvent, type Circumstances, unsealableEvent } from '../audit/checkpoint-entry.ts'
import type { AuditEvent } from '../audit/event.ts'
import type { NamedHead } from '../audit/together.ts'
import { encodeTrailer, frontierOf, type Trailer } from '../audit/trailer.ts'
import type { Checkpoint } from '../proof/checkpoint.ts'
import { leafHash } from '../proof/hash.ts'
import type { Signer } from '../proof/note-key.ts'
import type { Tree } from '../proof/tree.ts'
import type { NewRecord } from '../kafka/ports.ts'
import { type LogPlace, originOf } from './place.ts'

/** The end of one chain: of what was sealed, or of what was committed. */
export interface ChainEnd {
  readonly size: number
  readonly last: Previous | null
  /** Hash of the newest trailer. */
  readonly trailer: string | null
}

/** What a checkpoint is to say. */
export interface CheckpointToMake extends Circumstances {
  readonly timestampMs: number
  readonly heads: readonly NamedHead[] | null
  readonly continuedIn: string | null
}

/** What one log has in a transaction, sealed: the same bytes however often it is tried. */
export interface SealedPart {
  readonly records: readonly NewRecord[]
  readonly after: ChainEnd
  /** What is to be signed once this is committed. */
  readonly checkpoint: (Checkpoint & { readonly signers: readonly Signer[] }) | null
}

const keys = { event: Buffer.from('event'), trailer: Buffer.from('trailer'), note: Buffer.from('note') }

/** Seals the events of one log one behind the other. Does no I/O; what it has sealed is lost with it. */
export class Sealing {
  readonly place: LogPlace
  readonly origin: string
  readonly #epoch: number
  readonly #tree: Tree
  readonly #onTrouble: (message: string) => void
  #end: ChainEnd
  /** Where the last transaction ended. */
  #before: ChainEnd
  #signers: readonly Signer[]
  #records: NewRecord[] = []
  #bytes = 0

  constructor(at: {
    readonly place: LogPlace
    readonly epoch: number
    readonly tree: Tree
    readonly end: ChainEnd
    readonly signers: readonly Signer[]
    readonly onTrouble: (message: string) => void
  }) {
    this.#onTrouble = at.onTrouble
    this.place = at.place
    this.origin = originOf(at.place)
    this.#epoch = at.epoch
    this.#tree = at.tree
    this.#end = at.end
    this.#before = at.end
    this.#signers = at.signers
  }

  /** Of the next entry. */
  get sequence(): number {
    return this.#tree.size
  }

  /** Entries of the transaction that is being gathered. */
  get entries(): number {
    return this.#records.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Where the last transaction ended that was cut. */
  get before(): ChainEnd {
    return this.#before
  }

  /** From the next checkpoint on these keys sign. */
  set signers(signers: readonly Signer[]) {
    this.#signers = signers
  }

  /** Seals an event behind what is there. One that no entry can hold is replaced by the declaration of its loss. */
  push(event: AuditEvent): void {
    this.#pushOr(event, why => unsealableEvent(event, why))
  }

  /** Ends what the log has in the transaction that is being gathered, with a checkpoint where one is given. It must hold an entry then. */
  cut(checkpoint: CheckpointToMake | null, positions: Pick<Trailer, 'sources' | 'closedThroughMs' | 'turn'>): SealedPart {
    const signers = this.#signers
    if (checkpoint) {
      const { timestampMs, heads, continuedIn, ...circumstances } = checkpoint
      const place = { origin: this.origin, sequence: this.#tree.size, timestampMs }
      const known = { trailer: this.#end.trailer, epoch: this.#epoch, heads, continuedIn }
      this.#pushOr(checkpointEvent(place, { ...known, ...circumstances }), why => checkpointEvent(place, { ...known, ...unsaid(why) }))
      this.#signers = signers.slice(-1)
    }
    const { last, trailer: previous } = this.#end
    const size = this.#tree.size
    const trailer = encodeTrailer({
      origin: this.origin,
      sequence: size,
      fingerprint: last!.fingerprint,
      epoch: this.#epoch,
      previous,
      frontier: frontierOf(this.#tree.state()),
      signers: signers.map(({ vkey }) => vkey),
      ...positions
    })
    const after = { size, last, trailer: trailer.hash }
    const records = [...this.#records, this.#record('trailer', trailer.bytes)]
    this.#end = after
    this.#before = after
    this.#records = []
    this.#bytes = 0
    return { records, after, checkpoint: checkpoint ? { origin: this.origin, size, root: this.#tree.root(), signers } : null }
  }

  noteRecord(note: Uint8Array): NewRecord {
    return this.#record('note', Buffer.from(note))
  }

  #pushOr(event: AuditEvent, instead: (why: string) => AuditEvent): void {
    try {
      this.#push(event)
    } catch (error) {
      if (!(error instanceof Unsealable)) throw error
      this.#onTrouble(`${this.origin}: an event could not be written, and the log says so: ${error.message}`)
      this.#push(instead(error.message))
    }
  }

  #push(event: AuditEvent): void {
    const { bytes, fingerprint, eventId, typeUid } = seal(event, { origin: this.origin, sequence: this.#tree.size, previous: this.#end.last })
    this.#tree.append(leafHash(bytes))
    this.#records.push(this.#record('event', bytes))
    this.#bytes += bytes.length
    this.#end = { ...this.#end, size: this.#tree.size, last: { fingerprint, eventId, typeUid } }
  }

  #record(kind: keyof typeof keys, value: Buffer): NewRecord {
    const { topic, partition } = this.place
    return { topic, partition, key: keys[kind], value }
  }
}

/** In place of circumstances that no entry can hold. */
function unsaid(why: string): Circumstances {
  const unknown = { unknown: why.toWellFormed().slice(0, 2_000) }
  return { powers: unknown, excluded: unknown, silent: unknown }
}
