import { describeQuorumV2 } from '@platformatic/kafka'
import { checkAnswer } from '../admin/faults.ts'
import type { Cluster } from '../cluster.ts'
import { KafkaFault } from '../errors.ts'

/** What the active controller's clock said between two readings of this host's. */
export interface QuorumClock {
  readonly controllerId: number
  /** Epoch milliseconds by the controller's clock. */
  readonly controllerMs: number
  /** Epoch milliseconds by this host's clock, before the question and after the answer. */
  readonly askedAtMs: number
  readonly answeredAtMs: number
  readonly voters: readonly number[]
}

/** DescribeQuorum (KIP-836): the leader gives the present time as its own last fetch. Needs DESCRIBE on the cluster. Throws KafkaFault. */
export async function quorumClock(cluster: Cluster): Promise<QuorumClock> {
  const askedAtMs = Date.now()
  const metadataLog = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
  const answer = await cluster.request('any', describeQuorumV2.api, metadataLog)
  const answeredAtMs = Date.now()
  checkAnswer(answer.errorCode, answer.errorMessage, 'the quorum')
  const partition = answer.topics[0]?.partitions[0]
  if (!partition) throw new KafkaFault('protocol', 'the quorum: the answer names no partition of __cluster_metadata')
  checkAnswer(partition.errorCode, partition.errorMessage, 'the quorum')
  const leader = partition.currentVoters.find(({ replicaId }) => replicaId === partition.leaderId)
  const controllerMs = Number(leader?.lastFetchTimestamp ?? -1n)
  if (controllerMs <= 0) throw new KafkaFault('protocol', `the quorum: its leader ${partition.leaderId} does not say what time it is`)
  return { controllerId: partition.leaderId, controllerMs, askedAtMs, answeredAtMs, voters: partition.currentVoters.map(({ replicaId }) => replicaId) }
}
