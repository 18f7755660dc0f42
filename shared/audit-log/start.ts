import { type AnchoredCheckpoint, checkpointToAnchor } from '../anchors/anchor.ts'
import { beganEvent, keyRotatedEvent, rotationStatement } from '../audit/checkpoint-entry.ts'
import { treeStateOf } from '../audit/trailer.ts'
import { signCheckpoint } from '../proof/checkpoint.ts'
import type { Signer } from '../proof/note-key.ts'
import { openTree } from '../proof/tree.ts'
import { AuditLogFault } from './fault.ts'
import { type ChainEnd, Sealing } from './group.ts'
import type { Head } from './head.ts'
import { originOf } from './place.ts'
import type { AuditLogOptions } from './writer.ts'

/** Where a writer begins. */
export interface Start {
  readonly origin: string
  /** Holds what the log needs first: its beginning, or the change of its key. */
  readonly sealing: Sealing
  readonly end: ChainEnd
  /** Of a log whose last entry is a checkpoint's: signed again, to the same bytes; `written` where its note is there. */
  readonly checkpoint: { readonly signed: AnchoredCheckpoint; readonly written: boolean } | null
}

/** Prepares to write behind the head that was found. Throws AuditLogFault where that must not be done. */
export async function beginOrGoOn(
  head: Head,
  options: Omit<AuditLogOptions, 'appender' | 'reader'> & { readonly epoch: number; readonly anchoredSize: number }
): Promise<Start> {
  const { place, signers, epoch, anchoredSize, nowMs = Date.now, onTrouble = () => undefined } = options
  const origin = originOf(place)
  const newest = signers.at(-1)
  if (!newest) throw new AuditLogFault('key', `${origin}: a key is needed that signs its checkpoints`)
  if (head.size < anchoredSize)
    throw new AuditLogFault(
      'cut',
      `${origin} has ${head.size} entries, and an anchor holds a checkpoint of ${anchoredSize}: its end was removed, or its topic was deleted and made again. Go on in a new topic that continues this one`
    )
  if (head.last === null) {
    const end: ChainEnd = { size: 0, last: null, trailer: null, sources: {}, closedThroughMs: null }
    const sealing = new Sealing({ place, origin, epoch, tree: openTree(), end, signers: [newest], onTrouble })
    const began = { vkey: newest.vkey, topicId: options.topicId, continues: options.continues ?? null }
    sealing.take({ events: [beganEvent({ origin, sequence: 0, timestampMs: nowMs() }, began)] })
    return { origin, sealing, end, checkpoint: null }
  }
  const { entry, trailer } = head.last
  const tree = openTree(treeStateOf(trailer))
  const { sources, closedThroughMs } = trailer
  const end: ChainEnd = { size: head.size, last: entry, trailer: trailer.hash, sources, closedThroughMs }
  const signing = trailer.signers.map(vkey => withKey(signers, vkey, origin))
  const isCheckpoint = entry.eventType === 'audit.checkpoint'
  const checkpoint = isCheckpoint
    ? { signed: checkpointToAnchor(await signCheckpoint({ origin, size: head.size, root: tree.root() }, signing)), written: head.note !== null }
    : null
  const next = isCheckpoint ? signing.slice(-1) : signing
  const sealing = new Sealing({ place, origin, epoch, tree, end, signers: next, onTrouble })
  const current = next.at(-1)!
  if (newest.vkey !== current.vkey) {
    if (next.length > 1)
      throw new AuditLogFault('key', `${origin}: its change to the key ${current.vkey} has no checkpoint yet: run it once with that key as the newest`)
    await handOver(sealing, current, newest, { origin, sequence: head.size, timestampMs: nowMs() })
  }
  return { origin, sealing, end, checkpoint }
}

async function handOver(sealing: Sealing, current: Signer, newest: Signer, place: { origin: string; sequence: number; timestampMs: number }): Promise<void> {
  const statement = Buffer.from(rotationStatement(place, current.vkey, newest.vkey))
  const base64 = async (signer: Signer): Promise<string> => Buffer.from(await signer.sign(statement)).toString('base64')
  const rotation = { oldVkey: current.vkey, newVkey: newest.vkey, byOld: await base64(current), byNew: await base64(newest) }
  sealing.take({ events: [keyRotatedEvent(place, rotation)] })
  sealing.signers = [current, newest]
}

function withKey(signers: readonly Signer[], vkey: string, origin: string): Signer {
  const found = signers.find(signer => signer.vkey === vkey)
  if (found) return found
  throw new AuditLogFault(
    'key',
    `${origin}: its next checkpoint is signed by ${vkey}, which is not among the keys at hand (${signers.map(signer => signer.vkey).join(', ')}): keep the old key beside the new one until it has handed over`
  )
}
