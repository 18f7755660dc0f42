const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * Parses `90s`, `30m`, `1h`, `14d`, `1h30m`, `500ms` to milliseconds. Null when the text is not a duration, so that the
 * caller can name the place. Zero must carry a unit too.
 */
export function parseDuration(text: string): number | null {
  if (!/^(?:\d+(?:ms|[smhd]))+$/.test(text)) return null
  let totalMs = 0
  for (const [, digits, unit] of text.matchAll(/(\d+)(ms|[smhd])/g)) totalMs += Number(digits) * unitMs[unit as keyof typeof unitMs]
  return Number.isSafeInteger(totalMs) ? totalMs : null
}

/** The two largest units, for people: 5400000 → 1h30m, 950 → 950ms. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`
  if (durationMs < 1_000) return `${Math.round(durationMs)}ms`
  const parts: string[] = []
  let restMs = Math.round(durationMs / 1_000) * 1_000
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const count = Math.floor(restMs / unitMs[unit])
    restMs -= count * unitMs[unit]
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.slice(0, 2).join('')
}
