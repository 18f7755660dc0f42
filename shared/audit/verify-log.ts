import { openCheckpoint } from '../proof/checkpoint.ts'
import { type Hash, leafHash } from '../proof/hash.ts'
import { parseVerifier } from '../proof/note-key.ts'
import { openTree } from '../proof/tree.ts'
import { type Entry, readEntry } from './entry.ts'
import { rotatedTo } from './key-rotation.ts'
import { openSeenIds } from './seen-ids.ts'
import { chainsOf, continuedIn, endsOf, headsOf, type LogEnd, type NamedHead, partsOf } from './together.ts'
import { frontierOf, readTrailer } from './trailer.ts'

/** The first thing that is wrong with a log. */
export interface LogFault {
  /** Of the first entry that is not as it should be, or behind which something else is not. */
  readonly sequence: number
  readonly reason: string
}

/** What the log must be, known from outside. */
export interface LogIdentity {
  readonly origin: string
  /** The first key. */
  readonly vkey: string
}

/** Checks a log record by record, in order, from its beginning; after the first fault it is of no use. Holds some 20 to 40 bytes an entry. */
export interface LogVerifier {
  readonly size: number
  root(): Hash
  /** The newest entry that is right. */
  readonly last: Entry | null
  /** How many logs its topic has. */
  readonly chains: number
  /** Of the newest `audit.checkpoint`; null before it, and where the topic has one log. */
  readonly heads: readonly NamedHead[] | null
  /** The ends that it goes on from. */
  readonly continues: readonly LogEnd[]
  /** The topic that goes on where it ends; null: it has not ended. */
  readonly continuedIn: string | null
  /** `kind` is the key of a record of the topic. Null where it is right. */
  take(kind: string, value: Uint8Array): LogFault | null
}

/** What was verified. */
export interface VerifiedLog {
  readonly size: number
  readonly root: Hash
  /** Of the newest checkpoint; 0 before the first. */
  readonly checkpointed: number
}

/**
 * Checks the records of one log: README.md, section 10, points 1, 2, 3, 5, 8, and of 10 what the log says itself. They come in the order of the topic; those of an export come so
 * where each trailer, and behind it each checkpoint, follows the last entry that it is about.
 */
export function verifyLog(records: Iterable<{ readonly kind: string; readonly value: Uint8Array }>, identity: LogIdentity): VerifiedLog | LogFault {
  const verifier = openLogVerifier(identity)
  let checkpointed = 0
  let lastKind = ''
  for (const { kind, value } of records) {
    const fault = verifier.take(kind, value)
    if (fault) return fault
    if (kind === 'note') checkpointed = verifier.size
    lastKind = kind
  }
  if (lastKind === 'event') return { sequence: verifier.size - 1, reason: 'the log ends without a trailer behind it' }
  return { size: verifier.size, root: verifier.root(), checkpointed }
}

export function openLogVerifier({ origin, vkey }: LogIdentity): LogVerifier {
  const tree = openTree()
  const seen = openSeenIds()
  let last: Entry | null = null
  let lastTrailer: string | null = null
  let closed = 0
  let noted = 0
  let keysInForce: readonly string[] = [vkey]
  let chains = 1
  let turn = 0
  let heads: readonly NamedHead[] | null = null
  let closedWith: string | null = null
  let continues: readonly LogEnd[] = []
  let endedFor: string | null = null

  const takeFacts = (entry: Entry): string | null => {
    const { unmapped } = entry.value.payload
    const named = unmapped['trailer']
    if (named !== lastTrailer) return `it names the trailer ${JSON.stringify(named)}, the last before it is ${JSON.stringify(lastTrailer)}`
    const absent = ['epoch', 'powers', 'excluded', 'silent'].find(member => unmapped[member] === undefined)
    if (absent !== undefined) return `it says nothing of ${absent}`
    heads = headsOf(entry, chains, heads)
    const own = heads?.[partsOf(origin).partition]
    if (own && (own.size !== closed || own.fingerprint !== closedWith))
      return `its head of this log is of ${own.size} entries (${own.fingerprint}), the last trailer before it of ${closed} (${closedWith})`
    endedFor = continuedIn(entry)
    return null
  }

  const takeEntry = (bytes: Uint8Array): string | null => {
    const entry = readEntry(bytes)
    if ('fault' in entry) return entry.fault
    const { sequence, previous, eventType, eventId } = entry
    if (entry.origin !== origin) return `an entry of the log ${entry.origin}`
    if (endedFor !== null) return `the log ended before it, and goes on in the topic ${endedFor}`
    if (sequence !== tree.size) return `its sequence is ${sequence}`
    if (sequence === 0) {
      const reason = beginsRightly(entry, vkey)
      if (reason) return reason
      chains = chainsOf(entry)
      continues = endsOf(entry)
    } else if (previous === null) return 'it names no entry before it'
    else if (previous.fingerprint !== last!.fingerprint)
      return `it follows an entry with the fingerprint ${previous.fingerprint}, the one before has ${last!.fingerprint}`
    else if (previous.eventId !== last!.eventId || previous.typeUid !== last!.typeUid) return 'it names another event before it than there is'
    else if (eventType === 'audit.began') return 'a log begins once'
    if (!seen.add(Buffer.from(eventId.replaceAll('-', ''), 'hex'))) return `its eventId ${eventId} has occurred before`
    if (eventType === 'audit.checkpoint') {
      const reason = takeFacts(entry)
      if (reason) return reason
    }
    if (eventType === 'audit.key-rotated') {
      const current = keysInForce.at(-1)!
      keysInForce = [current, rotatedTo(entry, current)]
    }
    tree.append(leafHash(bytes))
    last = entry
    return null
  }

  const takeTrailer = (bytes: Uint8Array): string | null => {
    const trailer = readTrailer(bytes)
    if ('fault' in trailer) return `the trailer behind it: ${trailer.fault}`
    if (trailer.origin !== origin) return `the trailer behind it is one of ${trailer.origin}`
    if (trailer.sequence !== tree.size) return `the trailer behind it says ${trailer.sequence} entries, there are ${tree.size}`
    if (trailer.fingerprint !== last?.fingerprint) return 'the trailer behind it has another fingerprint'
    if (trailer.previous !== lastTrailer) return `the trailer behind it follows ${trailer.previous}, the one before is ${lastTrailer}`
    if (trailer.frontier.join() !== frontierOf(tree.state()).join()) return 'the trailer behind it holds another edge of the tree'
    if (trailer.signers.join() !== keysInForce.join()) return 'the trailer behind it names other keys than those in force'
    if (chains === 1 ? trailer.turn !== undefined : !(trailer.turn !== undefined && trailer.turn > turn))
      return `the trailer behind it is of turn ${trailer.turn ?? 'none'}, the one before of ${turn}, in a topic of ${chains}`
    turn = trailer.turn ?? 0
    lastTrailer = trailer.hash
    closed = trailer.sequence
    closedWith = trailer.fingerprint
    return null
  }

  const takeNote = (bytes: Uint8Array): string | null => {
    const { size, root, by } = openCheckpoint(bytes, origin, keysInForce.map(parseVerifier))
    if (size !== tree.size) return `the checkpoint behind it is of ${size} entries, there are ${tree.size}`
    if (closed !== size) return 'the checkpoint behind it comes before its trailer'
    if (root !== tree.root()) return 'the checkpoint behind it has another root than the tree'
    if (last?.eventType !== 'audit.checkpoint') return `the checkpoint behind it covers a last entry of the type ${last?.eventType}`
    const missing = keysInForce.find(key => !by.some(verifier => verifier.vkey === key))
    if (missing) return `the checkpoint behind it is not signed by ${missing}`
    keysInForce = keysInForce.slice(-1)
    noted = size
    return null
  }

  return {
    get size() {
      return tree.size
    },
    root: () => tree.root(),
    get last() {
      return last
    },
    get chains() {
      return chains
    },
    get heads() {
      return heads
    },
    get continues() {
      return continues
    },
    get continuedIn() {
      return endedFor
    },
    take(kind, value) {
      const before = Math.max(0, tree.size - 1)
      if (kind === 'event' && last?.eventType === 'audit.checkpoint' && noted !== tree.size) return { sequence: before, reason: 'no checkpoint follows it' }
      const sequence = kind === 'event' ? tree.size : before
      try {
        const reason =
          kind === 'event'
            ? takeEntry(value)
            : kind === 'trailer'
              ? takeTrailer(value)
              : kind === 'note'
                ? takeNote(value)
                : `a record with the key ${JSON.stringify(kind.slice(0, 100))} behind it`
        return reason === null ? null : { sequence, reason }
      } catch (error) {
        return { sequence, reason: (error as Error).message }
      }
    }
  }
}

function beginsRightly({ previous, eventType, value, origin }: Entry, vkey: string): string | null {
  const { unmapped } = value.payload
  if (eventType !== 'audit.began') return `the first entry is of the type ${eventType}, expected audit.began`
  if (previous !== null) return 'the first entry names one before it'
  if (unmapped['origin'] !== origin) return `the log began as ${JSON.stringify(unmapped['origin'])}`
  if (typeof unmapped['topicId'] !== 'string') return `the log began with the topic id ${JSON.stringify(unmapped['topicId'])}`
  if (unmapped['vkey'] !== vkey) return `the log began with the key ${JSON.stringify(unmapped['vkey'])}, expected ${vkey}`
  return null
}
