import { type Bytes, bytesOfBase64, textOf, utf8 } from './bytes.ts'
import { type CheckedEntry, checkEntry, type Doubt } from './entry-check.ts'
import { isCount, isMembers } from './json.ts'
import { isSignedBy, openCheckpoint, readVerifierKey } from './note-check.ts'
import { type CheckedTrailer, checkTrailer } from './trailer-check.ts'
import { type Edge, edgeOf, frontierOf, grown, leafOf, rootOf } from './tree-edge.ts'

export interface LogRecord {
  /** `start` is a trailer that stands for all that came before it: the first record where the log is not held from its beginning. */
  readonly kind: 'start' | 'event' | 'trailer' | 'note'
  readonly bytes: Bytes
}

export interface CheckedLog {
  readonly fault: { readonly sequence: number; readonly reason: string } | null
  /** Sequence of the first entry that is held. */
  readonly first: number
  /** Entries of the log up to where it was checked. */
  readonly size: number
  /** The first key in force that is known from what is held. */
  readonly firstKey: string
  /** Keys that signed the newest checkpoint; none where there is no checkpoint. */
  readonly newestKeys: readonly string[]
  /** Every key that was in force. */
  readonly keys: readonly string[]
  /** Where the newest checkpoint says that each log of the topic ended; none where the topic has one. */
  readonly heads: readonly { readonly origin: string; readonly size: number }[]
  /** Roots by size, in base64, of all checkpoints. */
  readonly checkpoints: ReadonlyMap<number, string>
  /** Root at a size; null where it cannot be computed from what is held and right. */
  rootAt(size: number): Promise<string | null>
}

const atOnce = 256

/** Checks the records of one log in their order: the format's section 10, points 1, 2, 3 and 5. After the first fault nothing more is looked at. */
export async function checkLog(
  origin: string,
  records: readonly LogRecord[],
  progress: (done: number) => Promise<void> | void = () => undefined
): Promise<CheckedLog> {
  let edge: Edge = { size: 0, hashes: [] }
  let began = edge
  const leaves: Bytes[] = []
  const seen = new Set<string>()
  const checkpoints = new Map<number, string>()
  let last: CheckedEntry | null = null
  let lastFingerprint: string | null = null
  let lastTrailer: string | null = null
  let closed = 0
  let noted = 0
  let inForce: readonly string[] = []
  let firstKey = ''
  let newestKeys: readonly string[] = []
  let heads: CheckedLog['heads'] = []
  const keys = new Set<string>()
  const enforce = (next: readonly string[]): void => {
    inForce = next
    for (const key of next) keys.add(key)
  }

  // Asked in a function: what another one sets, the type check takes for null.
  const lastType = (): string | null => last?.eventType ?? null

  async function takeStart(trailer: CheckedTrailer | Doubt): Promise<string | null> {
    if ('doubt' in trailer) return `the trailer that the held part begins with: ${trailer.doubt}`
    if (trailer.origin !== origin) return `the held part begins with a trailer of ${trailer.origin}`
    edge = began = edgeOf(trailer.sequence, trailer.frontier)
    lastFingerprint = trailer.fingerprint
    lastTrailer = trailer.hash
    closed = trailer.sequence
    firstKey = trailer.signers[0]!
    enforce(trailer.signers)
    return null
  }

  async function takeEntry(entry: CheckedEntry | Doubt, leaf: Bytes): Promise<string | null> {
    if ('doubt' in entry) return entry.doubt
    if (entry.origin !== origin) return `an entry of the log ${entry.origin}`
    if (entry.sequence !== edge.size) return `its sequence is ${entry.sequence}`
    if (edge.size === 0) {
      const reason = beginning(entry, origin)
      if (reason !== null) return reason
      firstKey = String(entry.unmapped['vkey'])
      enforce([firstKey])
    } else if (entry.previous === null) return 'it names no entry before it'
    else if (entry.previous.fingerprint !== lastFingerprint)
      return `it follows an entry with the fingerprint ${entry.previous.fingerprint}, the one before has ${lastFingerprint}`
    else if (last && (entry.previous.eventId !== last.eventId || entry.previous.typeUid !== last.typeUid))
      return 'it names another event before it than there is'
    else if (entry.eventType === 'audit.began') return 'a log begins once'
    if (seen.has(entry.eventId)) return `its eventId ${entry.eventId} has occurred before`
    seen.add(entry.eventId)
    if (entry.eventType === 'audit.checkpoint' && entry.unmapped['trailer'] !== lastTrailer)
      return `it names the trailer ${String(entry.unmapped['trailer'])}, the last before it is ${lastTrailer}`
    if (entry.eventType === 'audit.checkpoint' && entry.unmapped['heads'] !== undefined) heads = headsOf(entry.unmapped['heads'])
    if (entry.eventType === 'audit.key-rotated') enforce([inForce.at(-1)!, await rotatedTo(entry, inForce.at(-1)!)])
    edge = await grown(edge, leaf)
    leaves.push(leaf)
    last = entry
    lastFingerprint = entry.fingerprint
    return null
  }

  function takeTrailer(trailer: CheckedTrailer | Doubt): string | null {
    if ('doubt' in trailer) return `the trailer behind it: ${trailer.doubt}`
    if (trailer.origin !== origin) return `the trailer behind it is one of ${trailer.origin}`
    if (trailer.sequence !== edge.size) return `the trailer behind it says ${trailer.sequence} entries, there are ${edge.size}`
    if (trailer.fingerprint !== lastFingerprint) return 'the trailer behind it has another fingerprint'
    if (trailer.previous !== lastTrailer) return `the trailer behind it follows ${trailer.previous}, the one before is ${lastTrailer}`
    if (trailer.frontier.join() !== frontierOf(edge)) return 'the trailer behind it holds another edge of the tree'
    if (trailer.signers.join() !== inForce.join()) return 'the trailer behind it names other keys than those in force'
    lastTrailer = trailer.hash
    closed = trailer.sequence
    return null
  }

  async function takeNote(bytes: Bytes): Promise<string | null> {
    const { origin: named, size, root, by } = await openCheckpoint(textOf(bytes), await Promise.all(inForce.map(readVerifierKey)))
    if (named !== origin) return `a checkpoint of ${named}, where one of ${origin} was expected`
    if (size !== edge.size) return `the checkpoint behind it is of ${size} entries, there are ${edge.size}`
    if (closed !== size) return 'the checkpoint behind it comes before its trailer'
    if (root !== (await rootOf(edge))) return 'the checkpoint behind it has another root than the tree'
    if (leaves.length > 0 && last?.eventType !== 'audit.checkpoint') return `the checkpoint behind it covers a last entry of the type ${last?.eventType}`
    const missing = inForce.find(key => !by.some(({ vkey }) => vkey === key))
    if (missing !== undefined) return `the checkpoint behind it is not signed by ${missing}`
    checkpoints.set(size, root)
    newestKeys = inForce
    noted = size
    enforce(inForce.slice(-1))
    return null
  }

  let fault: CheckedLog['fault'] = null
  for (let from = 0; from < records.length && !fault; from += atOnce) {
    const chunk = records.slice(from, from + atOnce)
    const read = await Promise.all(chunk.map(readRecord))
    for (const { kind, bytes, entry, leaf, trailer } of read) {
      const before = Math.max(0, edge.size - 1)
      if (kind === 'event' && lastType() === 'audit.checkpoint' && noted !== edge.size) {
        fault = { sequence: before, reason: 'no checkpoint follows it' }
        break
      }
      const sequence = kind === 'event' ? edge.size : before
      try {
        const reason =
          kind === 'event'
            ? await takeEntry(entry!, leaf!)
            : kind === 'trailer'
              ? takeTrailer(trailer!)
              : kind === 'note'
                ? await takeNote(bytes)
                : await takeStart(trailer!)
        fault = reason === null ? null : { sequence, reason }
      } catch (error) {
        fault = { sequence, reason: (error as Error).message }
      }
      if (fault) break
    }
    await progress(Math.min(records.length, from + atOnce))
  }
  fault ??= endOf(records, edge.size, checkpoints.size, lastType())

  return {
    fault,
    first: began.size,
    size: edge.size,
    firstKey,
    newestKeys,
    heads,
    keys: [...keys],
    checkpoints,
    async rootAt(size) {
      if (checkpoints.has(size)) return checkpoints.get(size)!
      if (size < began.size || size > edge.size) return null
      let tree = began
      for (const leaf of leaves.slice(0, size - began.size)) tree = await grown(tree, leaf)
      return rootOf(tree)
    }
  }
}

function headsOf(heads: unknown): CheckedLog['heads'] {
  if (!Array.isArray(heads)) throw new Error('its heads are no list')
  return heads.map((head: unknown) => {
    if (!isMembers(head) || typeof head['origin'] !== 'string' || !isCount(head['size'])) throw new Error('its heads are not those of logs')
    return { origin: head['origin'], size: head['size'] }
  })
}

interface ReadRecord extends LogRecord {
  readonly entry?: CheckedEntry | Doubt
  readonly leaf?: Bytes
  readonly trailer?: CheckedTrailer | Doubt
}

async function readRecord({ kind, bytes }: LogRecord): Promise<ReadRecord> {
  if (kind === 'event') {
    const [entry, leaf] = await Promise.all([checkEntry(bytes), leafOf(bytes)])
    return { kind, bytes, entry, leaf }
  }
  return kind === 'note' ? { kind, bytes } : { kind, bytes, trailer: await checkTrailer(bytes) }
}

function endOf(records: readonly LogRecord[], size: number, checkpoints: number, lastType: string | null): CheckedLog['fault'] {
  if (size === 0) return { sequence: 0, reason: 'the log holds no entry' }
  if (checkpoints === 0 && lastType !== 'audit.checkpoint') return { sequence: 0, reason: 'the log holds no checkpoint: nothing of it is signed' }
  if (records.at(-1)!.kind === 'event') return { sequence: size - 1, reason: 'the log ends without a trailer behind it' }
  return checkpoints === 0 ? { sequence: size - 1, reason: 'no checkpoint follows it: nothing of the log is signed' } : null
}

function beginning({ eventType, previous, unmapped }: CheckedEntry, origin: string): string | null {
  if (eventType !== 'audit.began') return `the first entry is of the type ${eventType}, expected audit.began`
  if (previous !== null) return 'the first entry names one before it'
  if (unmapped['origin'] !== origin) return `the log began as ${JSON.stringify(unmapped['origin'])}`
  return typeof unmapped['vkey'] === 'string' ? null : 'the log began without a key'
}

/** The key that a rotation puts in force: the format's section 8. Throws where it does not hold. */
async function rotatedTo({ origin, sequence, unmapped }: CheckedEntry, oldKey: string): Promise<string> {
  const rotation = isMembers(unmapped['rotation']) ? unmapped['rotation'] : {}
  const { statement, byOld, byNew } = rotation
  if (typeof statement !== 'string') throw new Error('the rotation of the key holds no statement')
  const newKey = statement.split('\n')[4] ?? ''
  if (statement !== `reeve.audit key rotation\n${origin}\n${sequence}\n${oldKey}\n${newKey}\n`)
    throw new Error('the rotation of the key is not one from the key in force, at this place')
  for (const [key, signature, who] of [
    [oldKey, byOld, 'old'],
    [newKey, byNew, 'new']
  ] as const) {
    const bytes = typeof signature === 'string' ? bytesOfBase64(signature) : null
    if (!bytes || !(await isSignedBy(await readVerifierKey(key), utf8(statement), bytes)))
      throw new Error(`the rotation of the key is not signed by the ${who} key`)
  }
  return newKey
}
