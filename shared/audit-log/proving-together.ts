import { compareEarlier, type EarlierLog } from '../audit/compare-earlier.ts'
import { compareLogs } from '../audit/compare-logs.ts'
import type { LogFault } from '../audit/verify-log.ts'
import type { ProvenLog } from './proving.ts'

/** What is at hand of an earlier topic that the logs go on from: its logs, or in one sentence why they were not looked at. */
export type Earlier = { readonly logs: readonly EarlierLog[] } | { readonly unseen: string }

/** A log that was also compared with the others of its topic, and with the earlier one. */
export interface ProvenTogether extends ProvenLog {
  /** Why the end that it continues was not looked at; null: it was, or there is none. */
  readonly earlierUnseen: string | null
}

/**
 * Compares logs of one topic, each proven by itself, with each other and with the topic that they continue: README.md of shared/audit, section 10, points 9 and
 * 10. `exact`: each goes to the same checkpoint, as in an export.
 */
export function proveTogether(logs: readonly ProvenLog[], { exact, earlier }: { readonly exact: boolean; readonly earlier: Earlier }): ProvenTogether[] {
  const own = logs.map(log => ({ ...log, fault: log.ownFault }))
  const between = compareLogs(own, exact ? 'exact' : logs.flatMap(({ heads }) => heads ?? []))
  return logs.map(log => {
    const link = 'logs' in earlier && log.ownFault === null ? compareEarlier(log, earlier.logs) : null
    const fault = [between.get(log.origin), link].reduce<LogFault | null>((first, each) => earlierOf(first, each ?? null), log.fault)
    const earlierUnseen = log.continues.length > 0 && 'unseen' in earlier ? earlier.unseen : null
    return { ...log, fault, state: fault ? 'doubtful' : log.state, earlierUnseen }
  })
}

function earlierOf(one: LogFault | null, other: LogFault | null): LogFault | null {
  return one === null || (other !== null && other.sequence < one.sequence) ? other : one
}
