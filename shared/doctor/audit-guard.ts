import { type Asked, guard, type GuardReport } from '../audit-log/guard.ts'
import { transactionalIdOf } from '../audit-log/place.ts'
import type { AuditFacts } from './audit-facts.ts'
import { type Facts, known, type PrincipalFacts, type Settings } from './facts.ts'

/** What the mirror's own guard would say of the topic and of the rights to it, by what was gathered for all checks. Pure. */
export function guardOf({ view, settings, topicSettings, acls }: Facts, { ground: { topic, partitions, writer } }: AuditFacts): GuardReport {
  const seen = known(view)
  const found = seen?.topics.get(topic)
  const hidden = seen?.unseen.find(({ kind, id }) => (kind === 'topics' || kind === 'topic') && (id === topic || id === 'all'))
  const ofTopic = known(topicSettings)?.get(topic)
  return guard(
    {
      topic,
      partitions,
      writer,
      brokers: seen?.brokers.length ?? 0,
      found:
        'why' in view
          ? view
          : hidden && !found
            ? { why: hidden.why }
            : { value: found ? { partitions: found.partitions.length, replicationFactors: found.partitions.map(({ replicas }) => replicas) } : null },
      topicSettings: ofTopic ? { value: ofTopic } : { why: 'why' in topicSettings ? topicSettings.why : 'no principal of Reeve was told them' },
      brokerSettings: brokerSettings(settings, seen?.brokers.length ?? null),
      acls
    },
    [transactionalIdOf({ topic })]
  )
}

/** Some brokers' settings say nothing of the others'. */
function brokerSettings(settings: Facts['settings'], brokers: number | null): Asked<ReadonlyMap<string, Settings>> {
  if ('why' in settings) return settings
  if (settings.value.size < (brokers ?? Number.POSITIVE_INFINITY)) return { why: `only ${settings.value.size} of ${brokers ?? 'the'} brokers listed them` }
  return { value: new Map([...settings.value].map(([id, values]) => [String(id), values])) }
}

/** As whom the log is written. */
export function writerOf({ principals }: Facts, { agent }: AuditFacts): PrincipalFacts | null {
  return principals.find(({ roles }) => roles.includes(agent)) ?? null
}
