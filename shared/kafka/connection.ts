import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'

/**
 * How to reach a cluster. Plain data: configuration, tests and the SDK all speak it.
 * `brokers` are `host:port`; secrets are values here and must never be logged (telemetry redacts them by name).
 */
export interface KafkaConnection {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly sasl?: { readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; readonly username: string; readonly password: string }
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string; readonly servername?: string }
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

/** Reads the PEM files that the connection names; undefined where TLS is not asked for. */
export function tlsOptions(connection: KafkaConnection): ConnectionOptions | undefined {
  const { tls } = connection
  if (!tls) return undefined
  const options: ConnectionOptions = {}
  if (tls.caFile) options.ca = readFileSync(tls.caFile)
  if (tls.certFile) options.cert = readFileSync(tls.certFile)
  if (tls.keyFile) options.key = readFileSync(tls.keyFile)
  if (tls.servername) options.servername = tls.servername
  return options
}
