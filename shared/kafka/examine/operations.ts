import { createTopicsV7, describeClusterV1, metadataV12 } from '@platformatic/kafka'
import { operationNames } from '../acl-words.ts'
import { checkAnswer } from '../admin/faults.ts'
import { errorText } from '../admin/holes.ts'
import { topicRequest } from '../admin/topics.ts'
import { apiErrorName, type Cluster } from '../cluster.ts'
import type { TopicSettings } from '../ports.ts'

/** What this principal may do with a topic of this name. Where it may not even describe it, `operations` is empty. */
export interface TopicRights {
  readonly exists: boolean | 'unknown'
  readonly operations: ReadonlySet<string>
}

const validationTimeoutMs = 10_000

/** DescribeCluster's clusterAuthorizedOperations (KIP-430). */
export async function clusterOperations(cluster: Cluster): Promise<ReadonlySet<string>> {
  const { errorCode, errorMessage, clusterAuthorizedOperations } = await cluster.request('any', describeClusterV1.api, true, 1)
  checkAnswer(errorCode, errorMessage, 'the rights on the cluster')
  return operationsOf(clusterAuthorizedOperations)
}

/** Metadata's topicAuthorizedOperations (KIP-430). */
export async function topicOperations(cluster: Cluster, names: readonly string[] | null): Promise<ReadonlyMap<string, TopicRights>> {
  const rights = new Map<string, TopicRights>()
  if (names?.length === 0) return rights
  const { topics } = await cluster.request('any', metadataV12.api, names === null ? null : [...names], false, true)
  for (const { name, errorCode, topicAuthorizedOperations } of topics) {
    if (name == null) continue
    const error = apiErrorName(errorCode)
    const denied = error === 'TOPIC_AUTHORIZATION_FAILED'
    const exists = denied ? 'unknown' : error !== 'UNKNOWN_TOPIC_OR_PARTITION'
    rights.set(name, { exists, operations: denied ? new Set<string>() : operationsOf(topicAuthorizedOperations) })
  }
  return rights
}

/** By asking for the coordinator, which needs DESCRIBE and no more. */
export async function mayDescribe(cluster: Cluster, kind: 'group' | 'transaction', name: string): Promise<boolean | null> {
  const { of, unseen } = await cluster.coordinators(kind, [name])
  if (of.has(name)) return true
  return unseen.get(name)?.endsWith('_AUTHORIZATION_FAILED') ? false : null
}

export async function mayCreate(cluster: Cluster, topics: readonly TopicSettings[]): Promise<ReadonlyMap<string, string | null>> {
  if (topics.length === 0) return new Map()
  const validateOnly = true
  const answer = await cluster.request('any', createTopicsV7.api, topics.map(topicRequest), validationTimeoutMs, validateOnly)
  return new Map(answer.topics.map(({ name, errorCode, errorMessage }) => [name, errorCode === 0 ? null : errorText(errorCode, errorMessage)]))
}

/** A set of bits, one for each code of AclOperation. */
function operationsOf(bits: number): ReadonlySet<string> {
  return new Set(operationNames.filter((_, code) => (bits & (1 << code)) !== 0))
}
