import { protocolAPIsById } from '@platformatic/kafka'

/** The oldest version of each request that Reeve can do its work with, by API key. What only share groups need is left out. */
const oldest: Readonly<Record<number, number>> = {
  0: 11, // Produce
  1: 13, // Fetch: by topic id (KIP-516)
  2: 7, // ListOffsets: the newest timestamp (KIP-734)
  3: 12, // Metadata
  9: 8, // OffsetFetch: several groups at once (KIP-709)
  10: 6, // FindCoordinator
  15: 5, // DescribeGroups
  16: 5, // ListGroups: with the type of each (KIP-848)
  18: 3, // ApiVersions
  19: 7, // CreateTopics
  20: 6, // DeleteTopics: by id
  22: 5, // InitProducerId
  23: 4, // OffsetForLeaderEpoch
  24: 3, // AddPartitionsToTxn
  26: 4, // EndTxn
  29: 3, // DescribeAcls
  30: 3, // CreateAcls
  32: 4, // DescribeConfigs
  35: 4, // DescribeLogDirs
  44: 1, // IncrementalAlterConfigs
  48: 1, // DescribeClientQuotas
  49: 1, // AlterClientQuotas
  55: 2, // DescribeQuorum
  60: 1, // DescribeCluster
  69: 0 // ConsumerGroupDescribe (KIP-848)
}

export const usedApis = Object.entries(oldest).map(([key, version]) => ({ key: Number(key), version, name: protocolAPIsById[Number(key)] ?? `API ${key}` }))
