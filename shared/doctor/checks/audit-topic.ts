import type { Drift, GuardReport } from '../../audit-log/guard.ts'
import { auditTopicSettings } from '../../audit-log/topic.ts'
import { aclsFor } from '../../engine/rights.ts'
import type { TopicSettings } from '../../kafka/ports.ts'
import type { AuditFacts } from '../audit-facts.ts'
import { writerOf } from '../audit-guard.ts'
import { addAcls, createTopic, reassign, setTopic } from '../commands.ts'
import { type Facts, known } from '../facts.ts'
import { counted, type Finding, inArea, listed } from '../finding.ts'
import { authorityOf } from '../held.ts'

const finding = inArea('audit')

/** Whether the audit topic exists, is what it must be, and is closed to whom no ACL names. */
export function auditTopicFindings(facts: Facts, audit: AuditFacts, report: GuardReport): Finding[] {
  const gone = report.drift.some(({ setting }) => setting === 'topic')
  const found = [...missing(facts, audit), ...(gone ? [] : [...auditDriftFindings(facts, audit, report.drift), ...unknown(audit, report)])]
  return [...found, ...(gone || found.length > 0 ? [] : [right(facts, audit)]), ...(gone ? [] : open(facts, audit, report))]
}

function missing(facts: Facts, audit: AuditFacts): Finding[] {
  const { agent, ground, memory, rights } = audit
  const seen = known(facts.view)
  const wanted = [auditTopicSettings(ground.topic, ground.partitions, seen?.brokers.length ?? 3), memory]
  const absent = wanted.filter(({ name }) => known(rights)?.get(name)?.exists === false && !seen?.topics.has(name))
  if (absent.length === 0) return []
  const mayCreate = ({ name }: TopicSettings) => known(rights)?.get(name)?.operations.has('create') || known(writerOf(facts, audit)!.cluster)?.has('create')
  const names = listed(absent.map(({ name }) => name))
  if (absent.every(mayCreate)) return [finding('note', 'audit-topic-missing', `${names}: not there yet`, `The first \`reeve stream ${agent}\` makes them.`)]
  return [
    finding(
      'error',
      'audit-topic-missing',
      `${names}: missing, and ${agent} may not create them`,
      'Nothing is mirrored without them. Grant CREATE, or make them:',
      absent.map(topic => createTopic(facts.config.cluster.brokers, topic))
    )
  ]
}

/** What is lost where a setting is another; the first kind is an error, because records go. */
const losing: Readonly<Record<string, string>> = {
  'config:cleanup.policy': 'Compaction takes away every record but the last of each key: the chain is gone.',
  'config:retention.ms': 'Records are deleted before their ten years are over: the chain has no beginning then, and cannot be verified from its first entry.',
  'config:retention.bytes': 'The oldest records are deleted when the log is large.'
}
const weaker: Readonly<Record<string, string>> = {
  'replication-factor': 'Fewer brokers hold the log than should.',
  'config:min.insync.replicas': 'A record counts before enough brokers have it: it can be lost with one, and the mirror would not know.',
  'config:unclean.leader.election.enable': 'A leader that was behind could take over: entries that were acknowledged, and anchored, would be gone.',
  'config:message.timestamp.type': "The broker's own time of an append is a witness beside the writer's; retention goes by it.",
  'config:compression.type': 'The bytes on the disks are not those that were written.',
  partitions:
    'Each partition is a chain of its own, and how many there are is written into the first entry: it never changes, and the mirror refuses to go on with fewer.'
}

/** Settings by which an audit topic keeps fewer records, copies or proofs than it should. */
export function auditDriftFindings(facts: Facts, { agent, ground: { topic, partitions } }: AuditFacts, drift: readonly Drift[]): Finding[] {
  if (drift.length === 0) return []
  const { brokers } = facts.config.cluster
  const nameOf = ({ setting }: Drift) => setting.replace(/^config:/, '')
  const settings = drift.filter(({ setting }) => setting.startsWith('config:'))
  const uneven = drift.find(({ setting }) => setting === 'partitions')
  const fewer = drift.find(({ setting }) => setting === 'replication-factor')
  const there = known(facts.view)?.topics.get(topic)?.partitions.length ?? partitions
  const ids = known(facts.view)?.brokers.map(({ id }) => id) ?? []
  return [
    finding(
      drift.some(({ setting }) => setting in losing) || Number(uneven?.actual ?? partitions) < partitions ? 'error' : 'warning',
      'audit-topic-settings',
      `${topic}: ${drift.map(each => `${nameOf(each)} is ${each.actual ?? 'not set'}, expected ${each.expected}`).join('; ')}`,
      drift.flatMap(({ setting }) => losing[setting] ?? weaker[setting] ?? []),
      [
        ...(settings.length > 0 ? [setTopic(brokers, topic, Object.fromEntries(settings.map(each => [nameOf(each), each.expected])))] : []),
        ...(uneven ? [`agents: { ${agent}: { policy: { chains: as many as it began with } } }, or a new topic that continues this one`] : []),
        ...(fewer ? reassign(brokers, topic, there, ids.slice(0, Number(fewer.expected))) : [])
      ]
    )
  ]
}

function unknown({ ground: { topic } }: AuditFacts, { unknown: parts }: GuardReport): Finding[] {
  const unseen = parts.filter(({ what }) => what === 'topic' || what === 'settings of the topic')
  if (unseen.length === 0) return []
  return [
    finding(
      'unknown',
      'audit-topic-unknown',
      `${topic}: not known is ${unseen.map(({ what, why }) => `the ${what} (${why})`).join(', ')}`,
      'Whether it keeps its records for ten years, and as many copies as it should, is not known.'
    )
  ]
}

function right(facts: Facts, { ground: { topic } }: AuditFacts): Finding {
  const { partitions } = known(facts.view)!.topics.get(topic)!
  const inSync = known(facts.topicSettings)!.get(topic)!.get('min.insync.replicas')!.value
  const replicas = Math.min(...partitions.map(each => each.replicas))
  return finding(
    'ok',
    'audit-topic-right',
    `${topic}: ${counted(partitions.length, 'partition')}, replication factor ${replicas}, min.insync.replicas ${inSync}, ten years, uncompressed, stamped by the brokers`
  )
}

/** The mirror refuses to write where everybody may do everything with its topic, as far as it can tell; what a principal may do beyond all ACLs tells more. */
function open(facts: Facts, audit: AuditFacts, { open: said, openWhy }: GuardReport): Finding[] {
  const { topic, writer } = audit.ground
  const principal = writerOf(facts, audit)
  const may = known(audit.rights)?.get(topic)?.operations
  if (said === 'no') return []
  const everybody = principal !== null && authorityOf(principal, known(facts.acls)) === 'everyone'
  // Where no ACL names the topic, who may not do everything with it is the proof that it is closed.
  if (said === 'unknown' && !everybody && may !== undefined && !['delete', 'alter', 'alter-configs'].every(operation => may.has(operation))) return []
  const isOpen = said === 'yes' || everybody
  const without = 'why' in facts.acls && facts.acls.why.includes('SECURITY_DISABLED')
  const own = (principal?.rights ?? []).filter(({ resource, name }) => resource === 'topic' && name === topic)
  const reader = { resourceType: 'topic', resourceName: topic, pattern: 'literal', principal: 'User:<reader>', host: '*', permission: 'allow' } as const
  const entries = [...aclsFor(own, principal?.principal ?? writer), { ...reader, operation: 'read' }]
  return [
    finding(
      isOpen ? 'error' : 'unknown',
      'audit-open',
      isOpen ? `${topic} is open to everybody` : `whether ${topic} is open to everybody is not known`,
      [
        everybody && said !== 'yes' ? 'allow.everyone.if.no.acl.found is true, and no ACL names the topic' : openWhy,
        'Whoever likes could write into it, or delete it; where the mirror sees that, it refuses to write.'
      ],
      without
        ? ['run an authorizer: see authorizer-none']
        : [
            ...addAcls(facts.config.cluster.brokers, entries),
            'the first ACL on the topic shuts out everybody whom none names, which is what is wanted here: one ALLOW for each reader'
          ]
    )
  ]
}
