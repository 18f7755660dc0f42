import { accessTokens } from '../credentials/access-token.ts'
import type { TlsFiles } from '../credentials/tls.ts'
import type { OwnerRule } from '../domain/owner.ts'
import { observerRestTimes } from '../domain/scan-pace.ts'
import type { Limits } from '../engine/limits.ts'
import type { ObserverSettings } from '../engine/observer.ts'
import type { KafkaConnection } from '../kafka/connection.ts'
import type { LogLevel } from '../telemetry/log.ts'
import type { ApprovalsConfig, HttpConfig } from './http-schema.ts'
import type { NotifyConfig } from './notify-schema.ts'
import type { ParsedConfig } from './schema.ts'
import type { Secret } from './secret.ts'

export type SaslConfig =
  | { readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; readonly username: string; readonly password: Secret }
  | {
      readonly mechanism: 'OAUTHBEARER'
      readonly tokenEndpoint: string
      readonly clientId: string
      readonly clientSecret: Secret
      readonly scope?: string | undefined
      readonly extensions?: Readonly<Record<string, string>> | undefined
    }

export interface AgentConfig {
  readonly enabled: boolean
  /** The one dry-run switch: false changes nothing in the cluster. */
  readonly act: boolean
  readonly sasl: SaslConfig | null
  readonly tls?: Pick<Required<TlsFiles>, 'certFile' | 'keyFile'> | null
  /** Parsed by the agent's own schema. */
  readonly policy: unknown
}

/** What an operator said, checked; durations in milliseconds, moments in epoch milliseconds, secrets wrapped. */
export interface Config {
  readonly cluster: {
    /** How people and metrics call it. */
    readonly name: string
    /** The file governs others too, so a command must say which it means. */
    readonly oneOfSeveral: boolean
    readonly brokers: readonly string[]
    readonly clientId: string
    readonly sasl: SaslConfig | null
    readonly tls: NonNullable<KafkaConnection['tls']> | null
  }
  readonly redis: { readonly url: Secret; readonly tls: TlsFiles | null; readonly queuePrefix: string }
  readonly topics: { readonly prefix: string }
  readonly observer: ObserverSettings
  readonly lease: { readonly renewEveryMs: number; readonly takeOverAfterMs: number }
  readonly limits: Limits
  readonly owners: readonly OwnerRule[]
  readonly notify: NotifyConfig
  readonly approvals: ApprovalsConfig
  /** Only the agents that the file names. */
  readonly agents: Readonly<Record<string, AgentConfig>>
  readonly http: HttpConfig
  readonly log: { readonly level: LogLevel }
}

/** The file's words to the code's: units into the names, absent parts to null. */
export function toConfig(parsed: ParsedConfig): Config {
  const { cluster, observer, lease, limits, agents } = parsed
  const named = Object.entries(agents).flatMap(([name, agent]) =>
    agent ? [[name, { ...agent, sasl: agent.sasl ?? null, tls: agent.tls ?? null }] as const] : []
  )
  return {
    cluster: {
      name: cluster.name,
      oneOfSeveral: false,
      brokers: cluster.brokers,
      clientId: cluster.clientId,
      sasl: cluster.sasl ?? null,
      tls: (cluster.tls as NonNullable<KafkaConnection['tls']>) ?? null
    },
    redis: { ...parsed.redis, tls: (parsed.redis.tls as TlsFiles | undefined) ?? null },
    topics: parsed.topics,
    observer: {
      intervalMs: observer.interval,
      keyFrameEvery: observer.keyFrameEvery,
      restTimes: observerRestTimes,
      maintenance: parsed.maintenance.map(windowMs)
    },
    lease: { renewEveryMs: lease.renewEvery, takeOverAfterMs: lease.takeOverAfter },
    limits: { ...limits, freeze: limits.freeze.map(windowMs) },
    owners: parsed.owners,
    notify: parsed.notify,
    approvals: parsed.approvals,
    agents: Object.fromEntries(named),
    http: parsed.http,
    log: parsed.log
  }
}

const windowMs = ({ from, until, why }: { from: number; until: number; why: string }) => ({ fromMs: from, untilMs: until, why })

/**
 * How the engine (null) or one agent reaches the cluster: an agent with its own principal where it has one. Secrets are looked up whenever
 * somebody logs in, so that they may change.
 */
export function kafkaConnection(config: Config, agentName: string | null): KafkaConnection {
  const { brokers, clientId } = config.cluster
  const own = agentName === null ? undefined : config.agents[agentName]
  const sasl = own?.sasl ?? config.cluster.sasl
  const tls = config.cluster.tls || own?.tls ? { ...config.cluster.tls, ...own?.tls } : null
  return connectionBy({ brokers, clientId: agentName === null ? clientId : `${clientId}-${agentName}`, sasl, tls })
}

/** How to reach brokers or controllers by words of the configuration. */
export function connectionBy({ brokers, clientId, sasl, tls }: Pick<Config['cluster'], 'brokers' | 'clientId' | 'sasl' | 'tls'>): KafkaConnection {
  return { brokers, clientId, ...(sasl ? { sasl: loginOf(sasl) } : {}), ...(tls ? { tls } : {}) }
}

/** How to reach Redis; its user and password are looked up at each connection. */
export function redisTarget({ redis: { url, tls } }: Config): { readonly redisUrl: () => string; readonly redisTls?: TlsFiles } {
  return { redisUrl: () => url.reveal(), ...(tls && { redisTls: tls }) }
}

function loginOf(sasl: SaslConfig): NonNullable<KafkaConnection['sasl']> {
  if (sasl.mechanism !== 'OAUTHBEARER') return { mechanism: sasl.mechanism, username: sasl.username, password: () => sasl.password.reveal() }
  const { mechanism, tokenEndpoint, clientId, clientSecret, scope, extensions } = sasl
  const token = accessTokens({ tokenEndpoint, clientId, clientSecret: () => clientSecret.reveal(), ...(scope === undefined ? {} : { scope }) })
  return { mechanism, token, ...(extensions && { extensions }) }
}
