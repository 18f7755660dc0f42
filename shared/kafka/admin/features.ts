import { apiVersionsV4 } from '@platformatic/kafka'
import type { Cluster } from '../cluster.ts'

/** What the cluster has finalised (KIP-584), by one broker's answer. A feature at level 0 is absent there: it is off. */
export async function features(cluster: Cluster): Promise<{ clusterId: string; finalized: Readonly<Record<string, number>>; brokers: number }> {
  const metadata = await cluster.metadata([])
  const { finalizedFeatures } = await cluster.request('any', apiVersionsV4.api, 'reeve', '1')
  const finalized = Object.fromEntries((finalizedFeatures ?? []).map(({ name, maxVersionLevel }) => [name, maxVersionLevel]))
  return { clusterId: metadata.clusterId ?? '', finalized, brokers: metadata.brokers.length }
}
