/**
 * What an error code means to this writer. Pure tables, one a request, after TransactionManager.java, Sender.java,
 * TransactionCoordinator.scala and ProducerAppendInfo.java of Kafka 4.1, and KIP-890.
 *
 * No answer to Produce means "fenced": brokers answer INVALID_PRODUCER_EPOCH also to a late copy of a batch whose
 * transaction ended meanwhile. Only the coordinator knows, so the appender asks it: EndTxn and InitProducerId pronounce it.
 */

/** written: in the log, once. again: same bytes, later. moved: same, after a look at the metadata. gone: moved, yet not for long. abort: cannot be completed. */
type ProduceVerdict = 'written' | 'again' | 'moved' | 'gone' | 'abort'

const produceVerdicts: Readonly<Record<string, ProduceVerdict>> = {
  NONE: 'written',
  DUPLICATE_SEQUENCE_NUMBER: 'written',
  NOT_LEADER_OR_FOLLOWER: 'moved',
  LEADER_NOT_AVAILABLE: 'moved',
  REPLICA_NOT_AVAILABLE: 'moved',
  FENCED_LEADER_EPOCH: 'moved',
  UNKNOWN_LEADER_EPOCH: 'moved',
  KAFKA_STORAGE_ERROR: 'moved',
  NETWORK_EXCEPTION: 'moved',
  REQUEST_TIMED_OUT: 'moved',
  UNKNOWN_TOPIC_OR_PARTITION: 'gone',
  NOT_ENOUGH_REPLICAS: 'again',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'again',
  CONCURRENT_TRANSACTIONS: 'again',
  COORDINATOR_LOAD_IN_PROGRESS: 'again',
  COORDINATOR_NOT_AVAILABLE: 'again',
  NOT_COORDINATOR: 'again',
  THROTTLING_QUOTA_EXCEEDED: 'again'
}

export function judgeProduce(apiError: string): ProduceVerdict {
  return produceVerdicts[apiError] ?? 'abort'
}

/**
 * done. early: nothing happened, ask again. unsure: it may have happened, ask again. mismatch: the coordinator is in another
 * state than we think. lost: it does not know this producer id. fenced: another writer has taken over. forbidden: a right is missing.
 */
export type CoordinatorVerdict = 'done' | 'early' | 'unsure' | 'mismatch' | 'lost' | 'fenced' | 'forbidden'

const coordinatorVerdicts: Readonly<Record<string, CoordinatorVerdict>> = {
  NONE: 'done',
  COORDINATOR_LOAD_IN_PROGRESS: 'early',
  // These three come before the coordinator writes its state, and also after: when the write was not seen to succeed.
  CONCURRENT_TRANSACTIONS: 'unsure',
  NOT_COORDINATOR: 'unsure',
  COORDINATOR_NOT_AVAILABLE: 'unsure',
  INVALID_TXN_STATE: 'mismatch',
  TRANSACTION_ABORTABLE: 'mismatch',
  UNKNOWN_PRODUCER_ID: 'mismatch',
  INVALID_PRODUCER_ID_MAPPING: 'lost',
  PRODUCER_FENCED: 'fenced',
  INVALID_PRODUCER_EPOCH: 'fenced',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'forbidden',
  CLUSTER_AUTHORIZATION_FAILED: 'forbidden',
  TOPIC_AUTHORIZATION_FAILED: 'forbidden',
  INVALID_TRANSACTION_TIMEOUT: 'forbidden',
  INVALID_REQUEST: 'forbidden',
  UNSUPPORTED_VERSION: 'forbidden'
}

/** Of EndTxn, InitProducerId and AddPartitionsToTxn. An error that this table does not know may have had an effect. */
export function judgeCoordinator(apiError: string): CoordinatorVerdict {
  return coordinatorVerdicts[apiError] ?? 'unsure'
}

/** Of AddPartitionsToTxn alone: a topic that is not there, or a partition left out because of another, cannot be waited for here. */
export function judgeAddPartitions(apiError: string): CoordinatorVerdict {
  return apiError === 'UNKNOWN_TOPIC_OR_PARTITION' || apiError === 'OPERATION_NOT_ATTEMPTED' ? 'mismatch' : judgeCoordinator(apiError)
}
