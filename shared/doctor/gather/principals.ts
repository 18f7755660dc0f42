import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { type Config, kafkaConnection } from '../../config/index.ts'
import { engineRights, type Right, withPrefix } from '../../engine/rights.ts'
import type { KafkaConnection } from '../../kafka/connection.ts'
import { openExaminer } from '../../kafka/examine/index.ts'
import { type PrincipalFacts, type ProbeNames, see, type Seen } from '../facts.ts'

export interface RoleRights {
  readonly name: string
  readonly rights: readonly Right[]
}

/** One identity on the cluster, and what it is for. */
export interface Identity {
  readonly roles: readonly string[]
  readonly rights: readonly Right[]
  readonly connection: KafkaConnection
}

/** Which of Kafka's own topics are there: who asks for a coordinator makes brokers create its topic, and a doctor makes nothing. */
export interface InternalTopics {
  readonly offsets: boolean
  readonly transactions: boolean
}

/** Bounds of one question: a doctor does not wait long for what does not answer. */
const patience = { connectTimeoutMs: 3_000, requestTimeoutMs: 10_000 }

/** The engine and every agent that is enabled; those without a login of their own share the engine's. */
export function identities(config: Config, agents: readonly RoleRights[]): readonly Identity[] {
  const enabled = agents.filter(({ name }) => config.agents[name]?.enabled)
  const roles = [{ name: 'engine', rights: engineRights, agent: null }, ...enabled.map(({ name, rights }) => ({ name, rights, agent: name as string | null }))]
  const byLogin = Map.groupBy(roles, ({ agent }) => loginKey(config, agent))
  return [...byLogin.values()].map(group => ({
    roles: group.map(({ name }) => name),
    rights: distinct(
      withPrefix(
        group.flatMap(({ rights }) => rights),
        config.topics.prefix
      )
    ),
    connection: { ...kafkaConnection(config, group[0]!.agent), ...patience }
  }))
}

function loginKey({ agents, cluster }: Config, agent: string | null): string {
  const own = agent === null ? undefined : agents[agent]
  const sasl = own?.sasl ?? cluster.sasl
  const user = sasl === null ? null : sasl.mechanism === 'OAUTHBEARER' ? sasl.clientId : sasl.username
  return JSON.stringify([user, own?.tls?.certFile ?? cluster.tls?.certFile ?? null])
}

function distinct(rights: readonly Right[]): Right[] {
  const seen = new Set<string>()
  return rights.filter(({ resource, name, pattern, operation }) => {
    const key = `${resource} ${name} ${pattern} ${operation}`
    return !seen.has(key) && seen.add(key)
  })
}

/** Asks the brokers what one identity may do. Nothing is tried that has an effect. */
export async function gatherPrincipal(
  { roles, rights, connection }: Identity,
  opened: Seen<unknown>,
  config: Config,
  topics: readonly string[],
  internal: InternalTopics
): Promise<PrincipalFacts> {
  const unused = randomUUID()
  const probes: ProbeNames = { anything: `doctor-${unused}`, ours: `${config.topics.prefix}.doctor-${unused}` }
  const examiner = openExaminer(connection)
  try {
    // One refusal of a login is enough: each further attempt counts where users are locked out.
    const cluster = 'why' in opened ? opened : await see(() => examiner.clusterOperations())
    const ids = rights
      .filter(({ resource }) => resource === 'transactional-id')
      .map(({ name, pattern }) => (pattern === 'prefixed' ? `${name}${unused}` : name))
    const ask: typeof see = question => ('why' in cluster ? Promise.resolve(cluster) : see(question))
    const [visible, named, describes] = await Promise.all([
      ask(() => examiner.topicOperations(null)),
      ask(() => examiner.topicOperations([...topics, probes.ours, probes.anything])),
      ask(async () => {
        const asked = [
          ['group', probes.anything, internal.offsets ? await examiner.mayDescribe('group', probes.anything) : null] as const,
          ...(await Promise.all(
            ids.map(async id => ['transactional-id', id, internal.transactions ? await examiner.mayDescribe('transaction', id) : null] as const)
          ))
        ]
        return new Map(asked.map(([resource, name, may]) => [`${resource} ${name}`, may]))
      })
    ])
    const connected = 'why' in cluster ? cluster : { value: true as const }
    return { roles, rights, principal: await principalOf(connection), probes, connected, cluster, topics: visible, named, describes }
  } finally {
    await examiner.close()
  }
}

/** How brokers call who logs in so, unless they map names (ssl.principal.mapping.rules and the like), which they do not tell. */
export async function principalOf({ sasl, tls }: KafkaConnection): Promise<string> {
  if (sasl === undefined) return tls?.certFile === undefined ? 'User:ANONYMOUS' : `User:${distinguishedName(tls.certFile)}`
  if (sasl.mechanism !== 'OAUTHBEARER') return `User:${sasl.username}`
  const token = await see(sasl.token)
  return `User:${'value' in token ? subjectOf(token.value) : "<the token's subject>"}`
}

/** RFC 2253, the most special part first. */
function distinguishedName(certFile: string): string {
  try {
    return new X509Certificate(readFileSync(certFile)).subject.split('\n').reverse().join(',')
  } catch {
    return "<the certificate's subject>"
  }
}

/** The claim `sub` of a JWT (RFC 7519), which nobody verifies here: the brokers do. */
function subjectOf(token: string): string {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as { sub?: unknown }
    return typeof claims.sub === 'string' ? claims.sub : "<the token's subject>"
  } catch {
    return "<the token's subject>"
  }
}
