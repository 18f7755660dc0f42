import { formatDuration } from '#shared/domain/duration.ts'
import type { Severity, Verdict } from '#shared/engine/agent.ts'
import type { GroupFacts } from '../observe.ts'
import type { GroupPolicy, PauseCause } from '../policy.ts'
import type { Look } from './clocks.ts'
import type { Incident, Trouble } from './memory.ts'

export type Rule = Verdict['rules'][number]

export interface Troubles {
  readonly rules: readonly Rule[]
  /** What is held, the gravest first, and since when. */
  readonly held: readonly { readonly trouble: Trouble; readonly sinceMs: number; readonly because: string }[]
}

/** Rules 1 to 4: is the group in trouble? */
export function troubles(facts: GroupFacts, look: Look, policy: GroupPolicy, atMs: number): Troubles {
  const { clocks } = look
  const unknown = !look.complete
    ? `this look is incomplete: ${facts.missing.join('; ')}`
    : facts.commits === null
      ? 'it has no commit, so how far behind it is cannot be known'
      : null
  if (unknown !== null)
    return { rules: ['1 behind', '2 no progress', '3 crash loop', '4 stuck far behind'].map(rule => ({ rule, held: 'unknown', because: unknown })), held: [] }

  const since = Object.values(clocks.behindSinceMs)
  const behindSinceMs = since.length === 0 ? null : Math.min(...since)
  const behind = behindSinceMs !== null && atMs - behindSinceMs > policy.lagFor
  const worst = worstTopic(facts)
  const behindBecause =
    behindSinceMs === null
      ? `${worst === null ? 'no lag is known' : `${worst.topic} lags ${worst.lagMessages} messages`}, not above ${policy.lagMessages}`
      : `a topic lags more than ${policy.lagMessages} messages (${worst?.topic}: ${worst?.lagMessages}) for ${formatDuration(atMs - behindSinceMs)}, ${behind ? 'more' : 'not more'} than ${formatDuration(policy.lagFor)}`

  const stoodMs = clocks.standstillSinceMs === null ? null : atMs - clocks.standstillSinceMs
  const moved = look.moved === 'advanced' || look.moved === 'rewound'
  const still = stoodMs !== null && stoodMs >= policy.noProgressFor
  const stillBecause =
    stoodMs !== null
      ? `no commit advanced for ${formatDuration(stoodMs)}${still ? '' : `, not yet ${formatDuration(policy.noProgressFor)}`}; ${facts.readable.because}`
      : moved
        ? 'its commits moved since the last look'
        : facts.readable.held === null
          ? `whether there is something to read is not known: ${facts.readable.because}`
          : facts.readable.because
  const stillHeld = stoodMs === null && facts.readable.held === null && !moved ? 'unknown' : still

  const changes = clocks.memberChangesMs.filter(at => at > atMs - policy.memberChangesWithin).length
  const stoodAlong = stoodMs !== null && stoodMs >= policy.memberChangesWithin
  const looping = changes >= policy.memberChanges && stoodAlong
  const loopBecause = `its members changed ${changes} times in ${formatDuration(policy.memberChangesWithin)} (${policy.memberChanges} are a loop) while its commits ${stoodAlong ? 'stood' : 'did not stand all that time'}`

  const stuck = behind && still
  const held = [
    ...(stuck
      ? [{ trouble: 'stuckBehind' as const, sinceMs: Math.max(behindSinceMs, clocks.standstillSinceMs!), because: `${behindBecause}; ${stillBecause}` }]
      : []),
    ...(looping ? [{ trouble: 'crashLoop' as const, sinceMs: clocks.memberChangesMs[0]!, because: `${loopBecause}; ${facts.readable.because}` }] : []),
    ...(still ? [{ trouble: 'noProgress' as const, sinceMs: clocks.standstillSinceMs!, because: stillBecause }] : []),
    ...(behind ? [{ trouble: 'behind' as const, sinceMs: behindSinceMs, because: behindBecause }] : [])
  ]
  return {
    rules: [
      { rule: '1 behind', held: behind, because: behindBecause },
      { rule: '2 no progress', held: stillHeld, because: stillBecause },
      { rule: '3 crash loop', held: looping, because: loopBecause },
      { rule: '4 stuck far behind', held: stuck, because: stuck ? 'rules 1 and 2 hold together' : 'rules 1 and 2 do not hold together' }
    ],
    held
  }
}

/** What a policy may pause for, beside each trouble. */
export const causeOf: Readonly<Record<Trouble, PauseCause | null>> = { stuckBehind: 'stuckBehind', crashLoop: 'crashLoop', behind: 'lag', noProgress: null }

const ranks: readonly Severity[] = ['info', 'warning', 'page', 'incident', 'executive']
export const graver = (a: Severity, b: Severity): boolean => ranks.indexOf(a) > ranks.indexOf(b)
const lower = (a: Severity, b: Severity): Severity => (graver(a, b) ? b : a)

/** How far a registered group may escalate. Whoever is not registered himself is told, and wakes nobody. */
const caps = { low: 'warning', normal: 'page', high: 'incident', critical: 'executive' } as const

/** How grave it is now, capped by the criticality that the owner registered, never by the lag alone. */
export function severityOf(facts: GroupFacts, look: Look, policy: GroupPolicy, atMs: number): Severity {
  const lag = worstTopic(facts)?.lagMessages ?? 0
  const stoodMs = look.clocks.standstillSinceMs === null ? 0 : atMs - look.clocks.standstillSinceMs
  const grave: Severity =
    stoodMs >= policy.executiveAfter ? 'executive' : lag > policy.incidentLagMessages ? 'incident' : lag > policy.pageLagMessages ? 'page' : 'warning'
  return capped(grave, facts.owner)
}

export function capped(severity: Severity, owner: GroupFacts['owner']): Severity {
  return lower(severity, owner?.by === 'group' ? caps[owner.criticality] : 'warning')
}

export function worstTopic(facts: GroupFacts): { readonly topic: string; readonly lagMessages: number } | null {
  let worst: { topic: string; lagMessages: number } | null = null
  for (const { topic, lagMessages } of facts.topics)
    if (lagMessages !== null && (worst === null || lagMessages > worst.lagMessages)) worst = { topic, lagMessages }
  return worst
}

export const troubleWords: Readonly<Record<Incident['trouble'], string>> = {
  behind: 'is far behind',
  noProgress: 'stands still',
  crashLoop: 'crash-loops',
  stuckBehind: 'is stuck far behind'
}
