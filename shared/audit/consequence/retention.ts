import type { JsonValue } from '../../domain/json.ts'
import type { PartitionFacts, TopicFacts } from './facts.ts'

/** A limit of retention: a number, none, or not known. */
type Limit = number | 'unlimited' | 'unknown'

/** Brokers look for what is to be deleted only now and then. */
const note = 'Offsets are an upper bound: whole segments are deleted, brokers look every log.retention.check.interval.ms, and not every offset is a record.'

/** What `retention.ms` and `retention.bytes` let brokers delete, in words and offsets. */
export interface Retention {
  readonly ms: Limit
  readonly bytes: Limit
}

/** What holds for a topic: its own setting, else the brokers' default. A policy without `delete` deletes nothing by age or size. */
export function retentionOf(configs: Readonly<Record<string, string | null>>, { defaults }: Pick<TopicFacts, 'defaults'>): Retention {
  const policy = effective('cleanup.policy', configs, defaults)
  if (policy !== undefined && !policy.split(',').some(each => each.trim() === 'delete')) return { ms: 'unlimited', bytes: 'unlimited' }
  if (policy === undefined) return { ms: 'unknown', bytes: 'unknown' }
  return { ms: limit(effective('retention.ms', configs, defaults)), bytes: limit(effective('retention.bytes', configs, defaults)) }
}

function effective(name: string, configs: Readonly<Record<string, string | null>>, defaults: Readonly<Record<string, string>>): string | undefined {
  return configs[name] ?? (Object.hasOwn(defaults, name) ? defaults[name] : undefined)
}

function limit(text: string | undefined): Limit {
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isSafeInteger(value)) return 'unknown'
  return value < 0 ? 'unlimited' : value
}

/** Which records a change of retention makes deletable, and when. */
export function retentionConsequence(before: Retention, after: Retention, facts: TopicFacts, changedMs: number): JsonValue {
  const partitions = facts.partitions.map(partition => {
    const [byAge, byAgeBefore] = [deletableByAge(partition, after.ms, changedMs), deletableByAge(partition, before.ms, changedMs)]
    const excess = excessBytes(partition, after.bytes)
    const excessBefore = excessBytes(partition, before.bytes)
    return { partition, byAge, byAgeBefore, excess, more: excess === null || excessBefore === null ? null : Math.max(0, excess - excessBefore) }
  })
  const newly = partitions.map(({ byAge, byAgeBefore }) =>
    byAge === null || byAgeBefore === null ? null : Math.max(0, byAge.to - Math.max(byAge.from, byAgeBefore.to))
  )
  return {
    retentionMs: { before: before.ms, after: after.ms },
    retentionBytes: { before: before.bytes, after: after.bytes },
    direction: directionOf(before, after),
    deletableFrom: new Date(changedMs).toISOString(),
    // By age: what the new setting makes deletable at once that the old one did not.
    offsetsNewlyDeletable: sumOf(newly),
    bytesNewlyAboveLimit: sumOf(partitions.map(({ more }) => more)),
    unknownPartitions: unknownOf(facts, newly),
    partitions: partitions.map(({ partition, byAge, excess }) => ({
      partition: partition.partition,
      deletableOffsets: byAge === null ? 'unknown' : { from: byAge.from, to: byAge.to },
      bytesAboveLimit: excess ?? 'unknown',
      // When the youngest record of now is deletable too.
      allDeletableAt: allDeletableAt(partition, after.ms)
    })),
    note
  }
}

function directionOf(before: Retention, after: Retention): string {
  const compared = [compare(before.ms, after.ms), compare(before.bytes, after.bytes)]
  if (compared.includes('unknown')) return 'unknown'
  if (compared.includes('shorter')) return compared.includes('longer') ? 'shorter and longer' : 'shorter'
  return compared.includes('longer') ? 'longer' : 'same'
}

function compare(before: Limit, after: Limit): 'shorter' | 'longer' | 'same' | 'unknown' {
  if (before === 'unknown' || after === 'unknown') return 'unknown'
  const [was, is] = [before, after].map(each => (each === 'unlimited' ? Number.POSITIVE_INFINITY : each))
  return is! < was! ? 'shorter' : is! > was! ? 'longer' : 'same'
}

/** Offsets whose records are older than retention allows at that moment; null where nobody knows. `to` is exclusive. */
function deletableByAge({ logStartOffset, logEndOffset, offsetsFrom, newestMs }: PartitionFacts, ms: Limit, atMs: number): { from: number; to: number } | null {
  if (ms === 'unknown' || logStartOffset === null || logEndOffset === null) return null
  if (ms === 'unlimited' || logStartOffset >= logEndOffset) return { from: logStartOffset, to: logStartOffset }
  const cutMs = atMs - ms
  if (newestMs !== null && newestMs < cutMs) return { from: logStartOffset, to: logEndOffset }
  // The first offset as young as a later moment is an upper bound: what lies before the cut lies before that too.
  const known = offsetsFrom.filter(({ timestampMs }) => timestampMs >= cutMs).toSorted((one, other) => one.timestampMs - other.timestampMs)[0]
  if (known === undefined) return null
  return { from: logStartOffset, to: Math.max(logStartOffset, Math.min(known.offset ?? logEndOffset, logEndOffset)) }
}

function excessBytes({ sizeBytes }: PartitionFacts, bytes: Limit): number | null {
  if (bytes === 'unlimited') return 0
  return bytes === 'unknown' || sizeBytes === null ? null : Math.max(0, sizeBytes - bytes)
}

function allDeletableAt({ newestMs, logStartOffset, logEndOffset }: PartitionFacts, ms: Limit): string | null {
  if (ms === 'unlimited' || (logStartOffset !== null && logStartOffset === logEndOffset)) return null
  const atMs = ms === 'unknown' || newestMs === null ? Number.NaN : newestMs + ms
  // A retention of thousands of years has no date.
  return Math.abs(atMs) <= 8.64e15 ? new Date(atMs).toISOString() : 'unknown'
}

/** Unknown as soon as one is: a part of a sum is not the sum. */
export function sumOf(numbers: readonly (number | null)[]): number | 'unknown' {
  return numbers.some(each => each === null) || numbers.length === 0 ? 'unknown' : numbers.reduce<number>((sum, each) => sum + (each ?? 0), 0)
}

/** How many partitions nobody knows enough of. */
export function unknownOf({ partitionCount, partitions }: TopicFacts, numbers: readonly (number | null)[]): number | 'unknown' {
  return partitionCount === null ? 'unknown' : Math.max(0, partitionCount - partitions.length) + numbers.filter(each => each === null).length
}
