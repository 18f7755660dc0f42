import { join } from 'node:path'
import type { Spoken } from '../reeve.ts'
import { cutBack, flipByte } from './forgery.ts'
import { changes } from './script.ts'
import { eventOf, type ProofName, type ProofSeen, type Seen } from './seen.ts'
import type { Watch } from './watch.ts'

export interface ProofParts {
  readonly watch: Watch
  readonly seen: Seen
  readonly folder: string
  readonly anchor: string
  /** The verifier key as `reeve audit keygen` printed it: from outside of the log. */
  readonly vkey: string
  /** Runs one command line of Reeve. */
  readonly speak: (words: readonly string[]) => Promise<Spoken>
}

/** Verifies the topic, exports it, verifies the export, then forges two copies of it and has each judged. Nobody writes meanwhile. */
export async function prove({ watch, seen, folder, anchor, vkey, speak }: ProofParts): Promise<void> {
  const exported = join(folder, 'export')
  const flipped = join(folder, 'export-flipped')
  const cut = join(folder, 'export-cut')
  const key = ['--key', vkey]
  const outside = ['--anchor', anchor]

  async function ask(name: ProofName, title: string, words: readonly string[], forgedSequence: number | null = null): Promise<void> {
    const spoken = await speak(['--json', 'audit', ...words])
    const shown = ['reeve', 'audit', ...words].map(word => (word === vkey ? 'VKEY' : word.startsWith(`${folder}/`) ? word.slice(folder.length + 1) : word))
    watch.prove({ name, title, command: shown.join(' '), forgedSequence, ...answerOf(spoken) })
  }
  const verify = (place: string, more: readonly string[]) => ['verify', '--export', place, ...key, ...more]

  watch.act('the mirror has been stopped, and an auditor asks')
  await ask('topic', 'Is the topic what was written?', ['verify'])
  await ask('export', 'The log as a folder, for whoever has no Kafka', ['export', exported])
  await ask('exported', 'Is the folder what was written?', verify(exported, outside))

  const [, retention, , deletion] = changes.map(change => eventOf(seen, change)?.sequence)
  if (retention === undefined || deletion === undefined) throw new Error('the log does not hold what was to be forged')
  watch.act('somebody flips one bit in a copy of the folder: the retention that was set reads otherwise')
  flipByte(exported, flipped, retention, '"retention.ms":"')
  await ask('flipped', 'A copy in which one byte is another', verify(flipped, outside), retention)
  watch.act('somebody cuts the tail off another copy, tiles and checkpoints to match: the topic was never deleted')
  const size = cutBack(exported, cut, deletion)
  await ask('cut-alone', 'A copy that ends before the deletion, by itself', verify(cut, []))
  await ask('cut', 'The same, and the anchor is asked', verify(cut, outside), size)
  watch.act('that was all')
}

type Answer = Pick<ProofSeen, 'exitCode' | 'state' | 'size' | 'anchored' | 'fault' | 'words'>

/** What `--json` says of the first log; anything else is words. */
export function answerOf({ exitCode, output }: Spoken): Answer {
  const nothing = { exitCode, state: null, size: null, anchored: null, fault: null }
  try {
    const { logs, error } = JSON.parse(output) as { logs?: readonly Answer[]; error?: string }
    const [log] = logs ?? []
    if (log === undefined) return { ...nothing, words: error ?? output }
    const { state, size, anchored, fault } = log
    return { exitCode, state, size, anchored, fault, words: '' }
  } catch {
    return { ...nothing, words: output }
  }
}
