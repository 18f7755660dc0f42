/**
 * An observation older than two intervals is unknown, and two that lie further apart have a gap between them. Half an interval is for
 * the jitter of ticks and scans, so that one missed scan is not a gap yet.
 */
export function toleratedAgeMs(intervalMs: number): number {
  return 2.5 * intervalMs
}
