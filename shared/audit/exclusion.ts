import type { JsonValue } from '../domain/json.ts'

/** What was left out of one principal, since the last checkpoint. */
export interface LeftOut {
  readonly lines: number
  readonly resourceRefCount: number
  /** Epoch milliseconds of source time. */
  readonly firstMs: number
  readonly lastMs: number
}

/** By principal. JSON: it outlives the process. */
export type Exclusion = Map<string, LeftOut>

/** More principals than these are counted together: an exclusion by pattern must not grow with whoever comes. */
const mostPrincipals = 100
export const otherPrincipals = '(others)'

/** Counts a line that is not mirrored. */
export function leaveOut(exclusion: Exclusion, principal: string, timestampMs: number, resourceRefCount: number): void {
  const name = exclusion.has(principal) || exclusion.size < mostPrincipals ? principal : otherPrincipals
  const { lines, resourceRefCount: sum, firstMs, lastMs } = exclusion.get(name) ?? { lines: 0, resourceRefCount: 0, firstMs: timestampMs, lastMs: timestampMs }
  exclusion.set(name, {
    lines: lines + 1,
    resourceRefCount: sum + Math.max(0, resourceRefCount),
    firstMs: Math.min(firstMs, timestampMs),
    lastMs: Math.max(lastMs, timestampMs)
  })
}

/** For `audit.checkpoint`: who is not mirrored, with what was left out since the last one, which may be nothing. Counting begins anew. */
export function takeExcluded(exclusion: Exclusion, principals: readonly string[]): JsonValue {
  const names = [...new Set([...principals, ...exclusion.keys()])].sort()
  const taken = names.map(principal => {
    const { lines = 0, resourceRefCount = 0, firstMs, lastMs } = exclusion.get(principal) ?? {}
    return { principal, lines, resourceRefCount, ...(firstMs !== undefined && lastMs !== undefined && { firstMs, lastMs }) }
  })
  exclusion.clear()
  return taken
}
