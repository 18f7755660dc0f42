import type { JudgedLog } from './judge.ts'
import { type LogEnd, partsOf } from './together.ts'
import type { LogFault } from './verify-log.ts'

/** How a log of an earlier topic is found to end. */
export interface EarlierLog extends LogEnd {
  readonly chains: number
  readonly continuedIn: string | null
}

/** Compares the first entry of a log with the earlier topic that it goes on from: README.md, section 10, point 10. Null: it holds. */
export function compareEarlier({ origin, continues }: Pick<JudgedLog, 'origin' | 'continues'>, earlier: readonly EarlierLog[]): LogFault | null {
  const { topic } = partsOf(origin)
  // Whoever left out what it continues would otherwise be compared with nothing.
  if (continues.length === 0 && earlier.length > 0) return { sequence: 0, reason: `it continues no topic, beside the end of ${earlier[0]!.origin}` }
  const wrong = continues.flatMap(end => {
    const found = earlier.find(log => log.origin === end.origin)
    if (found === undefined) return [`${end.origin}, which it continues, is missing beside its topic's other logs`]
    const different = (['size', 'root', 'fingerprint', 'checkpoint'] as const).filter(member => found[member] !== end[member])
    if (different.length > 0) return [`it continues ${end.origin} at ${end.size} entries, which has ${found.size}, and another ${different.join(', ')}`]
    if (found.continuedIn !== topic) return [`it continues ${end.origin}, which says that it goes on in ${found.continuedIn ?? 'no topic'}`]
    return found.chains === continues.length ? [] : [`it continues ${continues.length} logs, ${end.origin} is one of ${found.chains}`]
  })
  return wrong.length === 0 ? null : { sequence: 0, reason: wrong[0]! }
}
