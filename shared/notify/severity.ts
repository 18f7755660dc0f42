import type { Severity } from '../engine/agent.ts'

/** From the least to the gravest. */
export const severities = ['info', 'warning', 'page', 'incident', 'executive'] as const satisfies readonly Severity[]

export function atLeast(severity: Severity, least: Severity): boolean {
  return severities.indexOf(severity) >= severities.indexOf(least)
}
