import { freshTls, type FreshTls, type TlsFiles } from '../credentials/tls.ts'

export interface PasswordLogin {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly username: string
  /** A function is asked at each authentication, so that a password may change. */
  readonly password: string | (() => string)
}

/** RFC 7628. */
export interface TokenLogin {
  readonly mechanism: 'OAUTHBEARER'
  /** Asked at each authentication; a token that still holds for a while. */
  readonly token: () => Promise<string>
  /** For example `logicalCluster` and `identityPoolId` of Confluent Cloud. */
  readonly extensions?: Readonly<Record<string, string>>
}

/**
 * How to reach a cluster: configuration, tests and the SDK all speak it.
 * `brokers` are `host:port`; secrets must never be logged (telemetry redacts them by name).
 */
export interface KafkaConnection {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly sasl?: PasswordLogin | TokenLogin
  /** Files are looked at for each new connection. */
  readonly tls?: TlsFiles & { readonly servername?: string }
  /** Bound of one request, milliseconds; after it the connection is dropped and the outcome is unknown. */
  readonly requestTimeoutMs?: number
  readonly connectTimeoutMs?: number
}

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

/** Parses `host:port`, with `[::1]:9092` for IPv6. Throws one sentence that names the wrong part. */
export function parseBroker(address: string): BrokerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(address)
  const port = Number(match?.[3])
  if (!match || port < 1 || port > 65535) throw new Error(`broker ${JSON.stringify(address)}: expected host:port with a port from 1 to 65535`)
  return { host: (match[1] ?? match[2])!, port }
}

/** Options of tls.connect from the PEM files that the connection names; undefined where TLS is not asked for. Throws where they cannot be used. */
export function tlsOptions({ tls }: KafkaConnection): (FreshTls & { readonly servername?: string }) | undefined {
  if (!tls) return undefined
  const files = freshTls(tls)
  return {
    get secureContext() {
      return files.secureContext
    },
    ...(tls.servername === undefined ? {} : { servername: tls.servername })
  }
}
