import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from '@platformatic/kafka'
import { type API, ConnectionPool, findCoordinatorV6, protocolErrorsCodesById, ResponseError } from '@platformatic/kafka'
import { type BrokerAddress, type KafkaConnection, parseBroker, tlsOptions } from './connection.ts'
import { faultOf, KafkaFault } from './errors.ts'
import { type MetadataResponse, metadataV12 } from './metadata.ts'

export type NodeId = number
/** Where a request goes: one broker, or any that answers. */
export type Target = NodeId | 'any'

export interface RequestCounts {
  /** Requests sent, by API key. */
  readonly requestsByApiKey: Map<number, number>
  /** Milliseconds that brokers asked us to wait (KIP-219), and that were waited. */
  throttledMs: number
}

/**
 * Connections to one cluster, its metadata and coordinators, and one way to send a request.
 * Knows nothing of topics' contents. Everything in shared/kafka stands on it.
 */
export class Cluster {
  readonly counts: RequestCounts = { requestsByApiKey: new Map(), throttledMs: 0 }
  readonly #pool: ConnectionPool
  readonly #bootstrap: readonly BrokerAddress[]
  readonly #brokers = new Map<NodeId, BrokerAddress>()
  readonly #throttledUntil = new Map<string, number>()
  /** When a broker last gave no answer, by address: a frozen one still accepts connections, so `any` must not stay with it. */
  readonly #silentAt = new Map<string, number>()
  #closed = false

  readonly connection: KafkaConnection

  constructor(connection: KafkaConnection) {
    this.connection = connection
    this.#bootstrap = connection.brokers.map(parseBroker)
    const tls = tlsOptions(connection)
    this.#pool = new ConnectionPool(connection.clientId, {
      connectTimeout: connection.connectTimeoutMs ?? 5_000,
      requestTimeout: connection.requestTimeoutMs ?? 30_000,
      ...(connection.sasl && { sasl: { ...connection.sasl } }),
      ...(tls && { tls, tlsServerName: tls.servername ?? true })
    })
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
    const where = `${api.key}v${api.version} to ${target === 'any' ? 'any broker' : `broker ${target}`}`
    let asked: string | undefined
    try {
      const { connection, key } = await this.#connect(target)
      asked = key
      await this.#waitOutThrottle(key)
      this.counts.requestsByApiKey.set(api.key, (this.counts.requestsByApiKey.get(api.key) ?? 0) + 1)
      const response = await api.async(connection, ...args).catch((error: unknown) => {
        if (error instanceof ResponseError && error['response'] !== undefined) return error['response'] as Response
        throw error
      })
      this.#noteThrottle(key, response)
      this.#silentAt.delete(key)
      return response
    } catch (error) {
      if (asked !== undefined) this.#silentAt.set(asked, performance.now())
      throw faultOf(error, where)
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

  async #connect(target: Target): Promise<{ connection: Connection; key: string }> {
    if (target !== 'any') {
      if (!this.#brokers.has(target)) await this.metadata([])
      const address = this.#brokers.get(target)
      if (!address) throw new KafkaFault('unreachable', `broker ${target} is not in the cluster's metadata`, { retriable: true })
      return { connection: await this.#pool.get(address), key: `${address.host}:${address.port}` }
    }
    const silentAt = ({ host, port }: BrokerAddress): number => this.#silentAt.get(`${host}:${port}`) ?? 0
    const candidates = [...this.#brokers.values(), ...this.#bootstrap].sort((one, other) => silentAt(one) - silentAt(other))
    let last: unknown
    for (const address of candidates) {
      try {
        return { connection: await this.#pool.get(address), key: `${address.host}:${address.port}` }
      } catch (error) {
        last = error
      }
    }
    throw last
  }

  async #waitOutThrottle(key: string): Promise<void> {
    const waitMs = (this.#throttledUntil.get(key) ?? 0) - performance.now()
    if (waitMs <= 0) return
    this.counts.throttledMs += waitMs
    await sleep(waitMs)
  }

  #noteThrottle(key: string, response: unknown): void {
    const throttleTimeMs = (response as { throttleTimeMs?: unknown } | null)?.throttleTimeMs
    if (typeof throttleTimeMs === 'number' && throttleTimeMs > 0) this.#throttledUntil.set(key, performance.now() + throttleTimeMs)
  }
}

/** Kafka's name of an error code, for example 3 → UNKNOWN_TOPIC_OR_PARTITION. Codes this build does not know keep their number. */
export function apiErrorName(code: number): string {
  return protocolErrorsCodesById[code] ?? `ERROR_${code}`
}
