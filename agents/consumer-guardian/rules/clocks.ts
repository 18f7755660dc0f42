import type { GroupFacts } from '../observe.ts'
import type { GroupPolicy } from '../policy.ts'
import type { GroupMemory } from './memory.ts'

/** One look at a group, beside what was remembered. */
export interface Look {
  readonly clocks: GroupMemory
  /** False: nothing may be concluded from this look, and every clock was left as it was. */
  readonly complete: boolean
  /** What the commits did since the last look; null: not known. A rewind is movement, but no progress. */
  readonly moved: 'advanced' | 'rewound' | 'not' | null
}

export interface LookContext {
  readonly atMs: number
  /** Time of the look before this one. */
  readonly previousAtMs: number
  /** An observation older than this is unknown. */
  readonly toleranceMs: number
  /** Observations were missing, or the clock jumped. */
  readonly restart: boolean
}

const rebalancing = new Set(['preparing-rebalance', 'completing-rebalance', 'assigning', 'reconciling'])

/** Winds the clocks of a group on by one look. Unknown is not lagging: a hole withholds them, a long one starts them again. */
export function windOn(before: GroupMemory | undefined, facts: GroupFacts, policy: GroupPolicy, context: LookContext): Look {
  const { atMs, previousAtMs, toleranceMs, restart } = context
  if (facts.missing.length > 0) {
    const kept = before ?? begin(atMs)
    return { clocks: { ...kept, unseenSinceMs: kept.unseenSinceMs ?? Math.min(previousAtMs, atMs) }, complete: false, moved: null }
  }
  const tooLong = before?.unseenSinceMs != null && atMs - before.unseenSinceMs > toleranceMs
  const known = before === undefined || restart || tooLong ? { ...begin(atMs), incident: before?.incident ?? null } : before
  const seenBefore = before !== undefined && !restart && !tooLong

  const moved = movement(known, facts)
  const members = (facts.members ?? []).map(({ memberId }) => memberId).toSorted()
  const changed = seenBefore && (members.length !== known.members.length || members.some((id, index) => id !== known.members[index]))
  const sinceMs = atMs - policy.memberChangesWithin
  return {
    clocks: {
      kind: 'group',
      commits: facts.readable.held === false && known.incident === null ? null : facts.commits,
      standstillSinceMs: standstill(known, facts, moved, atMs),
      behindSinceMs: Object.fromEntries(
        facts.topics
          .filter(({ lagMessages }) => lagMessages !== null && lagMessages > policy.lagMessages)
          .map(({ topic }) => [topic, own(known.behindSinceMs, topic) ?? atMs])
      ),
      members,
      memberChangesMs: [...known.memberChangesMs.filter(at => at > sinceMs), ...(changed ? [atMs] : [])],
      rebalancedAtMs: !seenBefore || changed || rebalancing.has(facts.state) ? atMs : known.rebalancedAtMs,
      unseenSinceMs: null,
      incident: known.incident
    },
    complete: true,
    moved
  }
}

/** Every clock at its beginning; the incident is no clock. */
export function begin(atMs: number): GroupMemory {
  return {
    kind: 'group',
    commits: null,
    standstillSinceMs: null,
    behindSinceMs: {},
    members: [],
    memberChangesMs: [],
    rebalancedAtMs: atMs,
    unseenSinceMs: null,
    incident: null
  }
}

function movement(known: GroupMemory, { commits }: GroupFacts): Look['moved'] {
  if (known.commits === null || commits === null) return null
  const total = commits.total - known.commits.total
  const partitions = commits.partitions - known.commits.partitions
  if (total < 0 || partitions < 0) return 'rewound'
  return total > 0 || partitions > 0 ? 'advanced' : 'not'
}

/**
 * Since when no commit moved although there was something to read. Runs on through a look that could not tell, because a
 * record that was there at this commit is there still; starts only from a look that saw one.
 */
function standstill(known: GroupMemory, { readable }: GroupFacts, moved: Look['moved'], atMs: number): number | null {
  if (readable.held === false) return null
  if (moved !== 'not') return readable.held ? atMs : null
  return known.standstillSinceMs ?? (readable.held ? atMs : null)
}

/** A topic may be called `constructor`. */
function own(record: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
