import { Cluster } from '../cluster.ts'
import type { KafkaConnection } from '../connection.ts'
import type { Incomplete, TopicSettings } from '../ports.ts'
import { type BrokerAnswer, brokerAnswer } from './broker.ts'
import { type Disk, disks } from './disks.ts'
import { loggerLevels } from './loggers.ts'
import { clusterOperations, mayCreate, mayDescribe, topicOperations, type TopicRights } from './operations.ts'
import { type QuorumClock, quorumClock } from './quorum.ts'
import { type StampedPartition, stampedRecords } from './timestamps.ts'

/** What a cluster says of itself and of this principal's rights. Nothing here changes anything. Every call throws KafkaFault. */
export interface Examiner {
  /** Operations of this principal on the cluster, as `describe-configs`. */
  clusterOperations(): Promise<ReadonlySet<string>>
  /** By name; null asks for every topic that it may see. The name of no topic is answered too, by the rights that would hold for it. */
  topicOperations(names: readonly string[] | null): Promise<ReadonlyMap<string, TopicRights>>
  /** Whether it may describe a group or transactional id of that name, which need not exist; null when no broker could say now. */
  mayDescribe(kind: 'group' | 'transaction', name: string): Promise<boolean | null>
  /** Validates only: why each topic could not be created; null where it could. */
  mayCreate(topics: readonly TopicSettings[]): Promise<ReadonlyMap<string, string | null>>
  /** Needs DESCRIBE on the cluster. */
  quorumClock(): Promise<QuorumClock>
  /** The record with the newest timestamp of each partition, or the first one at or after a moment; absent where there is none. */
  stampedRecords(topics: readonly string[], at: 'newest' | number): Promise<readonly StampedPartition[]>
  /** Log directories of every broker, with the replicas of these topics. Needs DESCRIBE on the cluster. */
  disks(topics: Parameters<typeof disks>[1]): Promise<Incomplete<readonly Disk[]>>
  /** Levels of the brokers' loggers, by broker and name. Needs DESCRIBE_CONFIGS on the cluster. */
  loggerLevels(names: readonly string[]): Promise<Incomplete<ReadonlyMap<number, ReadonlyMap<string, string>>>>
  close(): Promise<void>
}

export function openExaminer(connection: KafkaConnection): Examiner {
  const cluster = new Cluster(connection)
  return {
    clusterOperations: () => clusterOperations(cluster),
    topicOperations: names => topicOperations(cluster, names),
    mayDescribe: (kind, name) => mayDescribe(cluster, kind, name),
    mayCreate: topics => mayCreate(cluster, topics),
    quorumClock: () => quorumClock(cluster),
    stampedRecords: (topics, at) => stampedRecords(cluster, topics, at),
    disks: topics => disks(cluster, topics),
    loggerLevels: names => loggerLevels(cluster, names),
    close: () => cluster.close()
  }
}

/** Asks one address, and no other broker that it might name. Throws KafkaFault. */
export async function askBroker(connection: KafkaConnection, address: string): Promise<BrokerAnswer> {
  const cluster = new Cluster({ ...connection, brokers: [address] })
  try {
    return await brokerAnswer(cluster)
  } finally {
    await cluster.close()
  }
}
