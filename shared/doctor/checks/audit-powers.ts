import { type GuardReport, type Power, wordsOf } from '../../audit-log/guard.ts'
import { transactionalIdOf } from '../../audit-log/place.ts'
import type { AclEntry } from '../../kafka/ports.ts'
import type { AuditFacts } from '../audit-facts.ts'
import { writerOf } from '../audit-guard.ts'
import { removeAcls } from '../commands.ts'
import { type Facts, known, type PrincipalFacts } from '../facts.ts'
import { type Finding, inArea, listed } from '../finding.ts'
import { authorityOf } from '../held.ts'
import { takeAway } from '../take-away.ts'

const finding = inArea('audit')
const destructive = ['delete', 'alter', 'alter-configs']

/** Who could destroy the log, write into it, or is more than its writer should be. */
export function auditPowerFindings(facts: Facts, audit: AuditFacts, report: GuardReport): Finding[] {
  const writer = writerOf(facts, audit)
  return [
    ...destroyers(facts, audit, writer, report),
    ...superUsers(audit, report),
    ...strangers(facts, audit, writer, report),
    ...(writer ? [...ownPowers(facts, audit, writer), ...otherName(audit, writer)] : [])
  ]
}

function destroyers(facts: Facts, { ground: { topic }, metadata }: AuditFacts, writer: PrincipalFacts | null, report: GuardReport): Finding[] {
  const { acls, config } = facts
  if ('why' in acls) {
    if (acls.why.includes('SECURITY_DISABLED')) return []
    return [
      finding(
        'unknown',
        'audit-destroyers',
        `who could destroy ${topic} is not known: ${acls.why}`,
        'The ACLs tell it, for whom DESCRIBE on the cluster is granted.'
      )
    ]
  }
  const own = writer?.principal
  // Reading the metadata log takes as much as being a broker; it is asked for on purpose.
  const needed = ({ principal, may }: Power) => principal === metadata?.principal && may.every(each => each.startsWith('CLUSTER_ACTION'))
  const others = report.destroyers.filter(power => power.principal !== own && !needed(power))
  const reader = report.destroyers.filter(needed)
  const text = [...others, ...reader].map(
    ({ principal, may }) => `${principal}: ${may.join(', ')}${principal === metadata?.principal ? ', to read the metadata log' : ''}`
  )
  if (text.length === 0)
    return [
      finding('ok', 'audit-destroyers', `no ACL lets anybody${own && report.destroyers.length > 0 ? ' else' : ''} delete or alter ${topic}, or the cluster`)
    ]
  if (others.length === 0) return [finding('note', 'audit-destroyers', `by ACLs only who reads the metadata log could destroy ${topic}`, text)]
  const entries = entriesOf(acls.value, others)
  const onCluster = entries.filter(({ resourceType }) => resourceType === 'cluster')
  const onTopic = entries.filter(({ resourceType }) => resourceType === 'topic')
  return [
    finding(
      'warning',
      'audit-destroyers',
      `${listed(others.map(({ principal }) => principal))} could destroy ${topic}, by ACLs`,
      [...text, 'Each checkpoint lists them. An anchor outside the cluster tells that it was done; nothing prevents it but taking the right away.'],
      [
        ...takeAway(config.cluster.brokers, { resourceType: 'topic', name: topic, operations: destructive }, onTopic),
        ...removeAcls(config.cluster.brokers, onCluster)
      ]
    )
  ]
}

/** The entries that give somebody what the guard says. */
function entriesOf(acls: readonly AclEntry[], powers: readonly Power[]): AclEntry[] {
  return acls.filter(
    entry => entry.permission === 'allow' && powers.some(({ principal, may }) => principal === entry.principal && may.includes(wordsOf(entry)))
  )
}

function superUsers({ ground: { topic } }: AuditFacts, { superUsers: said, unknown }: GuardReport): Finding[] {
  if (said === 'none') return [finding('ok', 'audit-super-users', 'no broker has super.users: nobody may destroy the log beyond all ACLs')]
  const why = unknown.find(({ what }) => what === 'settings of the brokers')?.why
  return [
    finding(
      'unknown',
      'audit-super-users',
      said === 'hidden'
        ? 'the brokers have super users, and show their names to nobody'
        : `whether the brokers have super users is not known${why ? `: ${why}` : ''}`,
      `Each super user can delete ${topic}, whatever ACLs say.`,
      'look at super.users in server.properties of every broker and controller: as few as can be, and none that Reeve or an application uses'
    )
  ]
}

function strangers(facts: Facts, { ground: { topic } }: AuditFacts, writer: PrincipalFacts | null, report: GuardReport): Finding[] {
  const found = report.strangers.filter(({ principal }) => principal !== writer?.principal)
  if (found.length === 0) return []
  const { brokers } = facts.config.cluster
  const entries = entriesOf(known(facts.acls) ?? [], found)
  return [
    finding(
      'error',
      'audit-strangers',
      `${listed(found.map(({ principal }) => principal))} may write into ${topic}, or take its writer's place`,
      [
        ...found.map(({ principal, may }) => `${principal}: ${may.join(', ')}`),
        'One foreign record, and the mirror stops for good: the log must go on in a new topic.'
      ],
      [
        ...takeAway(
          brokers,
          { resourceType: 'topic', name: topic, operations: ['write'] },
          entries.filter(({ resourceType }) => resourceType === 'topic')
        ),
        ...takeAway(
          brokers,
          { resourceType: 'transactional-id', name: transactionalIdOf({ topic }), operations: ['write'] },
          entries.filter(({ resourceType }) => resourceType === 'transactional-id')
        )
      ]
    )
  ]
}

/** Of a super user, and where everybody may do everything, it is said already. */
function ownPowers(facts: Facts, { agent, ground: { topic }, rights }: AuditFacts, writer: PrincipalFacts): Finding[] {
  const acls = known(facts.acls)
  const held = destructive.filter(operation => known(rights)?.get(topic)?.operations.has(operation))
  if (held.length === 0 || ['super', 'everyone', 'either'].includes(authorityOf(writer, acls))) return []
  const mine = (acls ?? []).filter(
    entry =>
      entry.permission === 'allow' &&
      entry.resourceType === 'topic' &&
      entry.principal === writer.principal &&
      [...held, 'all'].includes(entry.operation) &&
      (entry.pattern === 'prefixed' ? topic.startsWith(entry.resourceName) : ['*', topic].includes(entry.resourceName))
  )
  return [
    finding(
      'warning',
      'audit-writer-powers',
      `${agent} (${writer.principal}) may ${held.join(', ').toUpperCase().replaceAll('-', '_')} ${topic}`,
      'The writer itself could destroy what it wrote, and whoever steals its password too; it needs none of that.',
      takeAway(facts.config.cluster.brokers, { resourceType: 'topic', name: topic, operations: held }, mine)
    )
  ]
}

/** Everybody but that principal is a stranger to the guard. Where the name is a guess nothing is said. */
function otherName({ agent, ground }: AuditFacts, { principal }: PrincipalFacts): Finding[] {
  if (principal === ground.writer || principal.includes('<')) return []
  return [
    finding(
      'warning',
      'audit-principal',
      `${agent} logs in as ${principal}, and its policy says that ${ground.writer} writes`,
      'Every checkpoint would name its own writer among the strangers, and not tell one who took over that name.',
      `agents: { ${agent}: { policy: { principal: '${principal}' } } }`
    )
  ]
}
