import type { TopicView } from '../domain/cluster-view.ts'
import { type AuditFacts, dayMs, recentMs } from './audit-facts.ts'
import { known } from './facts.ts'

/** How fast a log grows, by itself. */
export interface Growth {
  /** Of one copy of all its partitions. */
  readonly sizeBytes: number
  /** Since its oldest record. */
  readonly ageMs: number
  /** The larger of that since its beginning and that of the last seven days. */
  readonly bytesPerDay: number
  /** The span that this was measured over. */
  readonly measuredOverMs: number
  /** The share of each partition. */
  readonly shares: ReadonlyMap<number, number>
}

/** Younger than this, a log does not tell what a day brings. */
const leastAgeMs = dayMs

/** What its sizes and the times of its records say, or why they do not say it. Pure. */
export function growthOf(
  { ground: { topic }, disks, oldest, recent, atMs }: AuditFacts,
  { partitions }: TopicView
): Growth | { readonly why: string; readonly sizeBytes: number | null; readonly ageMs: number | null } {
  const unknown = (why: string, sizeBytes: number | null = null, ageMs: number | null = null) => ({ why, sizeBytes, ageMs })
  const seen = known(disks)
  const first = known(oldest)
  if (seen === null) return unknown('why' in disks ? disks.why : '')
  if (first === null) return unknown('why' in oldest ? oldest.why : '')
  const replicas = seen.value.flatMap(disk => disk.replicas.filter(replica => replica.topic === topic))
  const sizes = new Map(
    partitions.map(({ partition }) => {
      const ofPartition = replicas.filter(replica => replica.partition === partition).map(({ sizeBytes }) => sizeBytes)
      return [partition, ofPartition.length === 0 ? null : Math.max(...ofPartition)] as const
    })
  )
  const unsized = [...sizes].find(([, size]) => size === null)
  if (unsized) return unknown(`no broker tells the size of ${topic}-${unsized[0]}${seen.unseen[0] ? `: ${seen.unseen[0].why}` : ''}`)
  const sizeBytes = [...sizes.values()].reduce<number>((sum, size) => sum + size!, 0)
  if (first.length === 0) return unknown('it holds no record yet', sizeBytes)
  const ageMs = atMs - Math.min(...first.map(({ timestampMs }) => timestampMs))
  if (ageMs < leastAgeMs) return unknown('it is younger than a day', sizeBytes, ageMs)
  const whole = (sizeBytes / ageMs) * dayMs
  const shares = new Map([...sizes].map(([partition, size]) => [partition, sizeBytes === 0 ? 1 / sizes.size : size! / sizeBytes]))
  const lately = ageMs > recentMs ? lastDays(partitions, known(recent), sizes) : null
  return lately !== null && lately > whole
    ? { sizeBytes, ageMs, bytesPerDay: lately, measuredOverMs: recentMs, shares }
    : { sizeBytes, ageMs, bytesPerDay: whole, measuredOverMs: ageMs, shares }
}

/** Bytes a day of the last seven days, records being as large as they are on average; null where it cannot be told. */
function lastDays(
  partitions: TopicView['partitions'],
  recent: readonly { partition: number; offset: number }[] | null,
  sizes: ReadonlyMap<number, number | null>
) {
  if (recent === null) return null
  let bytes = 0
  for (const { partition, logStartOffset, highWatermark } of partitions) {
    if (logStartOffset === null || highWatermark === null) return null
    const from = recent.find(each => each.partition === partition)?.offset ?? highWatermark
    const all = highWatermark - logStartOffset
    if (all > 0) bytes += sizes.get(partition)! * Math.min(1, Math.max(0, highWatermark - from) / all)
  }
  return (bytes / recentMs) * dayMs
}
