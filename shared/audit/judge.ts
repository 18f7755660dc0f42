import { hash } from 'node:crypto'
import type { JsonValue } from '../domain/json.ts'
import type { Hash } from '../proof/hash.ts'
import { parseCheckpoint } from '../proof/checkpoint.ts'
import { unverifiedText } from '../proof/note.ts'
import { canonical } from './canonical.ts'
import { readEntry } from './entry.ts'
import type { LogEnd, NamedHead } from './together.ts'
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
  /** The source's times of the last entries of these sizes. */
  readonly times: ReadonlyMap<number, string>
  /** How many logs its topic has. */
  readonly chains: number
  /** One for each `audit.checkpoint` of a topic of several logs. */
  readonly rounds: readonly Round[]
  /** Where the newest of them says that each log of the topic ended. */
  readonly heads: readonly NamedHead[] | null
  /** The ends of an earlier topic that it goes on from. */
  readonly continues: readonly LogEnd[]
  readonly continuedIn: string | null
  /** Of the newest entry. */
  readonly fingerprint: string | null
}

/** An `audit.checkpoint`, and what it names of all logs of its topic. */
export interface Round {
  readonly sequence: number
  /** Of its heads, and of the topic that goes on behind it; equal where they are. */
  readonly says: string
}

export interface LogJudge {
  readonly size: number
  /** Where the newest `audit.checkpoint` so far says that each log of the topic ended. */
  readonly heads: readonly NamedHead[] | null
  /** Keys that were in force so far. */
  readonly vkeys: readonly string[]
  /** The fault that was found, after which nothing more is looked at. */
  readonly fault: LogFault | null
  take(kind: string, value: Uint8Array): LogFault | null
  end(): JudgedLog
}

/**
 * Judges a log record by record, in order, from its beginning. `known` are verifier keys from outside: one of them must be the first key of
 * the log. `sizes`: of which root and time are wanted.
 */
export function openLogJudge(origin: string, known: readonly string[], sizes: ReadonlySet<number> = new Set()): LogJudge {
  const roots = new Map<number, Hash>()
  const times = new Map<number, string>()
  const rounds: Round[] = []
  const vkeys: string[] = []
  let verifier: LogVerifier | null = null
  let fault: LogFault | null = null
  let lastKind = ''
  let heads: readonly NamedHead[] | null = null
  let checkpoints = 0
  let checkpointed = 0
  let root: Hash | null = null

  function look(kind: string, value: Uint8Array): void {
    if (kind === 'event') {
      const { size, last } = verifier!
      if (sizes.has(size)) {
        roots.set(size, verifier!.root())
        times.set(size, last!.value.timestamp)
      }
      if (verifier!.heads === heads) return
      heads = verifier!.heads
      const says = [heads, verifier!.continuedIn] as unknown as JsonValue
      rounds.push({ sequence: last!.sequence, says: hash('sha256', canonical(says), 'base64') })
    } else if (kind === 'trailer') {
      const trailer = readTrailer(value)
      if ('fault' in trailer) return
      for (const vkey of trailer.signers) if (!vkeys.includes(vkey)) vkeys.push(vkey)
    } else {
      if (checkpointed !== verifier!.size) checkpoints++
      checkpointed = verifier!.size
      root = parseCheckpoint(unverifiedText(value)).root
    }
  }

  return {
    get size() {
      return verifier?.size ?? 0
    },
    get heads() {
      return heads
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
      const whole = fault === null
      if (!fault) {
        if (size === 0) fault = { sequence: 0, reason: 'the log holds no entry' }
        else if (checkpointed === 0 && verifier!.last!.eventType !== 'audit.checkpoint')
          fault = { sequence: 0, reason: 'the log holds no checkpoint: nothing of it is signed' }
        else if (lastKind === 'event') fault = { sequence: size - 1, reason: 'the log ends without a trailer behind it' }
        else if (checkpointed === 0) fault = { sequence: size - 1, reason: 'no checkpoint follows it: nothing of the log is signed' }
        else if (!known.includes(vkeys[0]!)) fault = { sequence: 0, reason: `the first key of the log (${vkeys[0]}) is none that is known from outside` }
      }
      const { chains = 1, continues = [], continuedIn = null, last = null } = verifier ?? {}
      const { fingerprint = null, value } = last ?? {}
      const found = { origin, size, checkpointed, root, checkpoints, vkeys, newest: value?.timestamp ?? null, fault, whole, roots, times }
      return { ...found, chains, rounds, heads, continues, continuedIn, fingerprint }
    }
  }
}

/** The key that the log says it began with; whether it is to be believed is judged at the end. */
function firstKey(kind: string, value: Uint8Array, known: readonly string[]): string {
  const entry = kind === 'event' ? readEntry(value) : { fault: '' }
  const vkey = 'fault' in entry ? null : entry.value.payload.unmapped['vkey']
  return typeof vkey === 'string' ? vkey : (known[0] ?? '')
}
