import type { OwnerRule } from '../domain/owner.ts'
import type { Limits } from '../engine/limits.ts'
import type { ObserverSettings } from '../engine/observer.ts'
import type { KafkaConnection } from '../kafka/connection.ts'
import type { LogLevel } from '../telemetry/log.ts'
import type { ParsedConfig } from './schema.ts'
import type { Secret } from './secret.ts'

export interface SaslConfig {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly username: string
  readonly password: Secret
}

export interface AgentConfig {
  readonly enabled: boolean
  /** The one dry-run switch: false changes nothing in the cluster. */
  readonly act: boolean
  readonly sasl: SaslConfig | null
  /** Parsed by the agent's own schema. */
  readonly policy: unknown
}

/** What an operator said, checked; durations in milliseconds, moments in epoch milliseconds, secrets wrapped. */
export interface Config {
  readonly cluster: {
    /** How people and metrics call it. */
    readonly name: string
    readonly brokers: readonly string[]
    readonly clientId: string
    readonly sasl: SaslConfig | null
    readonly tls: NonNullable<KafkaConnection['tls']> | null
  }
  readonly redis: { readonly url: Secret; readonly queuePrefix: string }
  readonly topics: { readonly prefix: string }
  readonly observer: ObserverSettings
  readonly lease: { readonly renewEveryMs: number; readonly takeOverAfterMs: number }
  readonly limits: Limits
  readonly owners: readonly OwnerRule[]
  readonly notify: {
    readonly platformChannel: string
    /** A null webhook: the channel exists and cannot be reached. */
    readonly channels: Readonly<Record<string, { readonly slackWebhook: Secret | null }>>
  }
  /** Only the agents that the file names. */
  readonly agents: Readonly<Record<string, AgentConfig>>
  readonly http: { readonly host: string; readonly port: number }
  readonly log: { readonly level: LogLevel }
}

/** The file's words to the code's: units into the names, absent parts to null. */
export function toConfig(parsed: ParsedConfig): Config {
  const { cluster, observer, lease, limits, agents } = parsed
  const named = Object.entries(agents).flatMap(([name, agent]) => (agent ? [[name, { ...agent, sasl: agent.sasl ?? null }] as const] : []))
  return {
    cluster: {
      name: cluster.name,
      brokers: cluster.brokers,
      clientId: cluster.clientId,
      sasl: cluster.sasl ?? null,
      tls: (cluster.tls as NonNullable<KafkaConnection['tls']>) ?? null
    },
    redis: parsed.redis,
    topics: parsed.topics,
    observer: { intervalMs: observer.interval, keyFrameEvery: observer.keyFrameEvery },
    lease: { renewEveryMs: lease.renewEvery, takeOverAfterMs: lease.takeOverAfter },
    limits: { ...limits, freeze: limits.freeze.map(({ from, until, why }) => ({ fromMs: from, untilMs: until, why })) },
    owners: parsed.owners,
    notify: parsed.notify,
    agents: Object.fromEntries(named),
    http: parsed.http,
    log: parsed.log
  }
}

/** How the engine (null) or one agent reaches the cluster: an agent with its own principal where it has one. Holds the password in clear. */
export function kafkaConnection(config: Config, agentName: string | null): KafkaConnection {
  const { brokers, clientId, tls } = config.cluster
  const sasl = (agentName === null ? null : config.agents[agentName]?.sasl) ?? config.cluster.sasl
  return {
    brokers,
    clientId: agentName === null ? clientId : `${clientId}-${agentName}`,
    ...(sasl ? { sasl: { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password.reveal() } } : {}),
    ...(tls ? { tls } : {})
  }
}
