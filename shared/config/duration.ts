import { z } from 'zod'
import { formatDuration, parseDuration } from '../domain/duration.ts'

interface DurationBounds {
  readonly leastMs?: number
  readonly mostMs?: number
}

/** A duration within bounds, see `duration`. */
export function durationBetween({ leastMs = 0, mostMs = 3_650 * 86_400_000 }: DurationBounds) {
  return z
    .string({ error: 'expected a duration such as 30s, 15m, 1h30m or 14d' })
    .regex(/^(?:\d+(?:ms|[smhd]))+$/, { error: 'expected a duration such as 30s, 15m, 1h30m or 14d', abort: true })
    .transform((text, context) => {
      const durationMs = parseDuration(text)
      if (durationMs !== null && durationMs >= leastMs && durationMs <= mostMs) return durationMs
      context.addIssue({ code: 'custom', message: `expected a duration from ${leastMs === 0 ? '0s' : formatDuration(leastMs)} to ${formatDuration(mostMs)}` })
      return z.NEVER
    })
}

/**
 * A duration as an operator writes it: `500ms`, `30s`, `1h30m`, `14d`; milliseconds once parsed. A default is written the same way:
 * `duration.prefault('30m')`.
 */
export const duration = durationBetween({})
