import type { ClusterView, Unseen } from '#shared/domain/cluster-view.ts'
import type { Ports } from '#shared/engine/agent.ts'
import type { Incomplete, ReplicaSize } from '#shared/kafka/ports.ts'
import type { GroupFacts } from '../observe.ts'
import { type NextRecords, peekKey } from './peeks.ts'

type Watched = Pick<GroupFacts, 'groupId' | 'topics'>
type Loss = number | 'never' | null
interface Retention {
  readonly retentionMs: number | 'never'
  readonly retentionBytes: number | 'never'
}

/**
 * When retention could first pass a commit of each group. By time: the timestamp of the record at the commit, plus
 * `retention.ms` (Kafka deletes whole segments, so never sooner). By size: nothing is deleted below `retention.bytes`; a
 * partition that is more than half full counts as due now, because nobody knows what is produced next. What is not known is null.
 */
export async function retentionOf(ports: Ports, view: ClusterView, groups: readonly Watched[], records: NextRecords) {
  const lossAtMs = new Map<string, Loss>()
  const unseen: Unseen[] = []
  const topics = [...new Set(groups.flatMap(group => group.topics.map(({ topic }) => topic)))].filter(topic => view.topics.has(topic))
  if (topics.length === 0) return { lossAtMs, unseen }
  const answer = await orUnseen(() => ports.admin.topicConfigs(topics), new Map<string, never>(), topics)
  unseen.push(...answer.unseen.map(({ id, why }) => ({ kind: 'topic' as const, id, why: `its configuration: ${why}` })))
  const retention = new Map([...answer.value].map(([topic, configs]) => [topic, retentionFrom(name => configs.get(name)?.value)]))
  const bySize = [...retention.values()].some(each => each !== null && each.retentionBytes !== 'never')
  const replicas = bySize ? await orUnseen(() => ports.admin.logDirs(), [], topics) : { value: [], unseen: [] }
  unseen.push(...replicas.unseen.map(({ id, why }) => ({ kind: 'topic' as const, id, why: `its size: ${why}` })))
  const sizes = largest(replicas.value)

  for (const { groupId, topics: lags } of groups) {
    const losses = lags.flatMap(({ topic, partitions }) =>
      partitions
        .filter(({ committed }) => committed !== null)
        .map(({ partition, lagMessages }): Loss => {
          const kept = retention.get(topic) ?? null
          if (kept === null || lagMessages === null) return null
          const next = lagMessages === 0 ? null : records.get(peekKey(groupId, topic, partition))
          return soonest([timeLoss(kept, next, view.atMs), sizeLoss(kept, sizes.get(`${topic}-${partition}`), view.atMs)])
        })
    )
    lossAtMs.set(groupId, losses.length === 0 ? null : soonest(losses))
  }
  return { lossAtMs, unseen }
}

/** Null where a value is absent or no number. A topic that is only compacted keeps the latest of every key: nothing expires. */
function retentionFrom(value: (name: string) => string | null | undefined): Retention | null {
  const cleanup = value('cleanup.policy')
  if (cleanup == null) return null
  if (
    !cleanup
      .split(',')
      .map(part => part.trim())
      .includes('delete')
  )
    return { retentionMs: 'never', retentionBytes: 'never' }
  const [retentionMs, retentionBytes] = [value('retention.ms'), value('retention.bytes')].map(text =>
    text != null && /^-?\d+$/.test(text) ? Number(text) : null
  )
  if (retentionMs == null || retentionBytes == null) return null
  return { retentionMs: retentionMs < 0 ? 'never' : retentionMs, retentionBytes: retentionBytes < 0 ? 'never' : retentionBytes }
}

/** `next`: timestamp of the record at the commit; null: there is none yet, the next one is younger than this look; absent: not read. */
function timeLoss({ retentionMs }: Retention, next: number | null | undefined, atMs: number): Loss {
  if (retentionMs === 'never') return 'never'
  if (next === undefined || (next !== null && next < 0)) return null
  // A timestamp of the future, by a producer's clock, promises nothing.
  const lossAtMs = Math.min(next ?? atMs, atMs) + retentionMs
  // Kafka's largest number stands for ever, and is more than a number here can count.
  return Number.isSafeInteger(lossAtMs) ? lossAtMs : 'never'
}

function sizeLoss({ retentionBytes }: Retention, sizeBytes: number | undefined, atMs: number): Loss {
  if (retentionBytes === 'never') return 'never'
  if (sizeBytes === undefined) return null
  return sizeBytes * 2 > retentionBytes ? atMs : 'never'
}

/** Unknown beats every figure. */
function soonest(losses: readonly Loss[]): Loss {
  if (losses.includes(null)) return null
  const known = losses.filter(loss => typeof loss === 'number')
  return known.length === 0 ? 'never' : Math.min(...known)
}

/** The largest replica of each partition, bytes. A partition whose size did not come is absent. */
function largest(replicas: readonly ReplicaSize[]): Map<string, number> {
  const sizes = new Map<string, number>()
  for (const { topic, partition, sizeBytes } of replicas) sizes.set(`${topic}-${partition}`, Math.max(sizes.get(`${topic}-${partition}`) ?? 0, sizeBytes))
  return sizes
}

/** An answer that did not come at all is a hole like any other: it must not keep a standing pause from being given back. */
async function orUnseen<T>(ask: () => Promise<Incomplete<T>>, nothing: T, ids: readonly string[]): Promise<Incomplete<T>> {
  try {
    return await ask()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { value: nothing, unseen: ids.map(id => ({ id, why })) }
  }
}
