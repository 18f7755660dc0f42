import type { Facts } from '../facts.ts'
import { counted, type Finding, inArea, listed } from '../finding.ts'
import { isThisMachine } from '../place.ts'

const finding = inArea('configuration')
/** Above these a cap holds nothing. */
const openActions = 100
const openPercent = 50

/** What the configuration allows that nobody may have meant. */
export function configurationFindings(facts: Facts): Finding[] {
  const { config } = facts
  const agents = Object.entries(config.agents).filter(([, { enabled }]) => enabled)
  const acting = agents.filter(([, { act }]) => act).map(([name]) => name)
  return [
    agents.length === 0
      ? finding('error', 'agents-none', 'no agent is enabled', '`reeve run` would not start.', 'name one under agents')
      : acting.length === 0
        ? finding(
            'note',
            'acts-not',
            `${listed(agents.map(([name]) => name))}: act is false, so nothing is paused`,
            'Right for the first week: it tells what it would do.'
          )
        : finding('ok', 'acts', `${listed(acting)} may act, within limits`),
    ...(acting.length > 0 ? dangers(facts, acting) : []),
    ...sharedPrincipals(facts, acting),
    ...inTheClear(facts),
    ...(config.cluster.brokers.length < 2 && facts.addresses.filter(({ broker }) => broker !== null).length > 1
      ? [
          finding(
            'note',
            'bootstrap-one',
            'cluster.brokers names one broker',
            'While that one is down Reeve cannot start.',
            'cluster: { brokers: [two or three of them] }'
          )
        ]
      : [])
  ]
}

function dangers({ config }: Facts, acting: readonly string[]): Finding[] {
  const { limits, owners } = config
  const open = [
    ...(limits.maxActions > openActions ? [`maxActions ${limits.maxActions}`] : []),
    ...(limits.maxPercent > openPercent ? [`maxPercent ${limits.maxPercent}`] : []),
    ...(limits.percentMinimum > openActions ? [`percentMinimum ${limits.percentMinimum}`] : []),
    ...(limits.maxPerOwner > openActions ? [`maxPerOwner ${limits.maxPerOwner}`] : [])
  ]
  return [
    ...(open.length === 0
      ? []
      : [
          finding(
            'warning',
            'caps-open',
            `${listed(acting)} may act, and the limits hold next to nothing: ${open.join(', ')}`,
            'One wrong rule would pause as many at once, without a person.',
            'limits: { maxActions: 5, maxPercent: 10, percentMinimum: 10, maxPerOwner: 2 }'
          )
        ]),
    ...(owners.length === 0
      ? [
          finding(
            'warning',
            'acts-unowned',
            `${listed(acting)} may act, and no owner is registered`,
            'Whose group is paused hears nothing of it; the platform channel does.',
            'register owners in the configuration'
          )
        ]
      : [])
  ]
}

/** One principal for two roles: whoever has the one has the other. */
function sharedPrincipals({ principals }: Facts, acting: readonly string[]): Finding[] {
  return principals.flatMap(({ roles, principal }) => {
    if (roles.length < 2) return []
    const [agents, engine] = [roles.filter(role => role !== 'engine'), roles.includes('engine')]
    const harm = agents.some(agent => acting.includes(agent))
    return [
      finding(
        harm ? 'warning' : 'note',
        'principal-shared',
        `${engine ? 'the engine and ' : ''}${listed(agents)} share${engine && agents.length === 1 ? '' : ''} the principal ${principal}`,
        'A fault or theft of the one can do what the other may: scan everything, and command consumers.',
        agents.map(agent => `agents: { ${agent}: { sasl: { … a user of its own, with the rights of deploy/acls.md … } } }`)
      )
    ]
  })
}

function inTheClear({ config, addresses }: Facts): Finding[] {
  const away = [...new Set(addresses.map(({ address }) => address))].filter(address => !isThisMachine(address))
  const { tls, sasl } = config.cluster
  const found: Finding[] = []
  if (tls === null && away.length > 0)
    found.push(
      finding(
        'warning',
        'transport-plain',
        `Kafka is reached without TLS (${counted(away.length, 'address')} beyond this machine)`,
        sasl?.mechanism === 'PLAIN' || sasl?.mechanism === 'OAUTHBEARER'
          ? 'The password or token crosses the network in clear.'
          : 'Names, offsets and commands cross the network in clear, and can be changed on the way.',
        'cluster: { tls: { caFile: ca.pem } }, with the address of the TLS listener'
      )
    )
  if (sasl === null && !tls?.certFile && away.length > 0)
    found.push(
      finding(
        'warning',
        'anonymous',
        'Reeve is anonymous to Kafka',
        'Whatever its rights are, everybody on the network has them too.',
        'cluster: { sasl: … }, or a certificate of its own'
      )
    )
  if (!isThisMachine(`${config.http.host}:`))
    found.push(
      finding(
        'note',
        'http-open',
        `the HTTP port listens on ${config.http.host}`,
        'Metrics and /readyz name groups and owners; let only Prometheus and people of the platform reach it.'
      )
    )
  return found
}
