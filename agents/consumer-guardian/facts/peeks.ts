import { type ClusterView, partitionOf, type Unseen } from '#shared/domain/cluster-view.ts'
import type { Ports } from '#shared/engine/agent.ts'
import type { GroupFacts, Readable } from '../observe.ts'

export interface PeekTarget {
  readonly facts: Pick<GroupFacts, 'groupId' | 'topics' | 'lagMessages'>
  /** True: every partition with lag, for what retention would take; false: until one has something to read. */
  readonly closely: boolean
}

/** Timestamp of the next record at each committed position that was read, by `group/topic/partition`; null: there is none. */
export type NextRecords = ReadonlyMap<string, number | null>

export function peekKey(groupId: string, topic: string, partition: number): string {
  return [groupId, topic, partition].map(encodeURIComponent).join('/')
}

/** A read that fails takes seconds: after so many, a look asks no more and says so. */
const failuresToGiveUp = 3
/** Groups that are looked at side by side, so that their reads share fetches. */
const groupsAtOnce = 100

/**
 * Tells lag that can be read from lag that cannot (transaction markers, compacted tails, open transactions). Reads at most
 * `maxPeeks` single records: groups looked at closely come first, the others take turns from look to look.
 */
export async function something(ports: Ports, view: ClusterView, targets: readonly PeekTarget[], maxPeeks: number, intervalMs: number) {
  const readable = new Map<string, Readable>()
  const records = new Map<string, number | null>()
  const unseen: Unseen[] = []
  let left = maxPeeks
  let failures = 0
  const look = async ({ facts, closely }: PeekTarget): Promise<void> => {
    const behind = facts.topics
      .flatMap(({ topic, partitions }) =>
        partitions.filter(({ lagMessages }) => lagMessages !== null && lagMessages > 0).map(partition => ({ topic, ...partition }))
      )
      .toSorted((a, b) => b.lagMessages! - a.lagMessages!)
    let found: string | null = null
    let unknown: string | null = null
    for (const { topic, partition, committed } of behind) {
      if (found !== null && !closely) break
      if (left === 0 || failures >= failuresToGiveUp) {
        unknown = left === 0 ? `this look's ${maxPeeks} reads were used up` : `${failures} reads of this look had failed before`
        break
      }
      const ofTopic = view.topics.get(topic)
      const seen = ofTopic && partitionOf(ofTopic, partition)
      const position = Math.max(committed!, seen?.logStartOffset ?? 0)
      let next: { readonly offset: number; readonly timestampMs: number } | null = null
      // Nothing above the last stable offset can be read, so nobody needs to ask.
      if (seen?.lastStableOffset == null || position < seen.lastStableOffset) {
        left--
        try {
          next = await ports.peek(topic, partition, position)
        } catch (error) {
          failures++
          unknown = `${topic}-${partition} could not be read at ${position}: ${error instanceof Error ? error.message : String(error)}`
          unseen.push({ kind: 'partition', id: `${topic}-${partition}`, why: unknown })
          continue
        }
      }
      records.set(peekKey(facts.groupId, topic, partition), next?.timestampMs ?? null)
      if (next !== null) found ??= `${topic}-${partition} has a record at ${next.offset}`
    }
    readable.set(facts.groupId, judge(facts, found, unknown))
  }
  const waiting = inTurn(targets, Math.floor(view.atMs / Math.max(1, intervalMs))).values()
  const takeTurns = async (): Promise<void> => {
    for (const target of waiting) await look(target)
  }
  await Promise.all(Array.from({ length: groupsAtOnce }, takeTurns))
  return { readable, records, unseen }
}

function judge({ lagMessages }: PeekTarget['facts'], found: string | null, unknown: string | null): Readable {
  if (found !== null) return { held: true, because: found }
  if (unknown !== null) return { held: null, because: unknown }
  if (lagMessages === null) return { held: null, because: 'no partition has a known lag' }
  return {
    held: false,
    because: lagMessages === 0 ? 'it has read everything' : `no record can be read in ${lagMessages} offsets: markers, a compacted tail or an open transaction`
  }
}

/** Those looked at closely, then the others from a place that moves with each look. */
function inTurn(targets: readonly PeekTarget[], look: number): PeekTarget[] {
  const closely = targets.filter(target => target.closely)
  const others = targets.filter(target => !target.closely)
  const first = others.length === 0 ? 0 : (look * 97) % others.length
  return [...closely, ...others.slice(first), ...others.slice(0, first)]
}
