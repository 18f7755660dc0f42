import type { Anchor, HeldCheckpoint } from '../anchors/anchor.ts'
import { type Comparison, compareHeld, type HeldNote } from '../audit/held.ts'
import type { JudgedLog } from '../audit/judge.ts'
import type { LogFault } from '../audit/verify-log.ts'

/** What asking one anchor gave. */
export interface AnchorFinding extends Comparison {
  readonly name: string
  readonly kind: Anchor['kind'] | 'copy'
  /** Whether the administrators of the cluster do not control it. */
  readonly outside: boolean
  /** Why it says nothing: it cannot be asked, or did not answer. Null: it answered. */
  readonly silent: string | null
}

/**
 * proven: the log is right, and an anchor outside the cluster holds its tree. unanchored: it is right by its own records, and no anchor outside
 * says so, or one that should did not answer. doubtful: something is wrong.
 */
export type ProofState = 'proven' | 'unanchored' | 'doubtful'

/** README.md of shared/audit, section 10, in one answer. */
export interface ProvenLog extends JudgedLog {
  readonly state: ProofState
  /** What is wrong by its own records, whatever others say. */
  readonly ownFault: LogFault | null
  /** How many entries an anchor outside the cluster vouches for. */
  readonly anchored: number
  /** When the checkpoint was made up to which it does, by the writer's clock, ISO 8601; null: it vouches for none. */
  readonly anchoredAt: string | null
  readonly stamps: StampFindings
  readonly anchors: readonly AnchorFinding[]
}

/**
 * What time stamps say: when a tree existed, by a third party's word, and not what else existed. So they take nobody's place who keeps
 * checkpoints.
 */
export interface StampFindings {
  /** How many there are, and how many of them hold. */
  readonly found: number
  readonly valid: number
  /** The valid one over the largest tree. */
  readonly newest: { readonly size: number; readonly atMs: number; readonly authority: string } | null
}

/** Throws where a token is not one over these bytes, by an authority that is trusted. */
export type CheckStamp = (token: Uint8Array, note: Uint8Array) => Promise<{ readonly atMs: number; readonly authority: string }>

/** What lies in an export of one anchor's checkpoints. */
export interface AnchorCopy {
  readonly name: string
  readonly held: readonly HeldNote[]
  readonly stamps: readonly { readonly size: number; readonly location: string; readonly token: Uint8Array }[]
}

export interface ProveOptions {
  readonly upToSize?: number
  readonly copies?: readonly AnchorCopy[]
  /** Null: there is no authority to check time stamps with, and they are counted alone. */
  readonly checkStamp?: CheckStamp | null
}

const readsAtOnce = 8

/**
 * Judges a log and compares it with what anchors hold. They are asked first, so that a log that grows meanwhile is not taken for one that was
 * cut. `upToSize`: larger checkpoints are left out, for a copy of the log that is older than they are. Throws what `judge` throws.
 */
export async function proveLog(
  origin: string,
  known: readonly string[],
  anchors: readonly Anchor[],
  judge: (sizes: ReadonlySet<number>) => JudgedLog | Promise<JudgedLog>,
  { upToSize = Infinity, copies = [], checkStamp = null }: ProveOptions = {}
): Promise<ProvenLog> {
  const asked = await Promise.all(anchors.map(anchor => ask(anchor, origin, upToSize)))
  const sizes = new Set([...asked.flatMap(({ held }) => held), ...copies.flatMap(({ held }) => held)].map(({ size }) => size))
  const log = await judge(sizes)
  const findings: AnchorFinding[] = []
  let stamped: StampFindings = { found: 0, valid: 0, newest: null }
  let wrongStamp: LogFault | null = null
  const look = async (
    { size, location }: { size: number; location: string },
    notes: ReadonlyMap<number, Uint8Array>,
    read: () => Promise<Uint8Array>
  ): Promise<void> => {
    stamped = { ...stamped, found: stamped.found + 1 }
    if (checkStamp === null) return
    try {
      const note = notes.get(size)
      if (!note) throw new Error('there is no checkpoint beside it')
      const { atMs, authority } = await checkStamp(await read(), note)
      const newest = stamped.newest && stamped.newest.size >= size ? stamped.newest : { size, atMs, authority }
      stamped = { ...stamped, valid: stamped.valid + 1, newest }
    } catch (error) {
      wrongStamp ??= { sequence: Math.max(0, size - 1), reason: `${location} is no time stamp of the checkpoint beside it: ${(error as Error).message}` }
    }
  }
  for (const one of asked) {
    const { name, kind, outside } = one.anchor
    const { notes, ...found } = await compareOne(one, log, known)
    findings.push({ name, kind, outside, ...found })
    const { stamps } = one.anchor.held ?? {}
    const read = bySize(notes)
    for (const held of read.size > 0 ? ((await stamps?.list(origin)) ?? []) : []) if (held.size <= upToSize) await look(held, read, () => stamps!.read(held))
  }
  for (const { name, held, stamps } of copies) {
    findings.push({ name, kind: 'copy', outside: false, silent: null, ...compareHeld(log, known, held) })
    const notes = bySize(held)
    for (const stamp of stamps) await look(stamp, notes, async () => stamp.token)
  }
  if (wrongStamp) findings.push({ name: 'time stamps', kind: 'rfc3161', outside: false, silent: null, checkpoints: 0, agreed: 0, fault: wrongStamp })
  const fault = findings.reduce<LogFault | null>(
    (first, found) => (found.fault && (!first || found.fault.sequence <= first.sequence) ? found.fault : first),
    log.fault
  )
  const anchored = Math.max(0, ...findings.filter(({ outside }) => outside).map(({ agreed }) => agreed))
  const missing = findings.some(({ silent, kind }) => silent !== null && kind !== 'rfc3161' && kind !== 'webhook')
  const state = fault ? 'doubtful' : anchored === 0 || missing ? 'unanchored' : 'proven'
  return { ...log, fault, ownFault: log.fault, state, anchored, anchoredAt: log.times.get(anchored) ?? null, anchors: findings, stamps: stamped }
}

const bySize = (held: readonly HeldNote[]): ReadonlyMap<number, Uint8Array> => new Map(held.map(({ size, note }) => [size, note]))

interface Asked {
  readonly anchor: Anchor
  readonly held: readonly HeldCheckpoint[]
  readonly silent: string | null
}

async function ask(anchor: Anchor, origin: string, upToSize: number): Promise<Asked> {
  if (anchor.held === null) return { anchor, held: [], silent: 'it keeps nothing that could be asked for' }
  try {
    return { anchor, held: (await anchor.held.list(origin)).filter(({ size }) => size <= upToSize), silent: null }
  } catch (error) {
    return { anchor, held: [], silent: (error as Error).message }
  }
}

async function compareOne(
  { anchor, held, silent }: Asked,
  log: JudgedLog,
  known: readonly string[]
): Promise<Comparison & { readonly silent: string | null; readonly notes: readonly HeldNote[] }> {
  const nothing = { checkpoints: 0, agreed: 0, fault: null, notes: [] }
  if (silent !== null) return { ...nothing, silent }
  try {
    const notes = await notesOf(anchor, held)
    return { ...compareHeld(log, known, notes), silent: null, notes }
  } catch (error) {
    return { ...nothing, silent: (error as Error).message }
  }
}

/** What an anchor holds, read several at once. Throws AnchorError. */
export async function notesOf(anchor: Anchor, held: readonly HeldCheckpoint[]): Promise<HeldNote[]> {
  const read = async (one: HeldCheckpoint): Promise<HeldNote> => ({ ...one, note: await anchor.held!.read(one) })
  const notes: HeldNote[] = []
  for (let from = 0; from < held.length; from += readsAtOnce) notes.push(...(await Promise.all(held.slice(from, from + readsAtOnce).map(read))))
  return notes
}
