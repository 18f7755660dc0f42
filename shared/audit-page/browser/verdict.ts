import type { CheckedLog } from './log-check.ts'
import { openCheckpoint, readVerifierKey, unverifiedCheckpoint } from './note-check.ts'

/** `doubt`: nothing is wrong, and not everything is known. */
export type Level = 'good' | 'doubt' | 'bad'

export interface Finding {
  readonly level: Level
  readonly text: string
}

export interface Verdict {
  readonly level: Level
  readonly word: 'VERIFIED' | 'SELF-ATTESTED' | 'KEY UNKNOWN' | 'NOT VERIFIED'
  readonly sentence: string
  readonly findings: readonly Finding[]
}

/** What a log is called, how many entries it has, and how many of them lie behind its newest checkpoint and are not exported. */
export interface LogName {
  readonly origin: string
  readonly size: number
  readonly behind: number
  /** The logs that are on the page, this one among them. */
  readonly beside?: readonly { readonly origin: string; readonly size: number }[]
}

/**
 * What is to be said of one log. `known`: the verifier key that somebody knows from elsewhere, or nothing; `anchored`: the text of a checkpoint that
 * somebody took out of an anchor, or nothing.
 */
export async function verdictOf(log: LogName, checked: CheckedLog, known: string, anchored: string): Promise<Verdict> {
  const findings: Finding[] = []
  const { fault, first, size } = checked
  if (fault) {
    findings.push({ level: 'bad', text: `Sequence ${fault.sequence}: ${fault.reason}.` })
    if (fault.sequence > first)
      findings.push({ level: 'doubt', text: `Entries ${first} to ${fault.sequence - 1} follow each other; behind them nothing was looked at.` })
    return { level: 'bad', word: 'NOT VERIFIED', sentence: `The first thing that is wrong is at sequence ${fault.sequence}: ${fault.reason}.`, findings }
  }
  findings.push(
    {
      level: 'good',
      text: `${size - first} entries: each has the fingerprint that its bytes give, its own id, its sequence, and the fingerprint of the one before.`
    },
    { level: 'good', text: `${checked.checkpoints.size} checkpoints: each has the root of the tree over the entries, and the signature of the key in force.` }
  )
  if (size !== log.size) findings.push({ level: 'bad', text: `The export speaks of ${log.size} entries, there are ${size}.` })
  if (first > 0) findings.push({ level: 'doubt', text: `Entries 0 to ${first - 1} are not in this page: only their place in the signed tree is.` })
  for (const head of checked.heads) {
    const found = log.beside?.find(other => other.origin === head.origin)
    if (found === undefined) findings.push({ level: 'bad', text: `${head.origin} is missing: the topic has ${checked.heads.length} logs` })
    else if (found.size < head.size)
      findings.push({ level: 'bad', text: `CUT: ${head.origin} has ${found.size} entries, a checkpoint here names ${head.size}` })
  }
  if (log.behind > 0) findings.push({ level: 'doubt', text: `${log.behind} newer entries were not signed yet when this was exported, and are not in it.` })
  const key = await keyFinding(checked, known.trim(), first > 0)
  const anchor = await anchorFinding(log, checked, anchored, known.trim())
  findings.push(key, anchor)
  const { later = 0 } = anchor
  const level = findings.some(one => one.level === 'bad') ? 'bad' : key.level === 'good' && anchor.level === 'good' ? 'good' : 'doubt'
  if (level === 'bad') return { level, word: 'NOT VERIFIED', sentence: findings.find(one => one.level === 'bad')!.text, findings }
  if (anchor.level !== 'good')
    return {
      level,
      word: 'SELF-ATTESTED',
      sentence:
        'The log agrees with itself. Nobody outside the cluster confirms yet that it is the one that was written: compare it with a checkpoint from an anchor.',
      findings
    }
  if (key.level !== 'good')
    return {
      level,
      word: 'KEY UNKNOWN',
      sentence: 'The log and the checkpoint agree. Whose key signed them you have not said: give the one you know from elsewhere.',
      findings
    }
  return {
    level,
    word: 'VERIFIED',
    sentence:
      later === 0
        ? 'The log is what the anchored checkpoint says, and the key that you know signed it.'
        : `Up to sequence ${checked.size - later - 1} the log is what the anchored checkpoint says. The newest ${later} entries the key that you know signed, and no anchor confirms.`,
    findings
  }
}

async function keyFinding({ firstKey, newestKeys }: CheckedLog, known: string, partial: boolean): Promise<Finding> {
  if (known === '') return { level: 'doubt', text: 'The key is the one that the log itself names. That proves nothing unless you know it from elsewhere.' }
  try {
    await readVerifierKey(known)
  } catch (error) {
    return { level: 'bad', text: `The key that you gave: ${(error as Error).message}.` }
  }
  // What began the log is not on a page of its newest entries: there the key can only be the one that signed their checkpoint.
  const trusted = partial ? newestKeys : [firstKey]
  return trusted.includes(known)
    ? { level: 'good', text: 'The key that you gave is the one that signed.' }
    : { level: 'bad', text: 'The key that you gave is not the one that this log began with.' }
}

/** `later`: entries that the checkpoint does not speak of. */
async function anchorFinding(log: LogName, checked: CheckedLog, text: string, known: string): Promise<Finding & { readonly later?: number }> {
  if (text.trim() === '') return { level: 'doubt', text: 'SELF-ATTESTED: no checkpoint from outside the cluster was compared.' }
  const note = `${text.replaceAll('\r\n', '\n').trim()}\n`
  try {
    const { origin, size, root } = unverifiedCheckpoint(note)
    if (origin !== log.origin) return { level: 'doubt', text: `SELF-ATTESTED: the checkpoint is of another log, ${origin}.` }
    const keys = new Set(known === '' ? checked.keys : [known, ...checked.keys])
    await openCheckpoint(note, await Promise.all([...keys].map(readVerifierKey)))
    if (size > checked.size + log.behind) return { level: 'bad', text: `CUT: the anchored checkpoint is of ${size} entries, the log has ${checked.size}` }
    if (size > checked.size)
      return { level: 'doubt', text: `SELF-ATTESTED: the anchored checkpoint is of ${size} entries, newer than this export of ${checked.size}.` }
    const own = await checked.rootAt(size)
    if (own === null)
      return {
        level: 'doubt',
        text: `SELF-ATTESTED: the anchored checkpoint is of ${size} entries, this page begins at ${checked.first}: ask reeve audit verify.`
      }
    if (own !== root) return { level: 'bad', text: `FORKED: the anchored checkpoint holds another tree of ${size} entries than the log has` }
    const later = checked.size - size
    return {
      level: 'good',
      later,
      text: `The anchored checkpoint of ${size} entries is the log's${later === 0 ? '' : `; the newest ${later} entries it does not speak of`}.`
    }
  } catch (error) {
    return { level: 'bad', text: `The anchored checkpoint: ${(error as Error).message}.` }
  }
}
