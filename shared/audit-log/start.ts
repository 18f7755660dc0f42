import { type AnchoredCheckpoint, checkpointToAnchor } from '../anchors/anchor.ts'
import { beganEvent, keyRotatedEvent, rotationStatement } from '../audit/checkpoint-entry.ts'
import { continuedIn } from '../audit/together.ts'
import { treeStateOf } from '../audit/trailer.ts'
import { signCheckpoint } from '../proof/checkpoint.ts'
import type { Signer } from '../proof/note-key.ts'
import { openTree } from '../proof/tree.ts'
import type { AuditLogOptions, EndedTopic } from './audit-log.ts'
import { AuditLogFault } from './fault.ts'
import { Gathering, type TopicEnd } from './gathering.ts'
import type { Head } from './head.ts'
import { type LogPlace, originOf } from './place.ts'
import { type ChainEnd, Sealing } from './sealing.ts'

/** Where a writer begins. */
export interface Start {
  /** Holds what the logs need first: their beginning, or the change of their key. */
  readonly gathering: Gathering
  readonly end: TopicEnd
  /** Of each log whose last entry is a checkpoint's: signed again, to the same bytes; `written` where its note is there. */
  readonly checkpoints: readonly { readonly partition: number; readonly signed: AnchoredCheckpoint; readonly written: boolean }[]
  /** The topic has been ended already, for the one that the caller ends it for. */
  readonly hasEnded: boolean
}

type StartOptions = Pick<AuditLogOptions, 'signers' | 'topicId' | 'endingFor' | 'nowMs' | 'onTrouble'> & { readonly epoch: number }

/** Begins the logs of an empty topic, and goes on from an earlier one that has ended, if there is one. Throws AuditLogFault. */
export function begin(places: readonly LogPlace[], earlier: EndedTopic | null, options: StartOptions): Start {
  const { epoch, topicId, nowMs = Date.now, onTrouble = () => undefined } = options
  const newest = newestOf(places[0]!, options.signers)
  const { ends, sources, closedThroughMs } = earlier ?? { ends: [], sources: {}, closedThroughMs: null }
  const empty: ChainEnd = { size: 0, last: null, trailer: null }
  const logs = places.map(place => {
    const sealing = new Sealing({ place, epoch, tree: openTree(), end: empty, signers: [newest], onTrouble })
    const began = { vkey: newest.vkey, topicId, chains: places.length, continues: ends }
    sealing.push(beganEvent({ origin: sealing.origin, sequence: 0, timestampMs: nowMs() }, began))
    return sealing
  })
  const gathering = new Gathering(logs, { sources, closedThroughMs, turn: 0 })
  return { gathering, end: { chains: logs.map(() => empty), sources, closedThroughMs }, checkpoints: [], hasEnded: false }
}

/** Prepares to write behind the heads that were found, none of an empty log. Throws AuditLogFault where that must not be done. */
export async function goOn(places: readonly LogPlace[], heads: readonly Head[], options: StartOptions): Promise<Start> {
  const found = await Promise.all(heads.map((head, index) => goOnWithLog(places[index]!, head, options)))
  const trailers = heads.map(({ last }) => last!.trailer)
  const newest = trailers.reduce((one, other) => ((other.turn ?? 0) > (one.turn ?? 0) ? other : one))
  const { sources, closedThroughMs, turn = 0 } = newest
  const gathering = new Gathering(
    found.map(({ sealing }) => sealing),
    { sources, closedThroughMs, turn }
  )
  const end = { chains: found.map(log => log.end), sources, closedThroughMs }
  const checkpoints = found.flatMap(({ checkpoint }, partition) => (checkpoint ? [{ partition, ...checkpoint }] : []))
  return { gathering, end, checkpoints, hasEnded: found.every(({ hasEnded }) => hasEnded) }
}

async function goOnWithLog(place: LogPlace, head: Head, { signers, epoch, endingFor, nowMs = Date.now, onTrouble = () => undefined }: StartOptions) {
  const origin = originOf(place)
  const newest = newestOf(place, signers)
  const { entry, trailer } = head.last!
  const tree = openTree(treeStateOf(trailer))
  const end: ChainEnd = { size: head.size, last: entry, trailer: trailer.hash }
  const signing = trailer.signers.map(vkey => withKey(signers, vkey, origin))
  const isCheckpoint = entry.eventType === 'audit.checkpoint'
  const endedFor = isCheckpoint ? continuedIn(entry) : null
  if (endedFor !== null && endedFor !== endingFor)
    throw new AuditLogFault('ended', `${origin} was ended at ${head.size} entries, and goes on in the topic ${endedFor}: nobody writes behind that`)
  const checkpoint = isCheckpoint
    ? { signed: checkpointToAnchor(await signCheckpoint({ origin, size: head.size, root: tree.root() }, signing)), written: head.note !== null }
    : null
  const next = isCheckpoint ? signing.slice(-1) : signing
  const sealing = new Sealing({ place, epoch, tree, end, signers: next, onTrouble })
  const current = next.at(-1)!
  if (newest.vkey !== current.vkey && endingFor === undefined) {
    if (next.length > 1)
      throw new AuditLogFault('key', `${origin}: its change to the key ${current.vkey} has no checkpoint yet: run it once with that key as the newest`)
    await handOver(sealing, current, newest, nowMs())
  }
  return { sealing, end, checkpoint, hasEnded: endedFor !== null }
}

async function handOver(sealing: Sealing, current: Signer, newest: Signer, timestampMs: number): Promise<void> {
  const place = { origin: sealing.origin, sequence: sealing.sequence, timestampMs }
  const statement = Buffer.from(rotationStatement(place, current.vkey, newest.vkey))
  const base64 = async (signer: Signer): Promise<string> => Buffer.from(await signer.sign(statement)).toString('base64')
  const rotation = { oldVkey: current.vkey, newVkey: newest.vkey, byOld: await base64(current), byNew: await base64(newest) }
  sealing.push(keyRotatedEvent(place, rotation))
  sealing.signers = [current, newest]
}

function newestOf(place: LogPlace, signers: readonly Signer[]): Signer {
  const newest = signers.at(-1)
  if (!newest) throw new AuditLogFault('key', `${originOf(place)}: a key is needed that signs its checkpoints`)
  return newest
}

function withKey(signers: readonly Signer[], vkey: string, origin: string): Signer {
  const found = signers.find(signer => signer.vkey === vkey)
  if (found) return found
  throw new AuditLogFault(
    'key',
    `${origin}: its next checkpoint is signed by ${vkey}, which is not among the keys at hand (${signers.map(signer => signer.vkey).join(', ')}): keep the old key beside the new one until it has handed over`
  )
}
