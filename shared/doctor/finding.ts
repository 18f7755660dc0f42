import type { FindingId } from './finding-ids.ts'

/** `unknown` is a question that nobody answered: it is not `ok`, and the remedy says who could answer it. */
export type Severity = 'ok' | 'note' | 'unknown' | 'warning' | 'error'

export type Area =
  | 'connections'
  | 'rights'
  | 'topics'
  | 'brokers'
  | 'mission'
  | 'clocks'
  | 'redis'
  | 'notices'
  | 'owners'
  | 'audit'
  | 'configuration'
  | 'others'

/** One thing that was looked at. */
export interface Finding {
  /** Stable; README.md lists them all. */
  readonly id: FindingId
  readonly area: Area
  readonly severity: Severity
  /** One sentence with figures. */
  readonly what: string
  /** What it means for Reeve or for the cluster, a sentence each. */
  readonly why: readonly string[]
  /** Commands that can be pasted, or the line of the configuration to change. */
  readonly remedy: readonly string[]
  /** What was measured or computed, units in the names; null is not known. */
  readonly figures?: Readonly<Record<string, number | null>>
}

/** Makes the findings of one area. */
export function inArea(area: Area) {
  return (severity: Severity, id: FindingId, what: string, why: string | readonly string[] = [], remedy: string | readonly string[] = []): Finding => ({
    id,
    area,
    severity,
    what,
    why: typeof why === 'string' ? [why] : why,
    remedy: typeof remedy === 'string' ? [remedy] : remedy
  })
}

/** `a, b, c and 4 more` */
export function listed(names: readonly string[], most = 3): string {
  if (names.length <= most + 1) return names.join(', ')
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`
}

/** `1 topic`, `2 topics` */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}
