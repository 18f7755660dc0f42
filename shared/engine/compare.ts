import type { Found } from './simulate.ts'

/** The same thing with both policies: when with each, null where not at all. */
export interface Compared {
  readonly subject: string
  readonly what: 'told' | 'would do' | 'refused'
  readonly word: string
  readonly text: string
  readonly why: string
  readonly presentMs: number | null
  readonly changedMs: number | null
}

/**
 * Lays what two policies would have told and done side by side, by subject and time. Keys hold the start of the incident, which a
 * changed policy moves: so the first message of a kind about a subject is compared with the first, the second with the second.
 */
export function compare(present: Found, changed: Found): Compared[] {
  const before = grouped(present)
  const after = grouped(changed)
  const compared = [...new Set([...before.keys(), ...after.keys()])].flatMap(key => {
    const [was, is] = [before.get(key) ?? [], after.get(key) ?? []]
    return Array.from({ length: Math.max(was.length, is.length) }, (_, index): Compared => {
      const { subject, what, word, text, why } = (is[index] ?? was[index])!
      return { subject, what, word, text, why, presentMs: was[index]?.atMs ?? null, changedMs: is[index]?.atMs ?? null }
    })
  })
  const atMs = ({ presentMs, changedMs }: Compared) => Math.min(presentMs ?? Number.POSITIVE_INFINITY, changedMs ?? Number.POSITIVE_INFINITY)
  return compared.toSorted((a, b) => (a.subject === b.subject ? atMs(a) - atMs(b) : a.subject < b.subject ? -1 : 1))
}

type Line = Pick<Compared, 'subject' | 'what' | 'word' | 'text' | 'why'> & { readonly atMs: number }

function grouped({ told, acts }: Found): Map<string, Line[]> {
  const lines: Line[] = [
    ...told.map(({ subject, word, title, why, atMs }): Line => ({ subject, what: 'told', word, text: title, why: why.join(' '), atMs })),
    ...acts.map(({ subject, word, describe, atMs, passedAtMs, refused }): Line => ({
      subject,
      what: passedAtMs === null ? 'refused' : 'would do',
      word,
      text: describe,
      why: refused ?? '',
      atMs: passedAtMs ?? atMs
    }))
  ]
  const groups = new Map<string, Line[]>()
  for (const line of lines.toSorted((a, b) => a.atMs - b.atMs)) {
    const key = JSON.stringify([line.subject, line.what, line.word])
    groups.set(key, [...(groups.get(key) ?? []), line])
  }
  return groups
}
