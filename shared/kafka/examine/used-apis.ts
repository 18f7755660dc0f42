import { protocolAPIsById } from '@platformatic/kafka'

/** API key and version of each request that Reeve cannot do without, the oldest that it can do its work with. What only share groups need is left out. */
const needed = [
  [0, 9], // Produce: what no transaction holds
  [0, 11], // Produce: in a transaction
  [1, 13], // Fetch: by topic id (KIP-516)
  [2, 7], // ListOffsets: the newest timestamp (KIP-734)
  [3, 12], // Metadata
  [9, 8], // OffsetFetch: several groups at once (KIP-709)
  [10, 6], // FindCoordinator
  [15, 5], // DescribeGroups
  [16, 5], // ListGroups: with the type of each (KIP-848)
  [18, 3], // ApiVersions
  [19, 7], // CreateTopics
  [20, 6], // DeleteTopics: by id
  [22, 5], // InitProducerId
  [23, 4], // OffsetForLeaderEpoch
  [24, 3], // AddPartitionsToTxn
  [26, 4], // EndTxn
  [29, 3], // DescribeAcls
  [30, 3], // CreateAcls
  [32, 4], // DescribeConfigs
  [35, 4], // DescribeLogDirs
  [44, 1], // IncrementalAlterConfigs
  [46, 0], // ListPartitionReassignments
  [48, 1], // DescribeClientQuotas
  [49, 1], // AlterClientQuotas
  [55, 2], // DescribeQuorum
  [60, 1], // DescribeCluster
  [69, 0] // ConsumerGroupDescribe (KIP-848)
] as const

export const usedApis = needed.map(([key, version]) => ({ key, version, name: protocolAPIsById[key] ?? `API ${key}` }))
