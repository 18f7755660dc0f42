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
  /** How many entries an anchor outside the cluster vouches for. */
  readonly anchored: number
  readonly anchors: readonly AnchorFinding[]
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
  {
    upToSize = Infinity,
    copies = []
  }: { readonly upToSize?: number; readonly copies?: readonly { readonly name: string; readonly held: readonly HeldNote[] }[] } = {}
): Promise<ProvenLog> {
  const asked = await Promise.all(anchors.map(anchor => ask(anchor, origin, upToSize)))
  const sizes = new Set([...asked.flatMap(({ held }) => held), ...copies.flatMap(({ held }) => held)].map(({ size }) => size))
  const log = await judge(sizes)
  const findings: AnchorFinding[] = []
  for (const one of asked) {
    const { name, kind, outside } = one.anchor
    const found = await compareOne(one, log, known)
    findings.push({ name, kind, outside, ...found })
  }
  for (const { name, held } of copies) findings.push({ name, kind: 'copy', outside: false, silent: null, ...compareHeld(log, known, held) })
  const fault = findings.reduce<LogFault | null>(
    (first, found) => (found.fault && (!first || found.fault.sequence <= first.sequence) ? found.fault : first),
    log.fault
  )
  const anchored = Math.max(0, ...findings.filter(({ outside }) => outside).map(({ agreed }) => agreed))
  const missing = findings.some(({ silent, kind }) => silent !== null && kind !== 'rfc3161' && kind !== 'webhook')
  const state = fault ? 'doubtful' : anchored === 0 || missing ? 'unanchored' : 'proven'
  return { ...log, fault, state, anchored, anchors: findings }
}

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

async function compareOne({ anchor, held, silent }: Asked, log: JudgedLog, known: readonly string[]): Promise<Comparison & { readonly silent: string | null }> {
  const nothing = { checkpoints: 0, agreed: 0, fault: null }
  if (silent !== null) return { ...nothing, silent }
  try {
    return { ...compareHeld(log, known, await notesOf(anchor, held)), silent: null }
  } catch (error) {
    return { ...nothing, silent: (error as Error).message }
  }
}

/** What an anchor holds, read several at once. Throws AnchorError. */
export async function notesOf(anchor: Anchor, held: readonly HeldCheckpoint[]): Promise<HeldNote[]> {
  const notes: HeldNote[] = []
  for (let from = 0; from < held.length; from += readsAtOnce)
    notes.push(...(await Promise.all(held.slice(from, from + readsAtOnce).map(async one => ({ ...one, note: await anchor.held!.read(one) })))))
  return notes
}
