import type { AclEntry } from '../../kafka/ports.ts'
import { type AuditFacts, loggerOf, type MetadataFacts } from '../audit-facts.ts'
import { addAcls, quoted, removeAcls, setLogger } from '../commands.ts'
import { type Facts, known } from '../facts.ts'
import { counted, type Finding, inArea, listed } from '../finding.ts'

const finding = inArea('audit')

/** Whether each source of the log can be read, and what none of them tells. */
export function auditSourceFindings(facts: Facts, audit: AuditFacts): Finding[] {
  return [
    ...(audit.metadata ? [...metadata(facts, audit.metadata), ...ownPrincipal(facts, audit.metadata)] : []),
    ...earlier(audit),
    ...unreadable(audit),
    ...uncovered(facts, audit)
  ]
}

function metadata({ config }: Facts, { principal, controllers }: MetadataFacts): Finding[] {
  const failing = controllers.flatMap(({ address, mayRead }) => ('why' in mayRead ? [{ address, ...mayRead }] : []))
  const refused = failing.filter(({ kind }) => kind === 'authorization')
  const much = 'CLUSTER_ACTION is as much as being a broker: who steals this password can read and change everything. No other part of Reeve should have it.'
  if (failing.length === 0) {
    return [finding('note', 'audit-metadata', `${principal} may read the metadata log at ${counted(controllers.length, 'controller')}`, much)]
  }
  const right: AclEntry = {
    resourceType: 'cluster',
    resourceName: 'kafka-cluster',
    pattern: 'literal',
    principal,
    host: '*',
    operation: 'cluster-action',
    permission: 'allow'
  }
  const why = failing.map(each => `${each.address}: ${each.why}`)
  if (refused.length > 0)
    return [
      finding(
        'error',
        'audit-metadata',
        `${principal} may not read the metadata log: it lacks CLUSTER_ACTION`,
        [...why, much],
        addAcls(config.cluster.brokers, [right])
      )
    ]
  const all = failing.length === controllers.length
  return [
    finding(
      all ? 'error' : 'warning',
      'audit-metadata',
      `${all ? (failing.length === 1 ? 'the controller' : 'none of the controllers') : `${failing.length} of ${counted(controllers.length, 'controller')}`} of policy.metadata ${all && failing.length > 1 ? 'answers' : 'does not answer'} as it should`,
      why,
      'check addresses (controller.listener.names of the brokers), sasl and tls in policy.metadata'
    )
  ]
}

/** One right, one principal: whoever has it has everything. */
function ownPrincipal({ config, acls, principals }: Facts, { principal }: MetadataFacts): Finding[] {
  const shared = principals.filter(each => each.principal === principal).flatMap(({ roles }) => roles)
  const beyond = (known(acls) ?? []).filter(
    entry => entry.principal === principal && entry.permission === 'allow' && !(entry.resourceType === 'cluster' && entry.operation === 'cluster-action')
  )
  if (shared.length === 0 && beyond.length === 0) return []
  return [
    finding(
      'warning',
      'audit-metadata-rights',
      shared.length > 0
        ? `the metadata log is read as ${principal}, as which ${listed(shared.map(role => (role === 'engine' ? 'the engine' : role)))} log${shared.length === 1 ? 's' : ''} in too`
        : `${principal}, who reads the metadata log, may do more than that`,
      'CLUSTER_ACTION is as much as being a broker: it belongs to a principal that has no other right and no other use.',
      shared.length > 0 ? 'policy: { metadata: { sasl: one of its own } }' : removeAcls(config.cluster.brokers, beyond)
    )
  ]
}

function earlier({ agent, ground: { topic, continues }, rights }: AuditFacts): Finding[] {
  if (continues === null || known(rights)?.get(continues)?.exists !== false) return []
  return [
    finding(
      'error',
      'audit-source',
      `there is no topic ${continues}, from which ${topic} goes on`,
      'The mirror does not start: the first entry names the end of the log before it.',
      `agents: { ${agent}: { policy: { continues: … } } }`
    )
  ]
}

function unreadable({ agent, ground: { logs }, rights, files }: AuditFacts): Finding[] {
  return logs.flatMap(({ id, topic, file }) => {
    if (topic !== null && known(rights)?.get(topic)?.exists === false)
      return [
        finding(
          'error',
          'audit-source',
          `source ${id}: there is no topic ${topic}`,
          `The mirror does not start. A log forwarder fills it: look there, or at its name in agents.${agent}.policy.logs.`
        )
      ]
    const readable = file === null ? undefined : files.get(file)
    if (file === null || readable === undefined || 'value' in readable) return []
    return [
      finding(
        'error',
        'audit-source',
        `source ${id}: ${file} cannot be read from here: ${readable.why}`,
        'What it says is not mirrored while that lasts. Where the mirror runs on another machine, look there.',
        `ls -l ${quoted(file)}`
      )
    ]
  })
}

const levels = ['OFF', 'FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE', 'ALL']

/** Whether a logger of that level writes what is logged at this one. */
function writes(level: string, at: 'INFO' | 'DEBUG'): boolean {
  return levels.indexOf(level.toUpperCase()) >= levels.indexOf(at)
}

/** What no source tells, so that nobody takes silence for good news. */
function uncovered(facts: Facts, audit: AuditFacts): Finding[] {
  const { ground } = audit
  const contents = new Set(ground.logs.map(({ content }) => content))
  return [
    ...(ground.metadata === null
      ? [
          finding(
            'note',
            'audit-coverage',
            'the metadata log is not read: differences of scans stand in',
            'What is done and undone between two looks is not seen, and when something was done is known to within a look.',
            'policy: { metadata: … }, which takes CLUSTER_ACTION'
          )
        ]
      : []),
    ...(contents.size === 0
      ? [
          finding(
            'note',
            'audit-coverage',
            'no log of the brokers is read: who made a change, who reads, writes or is refused is not mirrored',
            'Every change will be called unattributed.',
            'policy: { logs: [{ id: authorizer, content: authorizer, topic: … }] }'
          )
        ]
      : [...contents].flatMap(content => spoken(facts, audit, content)))
  ]
}

const levelsTold = {
  authorizer: 'Denials are logged at INFO, what is allowed at DEBUG.',
  request: 'Requests are logged at DEBUG.',
  server: 'Logins that failed are logged at INFO, the others at DEBUG.'
} as const

/** What the brokers write into one of their logs. Those of controllers that are processes of their own do not show. */
function spoken({ config }: Facts, { loggers }: AuditFacts, content: keyof typeof loggerOf): Finding[] {
  const logger = loggerOf[content]
  const seen = known(loggers)
  const of = [...(seen?.value ?? [])]
    .flatMap(([broker, found]) => (found.has(logger) ? [{ broker, level: found.get(logger)! }] : []))
    .toSorted((one, other) => one.broker - other.broker)
  const hidden = 'why' in loggers ? loggers.why : loggers.value.unseen[0]?.why
  if (of.length === 0 || hidden !== undefined)
    return [
      finding(
        'unknown',
        'audit-coverage',
        `what the brokers write into their ${content} log is not known${hidden === undefined ? `: none lists the logger ${logger}` : `: ${hidden}`}`,
        levelsTold[content]
      )
    ]
  const raise = (some: typeof of) => [
    ...some.map(({ broker }) => setLogger(config.cluster.brokers, broker, logger, 'DEBUG')),
    `in the log4j2 configuration of every broker and controller, so that it lasts: the logger ${logger} at DEBUG`
  ]
  const texts = (some: typeof of) => listed(some.map(({ broker, level }) => `${level} on broker ${broker}`))
  const silent = of.filter(({ level }) => !writes(level, content === 'request' ? 'DEBUG' : 'INFO'))
  if (silent.length > 0)
    return [
      finding(
        'warning',
        'audit-coverage',
        `the ${content} log tells nothing: ${logger} is ${texts(silent)}`,
        `Such a source is configured. ${levelsTold[content]}`,
        raise(silent)
      )
    ]
  const partly = of.filter(({ level }) => !writes(level, 'DEBUG'))
  if (partly.length === 0) return []
  const [alone, missing] =
    content === 'server'
      ? ['logins that failed', 'Logins that succeeded are logged at DEBUG, and are not mirrored.']
      : ['denials', 'Reads, writes and changes that were allowed are logged at DEBUG: who made a change is not found here, and accesses are not mirrored.']
  return [finding('note', 'audit-coverage', `the ${content} log tells ${alone} alone: ${logger} is ${texts(partly)}`, missing, raise(partly))]
}
