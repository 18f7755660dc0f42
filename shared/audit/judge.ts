import type { Hash } from '../proof/hash.ts'
import { parseCheckpoint } from '../proof/checkpoint.ts'
import { unverifiedText } from '../proof/note.ts'
import { readEntry } from './entry.ts'
import { readTrailer } from './trailer.ts'
import { type LogFault, type LogVerifier, openLogVerifier } from './verify-log.ts'

/** What a log is found to be by its own records. What anchors say of it is `compareHeld`'s question. */
export interface JudgedLog {
  readonly origin: string
  /** Entries that were read. */
  readonly size: number
  /** Entries that the newest checkpoint covers; 0: there is none. */
  readonly checkpointed: number
  /** Of the newest checkpoint. */
  readonly root: Hash | null
  readonly checkpoints: number
  /** Keys that were in force, in their order. */
  readonly vkeys: readonly string[]
  /** The source's time of the newest entry, ISO 8601. */
  readonly newest: string | null
  /** The first thing that is wrong. */
  readonly fault: LogFault | null
  /** Whether it was read to its end: behind a record that is wrong nothing is known. */
  readonly whole: boolean
  /** Roots of the sizes that were asked for, as far as the log reaches. */
  readonly roots: ReadonlyMap<number, Hash>
}

export interface LogJudge {
  readonly size: number
  /** Keys that were in force so far. */
  readonly vkeys: readonly string[]
  /** The fault that was found, after which nothing more is looked at. */
  readonly fault: LogFault | null
  take(kind: string, value: Uint8Array): LogFault | null
  end(): JudgedLog
}

/**
 * Judges a log record by record, in order, from its beginning. `known` are verifier keys from outside: one of them must be the first key of
 * the log or, where that one is forgotten, the key of its newest checkpoint, which covers all that came before. `sizes`: of which the root
 * is wanted.
 */
export function openLogJudge(origin: string, known: readonly string[], sizes: ReadonlySet<number> = new Set()): LogJudge {
  const roots = new Map<number, Hash>()
  const vkeys: string[] = []
  let verifier: LogVerifier | null = null
  let fault: LogFault | null = null
  let lastKind = ''
  let lastEntry: Uint8Array | null = null
  let signers: readonly string[] = []
  let newestBy: readonly string[] = []
  let checkpoints = 0
  let checkpointed = 0
  let root: Hash | null = null

  function look(kind: string, value: Uint8Array): void {
    if (kind === 'event') {
      lastEntry = value
      if (sizes.has(verifier!.size)) roots.set(verifier!.size, verifier!.root())
    } else if (kind === 'trailer') {
      const trailer = readTrailer(value)
      if ('fault' in trailer) return
      signers = trailer.signers
      for (const vkey of signers) if (!vkeys.includes(vkey)) vkeys.push(vkey)
    } else {
      if (checkpointed !== verifier!.size) checkpoints++
      checkpointed = verifier!.size
      root = parseCheckpoint(unverifiedText(value)).root
      newestBy = signers
    }
  }

  return {
    get size() {
      return verifier?.size ?? 0
    },
    vkeys,
    get fault() {
      return fault
    },
    take(kind, value) {
      if (fault) return fault
      verifier ??= openLogVerifier({ origin, vkey: firstKey(kind, value, known) })
      fault = verifier.take(kind, value)
      if (!fault) look(kind, value)
      lastKind = kind
      return fault
    },
    end() {
      const size = verifier?.size ?? 0
      const newest = lastEntry === null ? null : readEntry(lastEntry)
      const whole = fault === null
      if (!fault) {
        if (size === 0) fault = { sequence: 0, reason: 'the log holds no entry' }
        else if (lastKind === 'event') fault = { sequence: size - 1, reason: 'the log ends without a trailer behind it' }
        else if (checkpointed === 0) fault = { sequence: 0, reason: 'the log holds no checkpoint: nothing of it is signed' }
        else if (![vkeys[0]!, ...newestBy].some(vkey => known.includes(vkey)))
          fault = { sequence: 0, reason: `neither the first key (${vkeys[0]}) nor the newest (${newestBy.at(-1)}) is one that is known from outside` }
      }
      const time = newest === null || 'fault' in newest ? null : newest.value.timestamp
      return { origin, size, checkpointed, root, checkpoints, vkeys, newest: time, fault, whole, roots }
    }
  }
}

/** The key that the log says it began with; whether it is to be believed is judged at the end. */
function firstKey(kind: string, value: Uint8Array, known: readonly string[]): string {
  const entry = kind === 'event' ? readEntry(value) : { fault: '' }
  const vkey = 'fault' in entry ? null : entry.value.payload.unmapped['vkey']
  return typeof vkey === 'string' ? vkey : (known[0] ?? '')
}
