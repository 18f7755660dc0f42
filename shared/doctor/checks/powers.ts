import type { AclEntry } from '../../kafka/ports.ts'
import { covers, lets } from '../acl.ts'
import { type Facts, known, type PrincipalFacts } from '../facts.ts'
import { type Finding, inArea, listed } from '../finding.ts'
import { authorityOf, nameOf } from '../held.ts'
import { takeAway } from '../take-away.ts'

const finding = inArea('rights')
const powers = ['cluster-action', 'alter', 'alter-configs', 'delete']
const standard = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer'

/** What Reeve's principals may do and never need, and who else may do what only Reeve's should. */
export function powerFindings(facts: Facts): Finding[] {
  return [...authorizer(facts), ...facts.principals.flatMap(principal => excess(facts, principal)), ...strangers(facts)]
}

/** Without an authorizer, or with one whose rules are not Kafka's ACLs, everything about rights means something else. */
function authorizer({ acls, settings }: Facts): Finding[] {
  if ('why' in acls && acls.why.includes('SECURITY_DISABLED'))
    return [
      finding(
        'warning',
        'authorizer-none',
        'the cluster runs no authorizer: everybody may do everything',
        'Anybody may write commands to consumers, and delete what Reeve remembers.',
        `in server.properties of every broker and controller, then restart: authorizer.class.name=${standard}`
      )
    ]
  const name = [...(known(settings)?.values() ?? [])].map(broker => broker.get('authorizer.class.name')?.value).find(value => value)
  if (!name || name === standard) return []
  return [
    finding(
      'note',
      'authorizer-foreign',
      `the brokers' authorizer is ${name}`,
      'Rights may come from elsewhere than ACLs: what is needed is right here, how it is given may not be.'
    )
  ]
}

/** Whoever steals Reeve's password may do this too. */
function excess({ acls }: Facts, principal: PrincipalFacts): Finding[] {
  const who = nameOf(principal)
  const authority = authorityOf(principal, known(acls))
  if (authority === 'super')
    return [
      finding('warning', 'super-user', `${who} is a super user`, 'Whoever steals its password rules the cluster; Reeve needs none of that.', [
        'give Reeve a principal that super.users of the brokers does not name, with the rights of deploy/acls.md'
      ])
    ]
  if (authority === 'everyone' || authority === 'either')
    return [
      finding(
        'warning',
        'everyone-allowed',
        `${who} may do what no ACL allows: ${authority === 'everyone' ? '' : 'it is a super user, or '}allow.everyone.if.no.acl.found is true`,
        [
          'Where everybody is allowed, anybody may write commands to consumers and delete what Reeve remembers.',
          "Mind the trap: there the first ACL on a resource shuts out everybody whom no ACL names, so Reeve's ACLs on topic * and group * would stop every other client."
        ],
        'give every client its ACLs first, then set allow.everyone.if.no.acl.found=false and restart; until then add none for Reeve'
      )
    ]
  const places = [
    { place: 'the cluster', has: known(principal.cluster) },
    ...[...(known(principal.named) ?? [])].map(([name, { operations }]) => ({
      place: name === principal.probes.anything ? 'any topic' : `topic ${name}`,
      has: operations
    }))
  ]
  const beyond = places.flatMap(({ place, has }) => {
    const held = powers.filter(power => has?.has(power))
    return held.length > 0 ? [`${held.join(', ').toUpperCase().replaceAll('-', '_')} on ${place}`] : []
  })
  if (beyond.length === 0) return []
  return [finding('warning', 'rights-beyond', `${who} may do more than Reeve ever does: ${listed(beyond)}`, 'Whoever steals its password may do that too.')]
}

/** Who may write where only one of Reeve's principals should, by the ACLs. */
function strangers({ acls, principals, config, wanted }: Facts): Finding[] {
  const entries = known(acls)
  if (entries === null) return []
  const writers = (topic: string) =>
    new Set(principals.filter(({ rights }) => rights.some(right => right.name === topic && right.operation === 'write')).map(each => each.principal))
  const { prefix } = config.topics
  const closed = [
    { topic: `${prefix}.control`, harm: 'may command every consumer that uses the SDK' },
    ...[`${prefix}.state`, `${prefix}.journal`, `${prefix}.observations`].map(topic => ({ topic, harm: 'may rewrite what Reeve remembers' }))
  ]
  const open = closed.flatMap(({ topic, harm }) => {
    const own = writers(topic)
    const foreign = entries.filter(entry => covers(entry, 'topic', topic) && lets(entry, 'write') && !own.has(entry.principal))
    return foreign.length > 0 ? [{ topic, harm, foreign }] : []
  })
  const removers = entries.filter(
    entry => wanted.some(({ name }) => covers(entry, 'topic', name)) && (lets(entry, 'delete') || lets(entry, 'alter')) && entry.operation !== 'all'
  )
  const all = [...new Set(open.flatMap(({ foreign }) => foreign))]
  return [
    ...(all.length === 0
      ? []
      : [
          finding(
            'error',
            'topics-open',
            `${listed(principalsOf(all))} may write to topics that only Reeve should write`,
            open.map(({ topic, harm, foreign }) => `${topic}: ${listed(principalsOf(foreign))} ${harm}`),
            open.flatMap(({ topic, foreign }) => takeAway(config.cluster.brokers, { resourceType: 'topic', name: topic, operations: ['write'] }, foreign))
          )
        ]),
    ...(removers.length === 0
      ? []
      : [
          finding(
            'note',
            'topics-alterable',
            `${listed(principalsOf(removers))} may delete or alter topics of Reeve`,
            'What Reeve remembers can be taken away by them.'
          )
        ])
  ]
}

function principalsOf(entries: readonly AclEntry[]): string[] {
  return [...new Set(entries.map(({ principal }) => principal))].sort()
}
