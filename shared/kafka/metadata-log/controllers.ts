import { type API, apiVersionsV4 } from '@platformatic/kafka'
import { Cluster } from '../cluster.ts'
import type { KafkaConnection } from '../connection.ts'
import { KafkaFault } from '../errors.ts'
import { newestFetchVersion, oldestFetchVersion } from './fetch-codec.ts'
import { fetchSnapshot } from './snapshot-codec.ts'

/** Controllers by `host:port`, each asked over a connection of its own. */
export interface Controllers {
  /** Throws a KafkaFault when no answer came; an error code inside an answer is the caller's to look at. */
  ask<Arguments extends unknown[], Response>(address: string, api: API<Arguments, Response>, ...args: Arguments): Promise<Response>
  /** Closes the connection to one, and forgets what it speaks: it may come back upgraded. */
  drop(address: string): void
  close(): Promise<void>
}

/** A leader holds a fetch for half a second; one that takes longer than this is not there. */
const requestTimeoutMs = 2_500
const connectTimeoutMs = 2_000

export function openControllers(connection: KafkaConnection): Controllers {
  const clusters = new Map<string, Cluster>()
  const dropped: Cluster[] = []
  let closing = Promise.resolve()
  /** That closing fails, too, says nothing new: they were dropped because they had failed. */
  const closeDropped = async (): Promise<void> => void (await Promise.allSettled(dropped.splice(0).map(cluster => cluster.close())))
  return {
    async ask(address, api, ...args) {
      let cluster = clusters.get(address)
      if (!cluster) {
        cluster = new Cluster({
          ...connection,
          brokers: [address],
          requestTimeoutMs: Math.min(connection.requestTimeoutMs ?? requestTimeoutMs, requestTimeoutMs),
          connectTimeoutMs: Math.min(connection.connectTimeoutMs ?? connectTimeoutMs, connectTimeoutMs)
        })
        clusters.set(address, cluster)
      }
      try {
        return await cluster.request('any', api, ...args)
      } catch (error) {
        throw ofController(address, connection, error)
      }
    },
    drop(address) {
      const cluster = clusters.get(address)
      clusters.delete(address)
      if (cluster) dropped.push(cluster)
      closing = closing.then(closeDropped)
    },
    async close() {
      await Promise.all([...clusters.values()].map(cluster => cluster.close()))
      await closing
    }
  }
}

/** The same fault, which says of whom it is, and by whose word its certificate was to be right. */
function ofController(address: string, { tls }: KafkaConnection, error: unknown): unknown {
  if (!(error instanceof KafkaFault)) return error
  const { kind, apiError, retriable, outcome } = error
  const trusted = kind === 'tls' && tls?.caFile !== undefined ? ` (trusted is what ${tls.caFile} holds)` : ''
  return new KafkaFault(kind, `controller ${address}: ${error.message}${trusted}`, { apiError, retriable, outcome, cause: error })
}

/** The Fetch version to speak with a controller. Throws a KafkaFault where it is too old, or no controller. */
export async function fetchVersionOf(controllers: Controllers, address: string): Promise<number> {
  const { apiKeys } = await controllers.ask(address, apiVersionsV4.api, 'reeve', '1')
  const newest = (key: number): number => apiKeys.find(({ apiKey }) => apiKey === key)?.maxVersion ?? -1
  if (newest(fetchSnapshot.key) < 0)
    throw new KafkaFault('protocol', `${address} has no FetchSnapshot: it is a broker's listener, expected one of controller.listener.names`, {
      apiError: 'UNSUPPORTED_VERSION'
    })
  if (newest(1) < oldestFetchVersion || newest(fetchSnapshot.key) < fetchSnapshot.version)
    throw new KafkaFault('protocol', `${address} speaks Fetch up to ${newest(1)}, expected at least ${oldestFetchVersion} (Kafka 3.9)`, {
      apiError: 'UNSUPPORTED_VERSION'
    })
  return Math.min(newest(1), newestFetchVersion)
}
