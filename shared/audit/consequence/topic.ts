import type { JsonValue } from '../../domain/json.ts'
import type { TopicFacts } from './facts.ts'
import { retentionConsequence, retentionOf, sumOf, unknownOf } from './retention.ts'

const retentionSettings = new Set(['retention.ms', 'retention.bytes'])
const cleanupSetting = 'cleanup.policy'

/** Whether what follows of a change of this setting is computed. */
export const hasConsequence = (setting: string): boolean => retentionSettings.has(setting) || setting === cleanupSetting

/** Of changed settings of a topic; null where none of them has a consequence that is computed. `after` holds what was set or taken away. */
export function settingsConsequence(after: Readonly<Record<string, string | null>>, facts: TopicFacts | null, changedMs: number): JsonValue {
  const retention = Object.keys(after).some(name => retentionSettings.has(name))
  const cleanup = cleanupSetting in after
  if (!retention && !cleanup) return null
  if (facts === null) return { unknown: 'The state of the topic could not be read.' }
  const configsAfter: Record<string, string | null> = { ...facts.configs, ...after }
  const before = retentionOf(facts.configs, facts)
  const computed = retentionConsequence(before, retentionOf(configsAfter, facts), facts, changedMs)
  return { ...(cleanup && { cleanup: cleanupConsequence(facts.configs, configsAfter, facts) }), retention: computed }
}

function cleanupConsequence(
  before: Readonly<Record<string, string | null>>,
  after: Readonly<Record<string, string | null>>,
  { defaults }: TopicFacts
): JsonValue {
  const policies = [before, after].map(configs => (configs['cleanup.policy'] ?? defaults['cleanup.policy'])?.split(',').map(each => each.trim()) ?? null)
  const [was, is] = policies
  if (was === null || is === null) return { unknown: 'The policy before or after is not known.' }
  const words: string[] = []
  if (!was!.includes('compact') && is!.includes('compact'))
    words.push('Of each key only the last record is kept from now on; records without a key are refused.')
  if (was!.includes('compact') && !is!.includes('compact')) words.push('Older records of a key are kept again from now on; those that were compacted are gone.')
  if (!was!.includes('delete') && is!.includes('delete')) words.push('What is older or larger than retention allows becomes deletable.')
  if (was!.includes('delete') && !is!.includes('delete')) words.push('Nothing is deleted by age or size any more.')
  return { before: was!, after: is!, words }
}

/** Of a deleted topic: all of it is gone. */
export function deletionConsequence(facts: TopicFacts | null): JsonValue {
  if (facts === null) return { irreversible: true, unknown: 'The state of the topic could not be read before it was deleted.' }
  const offsets = facts.partitions.map(({ logStartOffset, logEndOffset }) =>
    logStartOffset === null || logEndOffset === null ? null : logEndOffset - logStartOffset
  )
  const partitions = facts.partitions.map(({ partition, logStartOffset, logEndOffset, sizeBytes }) => ({
    partition,
    from: logStartOffset ?? 'unknown',
    to: logEndOffset ?? 'unknown',
    bytes: sizeBytes ?? 'unknown'
  }))
  const whole = facts.partitionCount === facts.partitions.length
  return {
    irreversible: true,
    asOf: new Date(facts.atMs).toISOString(),
    offsets: whole ? sumOf(offsets) : 'unknown',
    bytes: whole ? sumOf(facts.partitions.map(({ sizeBytes }) => sizeBytes)) : 'unknown',
    unknownPartitions: unknownOf(facts, offsets),
    partitions
  }
}

/** Of more partitions: hash(key) mod count sends keys elsewhere. */
export function partitionsConsequence(before: number, after: number): JsonValue {
  // hash mod before = hash mod after holds for `before` of each lcm(before, after) hashes.
  const stayPerMillion = Math.floor((1_000_000 * greatestCommonDivisor(before, after)) / after)
  return {
    irreversible: true,
    partitions: { before, after },
    keysMovedPerMillion: 1_000_000 - stayPerMillion,
    words: [
      'A producer that maps keys by their hash sends most of the moved keys to another partition from now on, so that the order of their records is promised no more.',
      'A compacted topic keeps the last record of a moved key in both partitions.'
    ]
  }
}

function greatestCommonDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestCommonDivisor(other, one % other)
}
