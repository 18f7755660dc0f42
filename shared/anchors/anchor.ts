import { createHash } from 'node:crypto'
import { type Checkpoint, parseCheckpoint } from '../proof/checkpoint.ts'
import { unverifiedText } from '../proof/note.ts'

/** A signed checkpoint, as it is put away. */
export interface AnchoredCheckpoint {
  readonly origin: string
  readonly size: number
  /** The signed note. */
  readonly text: Uint8Array
  /** Of the text, hexadecimal. */
  readonly sha256: string
}

export type AnchorKind = 'directory' | 's3' | 'rfc3161' | 'webhook'

/** What an anchor gives for a checkpoint. Holds no secret, and can be written down as JSON. */
export interface Receipt {
  readonly anchor: string
  readonly kind: AnchorKind
  readonly outside: boolean
  /** Where it lies; null where that is a secret. */
  readonly location: string | null
  /** Of the bytes that lie there. Others than the given ones only where the same tree was put away before with other signatures. */
  readonly sha256: string
  /** True: it held this tree already. */
  readonly repeated: boolean
  /** What the anchor adds: a token in base64, a version, an end of retention. */
  readonly evidence: Readonly<Record<string, string>>
}

/** A checkpoint that an anchor holds. */
export interface HeldCheckpoint {
  readonly size: number
  readonly location: string
  /** True: somebody has laid a deletion or another version over it, and it is still there. */
  readonly hidden: boolean
}

/** What an anchor that can be asked holds. */
export interface Holding {
  /** What it holds of a log from a size on, in the order of the sizes; hidden ones too. */
  list(origin: string, fromSize?: number): Promise<readonly HeldCheckpoint[]>
  /** The one of the largest tree; null: it holds none. */
  latest(origin: string): Promise<HeldCheckpoint | null>
  /** The signed note, of which nothing was checked. */
  read(held: HeldCheckpoint): Promise<Uint8Array>
  /** Where time stamps can lie beside the checkpoints that they are over: who gives one keeps none. */
  readonly stamps?: StampKeeping
}

/** Time stamps beside checkpoints. */
export interface StampKeeping {
  /** Keeps a token (RFC 3161, DER) over the bytes of this checkpoint under the name of the anchor that gave it. One that is there stays. */
  keep(checkpoint: AnchoredCheckpoint, by: string, token: Uint8Array): Promise<void>
  list(origin: string): Promise<readonly HeldStamp[]>
  /** The token, of which nothing was checked. */
  read(held: HeldStamp): Promise<Uint8Array>
}

export interface HeldStamp {
  readonly size: number
  /** The anchor that gave it, percent-encoded. */
  readonly by: string
  readonly location: string
}

/** A place outside the cluster that keeps checkpoints, so that nobody can put another log in place of the one that was seen. */
export interface Anchor {
  readonly name: string
  readonly kind: AnchorKind
  /** Whether the administrators of the cluster and of Reeve do not control it: the operator's word. */
  readonly outside: boolean
  /** Whether it is usable: gives what is doubtful about it, in sentences. Throws AnchorError where it is not usable. */
  check(): Promise<readonly string[]>
  /**
   * Puts a checkpoint away; resolves once it is kept. The same tree twice is harmless. Throws ForkFound where another tree of the same size
   * is held, and AnchorError for everything else.
   */
  put(checkpoint: AnchoredCheckpoint): Promise<Receipt>
  /** Null for one that only attests, and cannot be asked. */
  readonly held: Holding | null
  close(): void
}

/** Why an anchor did not take a checkpoint or could not be asked, in a sentence without a secret. */
export class AnchorError extends Error {
  override readonly name = 'AnchorError'
  /** The same call may succeed later. */
  readonly retriable: boolean

  constructor(message: string, retriable: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.retriable = retriable
  }
}

/** Two signed trees of one size: somebody wrote another log under the same name. Both checkpoints are the evidence. */
export class ForkFound extends Error {
  override readonly name = 'ForkFound'
  readonly given: AnchoredCheckpoint
  readonly held: Uint8Array

  constructor(place: string, given: AnchoredCheckpoint, held: Uint8Array) {
    super(
      `FORK: ${place} holds another tree of ${given.origin} at size ${given.size} (SHA-256 ${sha256Hex(held)}) than the one that was given (${given.sha256})`
    )
    this.given = given
    this.held = held
  }
}

/** A signed note as anchors take it. Throws ProofError where it is no checkpoint; its signatures are not checked. */
export function checkpointToAnchor(note: string | Uint8Array): AnchoredCheckpoint {
  const text = typeof note === 'string' ? Buffer.from(note) : note
  const { origin, size } = read(text)
  return { origin, size, text, sha256: sha256Hex(text) }
}

/** Throws ForkFound or AnchorError where what is held in a checkpoint's place is not its tree. */
export function requireSameTree(place: string, given: AnchoredCheckpoint, held: Uint8Array): void {
  if (Buffer.compare(held, given.text) === 0) return
  let other: Checkpoint
  try {
    other = read(held)
  } catch (error) {
    throw new AnchorError(`${place} holds something that is no checkpoint, in the place of ${given.origin} at size ${given.size}`, false, error)
  }
  const own = read(given.text)
  if (other.origin !== own.origin || other.size !== own.size) throw new AnchorError(`${place} holds a checkpoint of another place`, false)
  if (other.root !== own.root) throw new ForkFound(place, given, held)
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Name of the folder of a log: its origin, in which everything but letters, digits and `-_~!*'()` and inner dots is percent-encoded. */
export function folderOf(origin: string): string {
  return encodeURIComponent(origin).replace(/^\./, '%2E')
}

const digits = 16

/** Name of the file of a checkpoint: its size in 16 digits, so that names sort as sizes do. */
export function fileOf(size: number): string {
  return `${String(size).padStart(digits, '0')}.checkpoint`
}

/** Name of the file of a time stamp beside it: ends with the name of who gave it. */
export function stampFileOf(size: number, by: string): string {
  return `${String(size).padStart(digits, '0')}.${encodeURIComponent(by)}.tst`
}

/** The size in a file's name; null where it is none of ours. */
export function sizeOfFile(name: string): number | null {
  const size = /^(\d{16})\.checkpoint$/.exec(name)?.[1]
  return size === undefined ? null : Number(size)
}

function read(note: Uint8Array): Checkpoint {
  return parseCheckpoint(unverifiedText(note))
}
