import { apiVersionsV3, apiVersionsV4 } from '@platformatic/kafka'
import type { Cluster } from '../cluster.ts'
import { KafkaFault } from '../errors.ts'
import { usedApis } from './used-apis.ts'

/** What one broker says of its own version, before it is asked anything else. */
export interface BrokerAnswer {
  readonly tookMs: number
  /** Highest level that the broker supports, by feature: `metadata.version` tells its release. */
  readonly supported: Readonly<Record<string, number>>
  /** What the cluster has finalised (KIP-584); a feature at level 0 is absent. */
  readonly finalized: Readonly<Record<string, number>>
  /** Requests that Reeve sends and this broker does not understand, for example `Fetch v17 (it has 4 to 16)`. */
  readonly missingApis: readonly string[]
}

/** Logs in and asks for the versions of everything. Throws KafkaFault. */
export async function brokerAnswer(cluster: Cluster): Promise<BrokerAnswer> {
  const startedAt = performance.now()
  const { apiKeys, supportedFeatures, finalizedFeatures } = await versionsOf(cluster)
  const has = new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { minVersion, maxVersion }]))
  const missingApis = usedApis.flatMap(({ name, key, version }) => {
    const range = has.get(key)
    if (range !== undefined && version >= range.minVersion && version <= range.maxVersion) return []
    return [`${name} v${version} (${range ? `it has v${range.minVersion} to v${range.maxVersion}` : 'it has none'})`]
  })
  return {
    tookMs: performance.now() - startedAt,
    supported: Object.fromEntries((supportedFeatures ?? []).map(({ name, maxVersion }) => [name, maxVersion])),
    finalized: Object.fromEntries((finalizedFeatures ?? []).map(({ name, maxVersionLevel }) => [name, maxVersionLevel])),
    missingApis
  }
}

/** A broker before Kafka 3.9 knows v3 at most, without the features whose least level is 0; to v4 it answers in the form of v0, which reads as nonsense. */
async function versionsOf(cluster: Cluster) {
  try {
    return await cluster.request('any', apiVersionsV4.api, 'reeve', '1')
  } catch (error) {
    if (!(error instanceof KafkaFault) || error.kind !== 'protocol') throw error
    return cluster.request('any', apiVersionsV3.api, 'reeve', '1')
  }
}
