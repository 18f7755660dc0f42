import type { AclEntry, QuotaEntry } from '../../kafka/ports.ts'
import { aclsFor, doctorRights } from '../../engine/rights.ts'
import { addAcls } from '../commands.ts'
import { type Facts, known } from '../facts.ts'
import { counted, type Finding, inArea, listed } from '../finding.ts'
import { pluginsIn, toolsIn } from '../tools.ts'

const finding = inArea('others')

/** Who else writes what Reeve would write, as far as Kafka alone can tell. */
export function otherFindings(facts: Facts): Finding[] {
  return [...tools(facts), ...plugins(facts), ...quotas(facts), ...administrators(facts), invisible()]
}

function tools({ view, acls }: Facts): Finding[] {
  const seen = known(view)
  if (seen === null) return [finding('unknown', 'tools-unknown', 'whether other tools left topics or groups is not known: there was no scan')]
  const found = toolsIn(seen)
  const operators = [...new Set((known(acls) ?? []).map(({ principal }) => principal))].filter(principal => /O=io\.strimzi\b/.test(principal))
  return [
    ...found.map(({ name, traces, writes }) =>
      finding('warning', 'tool-found', `${name} was here: ${listed(traces)}`, [
        `Where it still runs, ${writes}.`,
        'Decide which of the two may change what, before an agent of Reeve acts there.'
      ])
    ),
    ...(operators.length === 0 || found.some(({ name }) => name === 'Strimzi')
      ? []
      : [
          finding(
            'warning',
            'tool-found',
            `ACLs name principals of Strimzi: ${listed(operators)}`,
            'Its operators put back every topic and user quota that a KafkaTopic or KafkaUser names.'
          )
        ])
  ]
}

function plugins({ settings }: Facts): Finding[] {
  const first = [...(known(settings)?.values() ?? [])][0]
  return first
    ? pluginsIn(first).map(({ setting, value, means }) => finding('warning', 'plugin-found', `${setting} is ${value}`, `A plug-in of the brokers: ${means}.`))
    : []
}

/** Reeve sets none, so each was set by somebody else; Kafka keeps neither author nor date. */
function quotas({ quotas: asked, config, principals }: Facts): Finding[] {
  const entries = known(asked)
  if (entries === null) {
    const engine = principals.find(({ roles }) => roles.includes('engine'))
    const rights = doctorRights.filter(({ resource }) => resource === 'cluster')
    return [
      finding(
        'unknown',
        'quotas-unknown',
        `whether anybody set client quotas is not known${'why' in asked ? `: ${asked.why}` : ''}`,
        [],
        engine ? addAcls(config.cluster.brokers, aclsFor(rights, engine.principal)) : []
      )
    ]
  }
  const rates = entries.filter(({ values }) => Object.keys(values).some(name => name.endsWith('_rate') || name.endsWith('_percentage')))
  if (rates.length === 0) return [finding('ok', 'quotas-none', 'nobody set a client quota')]
  const own = principals.map(({ principal }) => principal.replace(/^User:/, ''))
  const onReeve = rates.filter(
    ({ entity }) => own.includes(entity['user'] ?? '') || entity['user'] === null || (entity['client-id'] ?? '').startsWith(config.cluster.clientId)
  )
  return [
    finding(
      'note',
      'quotas-foreign',
      `${counted(rates.length, 'client quota')} that Reeve did not set: ${listed(rates.map(quotaText))}`,
      'Kafka keeps neither author nor date of a quota: Terraform, Strimzi, another tool or a person may own it and put it back. Each holds for every broker by itself.'
    ),
    ...(onReeve.length === 0
      ? []
      : [
          finding(
            'warning',
            'quota-on-reeve',
            `a quota slows Reeve itself: ${listed(onReeve.map(quotaText))}`,
            'Scans take longer, and are left out when they take too long: what was not seen is unknown.'
          )
        ])
  ]
}

function quotaText({ entity, values }: QuotaEntry): string {
  const who = Object.entries(entity).map(([type, name]) => `${type} ${name ?? '<default>'}`)
  const what = Object.entries(values).map(([name, value]) => `${name} ${value}`)
  return `${who.join(', ')}: ${what.join(', ')}`
}

/** Who may change topics, settings, quotas and ACLs, by the ACLs; super users are in no ACL. */
function administrators({ acls }: Facts): Finding[] {
  const entries = known(acls)
  if (entries === null) {
    const why = 'why' in acls ? acls.why : ''
    return why.includes('SECURITY_DISABLED') ? [] : [finding('unknown', 'administrators-unknown', `who may change the cluster is not known: ${why}`)]
  }
  const wide = ({ resourceType, resourceName, pattern }: AclEntry) =>
    resourceType === 'cluster' || (resourceType === 'topic' && (resourceName === '*' || pattern === 'prefixed'))
  const changes = entries.filter(entry => entry.permission === 'allow' && wide(entry) && ['alter', 'alter-configs', 'delete', 'all'].includes(entry.operation))
  if (changes.length === 0) return [finding('ok', 'administrators-none', 'no ACL lets anybody alter the cluster, or topics beyond single ones')]
  const text = [...Map.groupBy(changes, ({ principal }) => principal)].map(([principal, of]) => {
    const what = of.map(
      ({ operation, resourceType, resourceName, pattern }) =>
        `${operation.toUpperCase().replaceAll('-', '_')} on ${resourceType === 'cluster' ? 'the cluster' : `topic ${resourceName}${pattern === 'prefixed' ? '*' : ''}`}`
    )
    return `${principal}: ${[...new Set(what)].join(', ')}`
  })
  return [finding('note', 'administrators', `${counted(text.length, 'principal')} may change what Reeve relies on, by ACLs`, text)]
}

function invisible(): Finding {
  return finding('note', 'not-visible', 'Kafka cannot show everything about other tools', [
    'Not in Kafka: labels and annotations of Kubernetes (KafkaTopic, KafkaUser, strimzi.io/managed), the state of Terraform or any other plan, who set a quota or an ACL and when, and super.users of the brokers.',
    'A client that only administers, as Terraform and operators do, appears in no group: the authorizer log of the brokers names it.'
  ])
}
