import { apiVersionsV3, listOffsetsV7, listOffsetsV8, listOffsetsV9 } from '@platformatic/kafka'
import type { Cluster, NodeId } from '../cluster.ts'
import { KafkaFault } from '../errors.ts'
import { fetchApi, newestFetchVersion, oldestFetchVersion } from './fetch-codec.ts'

export interface Spoken {
  readonly fetch: ReturnType<typeof fetchApi>
  readonly listOffsets: typeof listOffsetsV9.api
  /** ListOffsets v8 and later can tell where the local part of a tiered log begins (KIP-405). */
  readonly knowsLocalLogStart: boolean
}

/** What each broker speaks, asked once a broker; during a rolling upgrade brokers differ. */
export class Versions {
  readonly #cluster: Pick<Cluster, 'request'>
  readonly #known = new Map<NodeId, Spoken>()

  constructor(cluster: Pick<Cluster, 'request'>) {
    this.#cluster = cluster
  }

  /** Throws a KafkaFault when the broker is too old: Fetch 13 came with Kafka 3.1. */
  async of(node: NodeId): Promise<Spoken> {
    const known = this.#known.get(node)
    if (known) return known
    const { apiKeys } = await this.#cluster.request(node, apiVersionsV3.api, 'reeve', '1')
    const newest = (key: number): number => apiKeys.find(api => api.apiKey === key)?.maxVersion ?? -1
    const fetchVersion = Math.min(newest(1), newestFetchVersion)
    const listOffsetsVersion = Math.min(newest(2), 9)
    if (fetchVersion < oldestFetchVersion || listOffsetsVersion < 7)
      throw new KafkaFault(
        'protocol',
        `broker ${node} speaks Fetch up to ${newest(1)} and ListOffsets up to ${newest(2)}, expected at least ${oldestFetchVersion} and 7 (Kafka 3.1)`,
        {
          apiError: 'UNSUPPORTED_VERSION'
        }
      )
    const listOffsets = [listOffsetsV7.api, listOffsetsV8.api, listOffsetsV9.api][listOffsetsVersion - 7]!
    const spoken = { fetch: fetchApi(fetchVersion), listOffsets, knowsLocalLogStart: listOffsetsVersion >= 8 }
    this.#known.set(node, spoken)
    return spoken
  }

  /** Asks again next time, for the broker may come back upgraded. */
  forget(node: NodeId): void {
    this.#known.delete(node)
  }
}
