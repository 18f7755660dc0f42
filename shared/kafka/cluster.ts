import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from '@platformatic/kafka'
import { type API, ConnectionPool, findCoordinatorV6, protocolAPIsById, protocolErrorsCodesById, ResponseError } from '@platformatic/kafka'
import { type BrokerAddress, type KafkaConnection, parseBroker, tlsOptions } from './connection.ts'
import { NoToken } from '../credentials/access-token.ts'
import { faultOf, KafkaFault } from './errors.ts'
import { certificateRefusal, saslOptions } from './login.ts'
import { type MetadataResponse, metadataV12 } from './metadata.ts'

export type NodeId = number
/** Where a request goes: one broker, or any that answers. */
export type Target = NodeId | 'any'

export interface RequestCounts {
  /** Requests sent, by API key. */
  readonly requestsByApiKey: Map<number, number>
  /** Milliseconds that brokers asked us to wait (KIP-219), and that were waited. */
  throttledMs: number
  /** Answers that asked us to wait. */
  throttles: number
}

export interface ClusterOptions {
  /**
   * After each answer rest so many times as long as it took: then one caller that asks a broker for one thing after another keeps it busy for
   * 1 / (1 + restTimes) of the time. Default 0: no rest.
   */
  readonly restTimes?: number
}

/** A broker that hung for long is not left alone for long on top of that. */
const longestRestMs = 1_000

/**
 * Connections to one cluster, its metadata and coordinators, and one way to send a request.
 * Knows nothing of topics' contents. Everything in shared/kafka stands on it.
 */
export class Cluster {
  readonly counts: RequestCounts = { requestsByApiKey: new Map(), throttledMs: 0, throttles: 0 }
  readonly #restTimes: number
  readonly #pool: ConnectionPool
  readonly #bootstrap: readonly BrokerAddress[]
  readonly #brokers = new Map<NodeId, BrokerAddress>()
  readonly #throttledUntil = new Map<string, number>()
  /** When a broker last gave no answer, by address: a frozen one still accepts connections, so `any` must not stay with it. */
  readonly #silentAt = new Map<string, number>()
  /** What ended a connection. Its requests are only told that it is closed. */
  readonly #endedBy = new WeakMap<Connection, unknown>()
  readonly #answered = new WeakSet<Connection>()
  #closed = false

  readonly connection: KafkaConnection

  constructor(connection: KafkaConnection, { restTimes = 0 }: ClusterOptions = {}) {
    this.connection = connection
    this.#restTimes = restTimes
    this.#bootstrap = connection.brokers.map(parseBroker)
    const tls = tlsOptions(connection)
    this.#pool = new ConnectionPool(connection.clientId, {
      connectTimeout: connection.connectTimeoutMs ?? 5_000,
      requestTimeout: connection.requestTimeoutMs ?? 30_000,
      ...(connection.sasl && { sasl: saslOptions(connection.sasl) }),
      ...(tls && { tls, tlsServerName: tls.servername ?? true })
    })
    this.#pool.on('connecting', ({ connection: opened }) => this.#watch(opened))
  }

  /** Every broker that the last metadata answer named. */
  get brokers(): ReadonlyMap<NodeId, BrokerAddress> {
    return this.#brokers
  }

  /**
   * Sends one request and returns its answer, also when items inside it carry error codes: the caller looks at each.
   * Throws a KafkaFault when no usable answer came.
   */
  async request<Arguments extends unknown[], Response>(target: Target, api: API<Arguments, Response>, ...args: Arguments): Promise<Response> {
    if (this.#closed) throw new KafkaFault('unreachable', 'this connection to Kafka is closed')
    const where = `${protocolAPIsById[api.key] ?? `API ${api.key}`} v${api.version} to ${target === 'any' ? 'any broker' : `broker ${target}`}`
    let asked: string | undefined
    let used: Connection | undefined
    try {
      const { connection, key } = await this.#connectUnthrottled(target)
      asked = key
      used = connection
      this.counts.requestsByApiKey.set(api.key, (this.counts.requestsByApiKey.get(api.key) ?? 0) + 1)
      const sentAt = performance.now()
      const response = await api.async(connection, ...args).catch((error: unknown) => {
        if (error instanceof ResponseError && error['response'] !== undefined) return error['response'] as Response
        throw error
      })
      this.#noteThrottle(key, response)
      this.#silentAt.delete(key)
      this.#answered.add(connection)
      await this.#rest(performance.now() - sentAt)
      return response
    } catch (error) {
      if (asked !== undefined) this.#silentAt.set(asked, performance.now())
      if (used === undefined) throw faultOf(error, where)
      throw certificateRefusal(this.connection, this.#endedBy.get(used) ?? error, this.#answered.has(used), where) ?? faultOf(error, where)
    }
  }

  /** Metadata of the named topics, or of all (null); learns brokers on the way. Never creates a topic. */
  async metadata(topics: readonly string[] | null): Promise<MetadataResponse> {
    const response = await this.request('any', metadataV12, topics)
    this.#brokers.clear()
    for (const { nodeId, host, port } of response.brokers) this.#brokers.set(nodeId, { host, port })
    return response
  }

  /** The coordinator of each key. A key whose coordinator is not known now is absent, with the reason in `unseen`. */
  async coordinators(kind: 'group' | 'transaction' | 'share', keys: readonly string[]): Promise<{ of: Map<string, NodeId>; unseen: Map<string, string> }> {
    const response = await this.request('any', findCoordinatorV6.api, { group: 0, transaction: 1, share: 2 }[kind], [...keys])
    const of = new Map<string, NodeId>()
    const unseen = new Map<string, string>()
    for (const found of response.coordinators) {
      if (found.errorCode !== 0) {
        unseen.set(found.key, apiErrorName(found.errorCode))
        continue
      }
      this.#brokers.set(found.nodeId, { host: found.host, port: found.port })
      of.set(found.key, found.nodeId)
    }
    return { of, unseen }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#pool.close()
  }

  /** The wait comes first: a connection that is authenticating anew takes no request (KIP-368), and may begin to at any time. */
  async #connectUnthrottled(target: Target): Promise<{ connection: Connection; key: string }> {
    for (;;) {
      const found = await this.#connect(target)
      if (!(await this.#waitOutThrottle(found.key))) return found
    }
  }

  /**
   * Without a listener an error of a connection would end this process, and the pool's listens once. A connection that was lost keeps
   * its timer for the next authentication unless it is closed, too.
   */
  #watch(connection: Connection): void {
    connection.on('error', error => {
      // The first says why; what follows is its echo.
      if (!this.#endedBy.has(connection)) this.#endedBy.set(connection, error)
    })
    connection.on('close', () => void connection.close())
  }

  async #get(address: BrokerAddress): Promise<{ connection: Connection; key: string }> {
    const { sasl } = this.connection
    // Asked first, so that a lack of a token is told in its own words and not as a connection that took too long.
    if (sasl?.mechanism === 'OAUTHBEARER' && !this.#pool.has(address))
      await sasl.token().catch((error: unknown) => {
        throw new KafkaFault('authentication', String(error instanceof Error ? error.message : error), {
          retriable: error instanceof NoToken && error.retriable,
          cause: error
        })
      })
    return { connection: await this.#pool.get(address), key: `${address.host}:${address.port}` }
  }

  async #connect(target: Target): Promise<{ connection: Connection; key: string }> {
    if (target !== 'any') {
      if (!this.#brokers.has(target)) await this.metadata([])
      const address = this.#brokers.get(target)
      if (!address) throw new KafkaFault('unreachable', `broker ${target} is not in the cluster's metadata`, { retriable: true })
      return this.#get(address)
    }
    const silentAt = ({ host, port }: BrokerAddress): number => this.#silentAt.get(`${host}:${port}`) ?? 0
    const candidates = [...this.#brokers.values(), ...this.#bootstrap].sort((one, other) => silentAt(one) - silentAt(other))
    let last: unknown
    for (const address of candidates) {
      try {
        return await this.#get(address)
      } catch (error) {
        last = error
      }
    }
    throw last
  }

  /** False where nothing was to be waited for. */
  async #waitOutThrottle(key: string): Promise<boolean> {
    const waitMs = (this.#throttledUntil.get(key) ?? 0) - performance.now()
    if (waitMs <= 0) return false
    this.counts.throttledMs += waitMs
    await sleep(waitMs)
    return true
  }

  async #rest(tookMs: number): Promise<void> {
    if (this.#restTimes > 0) await sleep(Math.min(longestRestMs, tookMs * this.#restTimes))
  }

  #noteThrottle(key: string, response: unknown): void {
    const throttleTimeMs = (response as { throttleTimeMs?: unknown } | null)?.throttleTimeMs
    if (typeof throttleTimeMs !== 'number' || throttleTimeMs <= 0) return
    this.counts.throttles++
    this.#throttledUntil.set(key, performance.now() + throttleTimeMs)
  }
}

/** Kafka's name of an error code, for example 3 → UNKNOWN_TOPIC_OR_PARTITION. Codes this build does not know keep their number. */
export function apiErrorName(code: number): string {
  return protocolErrorsCodesById[code] ?? `ERROR_${code}`
}
