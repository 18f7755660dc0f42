import { describeConfigsV4 } from '@platformatic/kafka'
import { apiErrorName, type Cluster, type NodeId } from '../cluster.ts'
import { faultOf, faultOfApiError, KafkaFault } from '../errors.ts'
import { type PartitionBatch, type ProduceAnswer, produceV11, produceV12 } from './codec.ts'
import { type Patience, patience } from './patience.ts'
import { judgeProduce } from './verdicts.ts'

/** The batches of one partition, in sequence order. */
interface PartitionWork {
  readonly topic: string
  readonly partition: number
  readonly batches: readonly Buffer[]
}

interface WrittenBatch {
  readonly baseOffset: number
  readonly logAppendTimeMs: number | null
}

/** Answers by `topic/partition`, one a batch, in the order of the batches. */
export type Written = ReadonlyMap<string, readonly WrittenBatch[]>

interface ProduceOptions {
  readonly transactionalId: string
  readonly version: 11 | 12
  readonly boundMs: number
  /** How long the brokers may wait for the replicas, a request. */
  readonly replicationTimeoutMs: number
  /** Called for each request that got no answer, and may yet arrive. */
  readonly onUnanswered: () => void
}

/** A topic just created may be unknown to some brokers for a moment; one that stays unknown is not there. */
const unknownTopicGraceMs = 3_000

/**
 * A leader knows so many of the newest batches of a producer again (ProducerStateEntry.NUM_BATCHES_TO_RETAIN). The first of a transaction goes alone:
 * while a partition is being added to it, a second request for the same makes the coordinator refuse the first (AddPartitionsToTxnManager).
 */
const mostInFlight = 5

export const partitionKey = (topic: string, partition: number): string => `${topic}/${partition}`

/**
 * Writes every batch with acks = all and waits for all answers. A batch without a clear answer is sent again as the same
 * bytes with the same sequence: the leader knows it by that. Throws the KafkaFault that makes the transaction impossible;
 * nothing is in doubt then for the caller, since the transaction is not committed.
 */
export async function writeBatches(cluster: Cluster, work: readonly PartitionWork[], leaders: Map<string, NodeId>, options: ProduceOptions): Promise<Written> {
  const written = new Map<string, WrittenBatch[]>(work.map(({ topic, partition }) => [partitionKey(topic, partition), []]))
  const waiting = patience(options.boundMs)
  const unknownTopic = patience(unknownTopicGraceMs)
  let last: KafkaFault | null = null
  for (;;) {
    const open = work.filter(({ topic, partition, batches }) => written.get(partitionKey(topic, partition))!.length < batches.length)
    if (open.length === 0) return written
    if (waiting.over()) throw outOfTime(open, options.boundMs, last)
    const trouble = await oneRound(cluster, open, leaders, written, options, unknownTopic)
    if (trouble !== null) {
      last = trouble
      await waiting.pause()
    }
  }
}

/**
 * Sends the next batches of every open partition, each in a request of its own behind the one before, and takes their answers in that order: behind
 * one that was not written all are sent again. Returns what makes another round necessary, null when all were written.
 */
async function oneRound(
  cluster: Cluster,
  open: readonly PartitionWork[],
  leaders: Map<string, NodeId>,
  written: Map<string, WrittenBatch[]>,
  options: ProduceOptions,
  unknownTopic: Patience
): Promise<KafkaFault | null> {
  const unseen = await learnLeaders(cluster, open, leaders, unknownTopic)
  const ready = open.flatMap(({ topic, partition, batches }) => {
    const key = partitionKey(topic, partition)
    const leader = leaders.get(key)
    if (leader === undefined) return []
    const from = written.get(key)!.length
    const next = batches.slice(from, from + (from === 0 ? 1 : mostInFlight))
    return next.map((batch, place) => ({ leader, place, key, topic, partition, batch }))
  })
  const requests = [...Map.groupBy(ready, ({ place }) => place)]
    .flatMap(([, ofPlace]) => [...Map.groupBy(ofPlace, ({ leader }) => leader)])
    .map(async ([leader, batches]) => ({ batches, answer: await send(cluster, leader, batches, options) }))
  let trouble = unseen
  const stopped = new Set<string>()
  for (const { batches, answer } of await Promise.all(requests)) {
    for (const batch of batches) {
      if (stopped.has(batch.key)) continue
      const fault = await noteAnswer(cluster, batch, answer, leaders, written, unknownTopic)
      if (fault === null) continue
      stopped.add(batch.key)
      trouble = fault
    }
  }
  return trouble
}

async function send(cluster: Cluster, leader: NodeId, batches: readonly PartitionBatch[], options: ProduceOptions): Promise<ProduceAnswer | KafkaFault> {
  const api = options.version === 12 ? produceV12 : produceV11
  try {
    return await cluster.request(leader, api, options.transactionalId, options.replicationTimeoutMs, batches)
  } catch (error) {
    options.onUnanswered()
    return faultOf(error, `produce to broker ${leader}`)
  }
}

/** Null when the batch is in the log; the fault when it must be sent again. Throws when it never will be. */
async function noteAnswer(
  cluster: Cluster,
  { topic, partition, batch }: PartitionBatch,
  answer: ProduceAnswer | KafkaFault,
  leaders: Map<string, NodeId>,
  written: Map<string, WrittenBatch[]>,
  unknownTopic: Patience
): Promise<KafkaFault | null> {
  const key = partitionKey(topic, partition)
  if (answer instanceof KafkaFault) {
    if (answer.kind === 'authentication' || answer.kind === 'authorization' || answer.kind === 'tls') throw answer
    leaders.delete(key)
    return answer
  }
  const found = answer.partitions.find(one => one.topic === topic && one.partition === partition)
  const apiError = found ? apiErrorName(found.errorCode) : 'NETWORK_EXCEPTION'
  const verdict = judgeProduce(apiError)
  if (verdict === 'written' && found && found.baseOffset >= 0n) {
    written.get(key)!.push({ baseOffset: Number(found.baseOffset), logAppendTimeMs: found.logAppendTimeMs < 0n ? null : Number(found.logAppendTimeMs) })
    return null
  }
  const where = `append of ${batch.length} bytes to ${topic}-${partition}${found?.errorMessage ? ` (${found.errorMessage})` : ''}`
  if (apiError === 'MESSAGE_TOO_LARGE' || apiError === 'RECORD_LIST_TOO_LARGE')
    throw new KafkaFault('protocol', `${where}: ${apiError}: the topic takes at most ${await maxMessageBytes(cluster, topic)}`, { apiError })
  const fault = produceFault(apiError, where, verdict !== 'abort')
  if (verdict === 'abort' || verdict === 'written' || (verdict === 'gone' && unknownTopic.over())) throw fault
  if (verdict !== 'again') leaders.delete(key)
  return fault
}

/** A producer epoch that a leader refuses is not yet a fence: see verdicts. */
function produceFault(apiError: string, where: string, retriable: boolean): KafkaFault {
  const fault = faultOfApiError(apiError, retriable, where)
  return fault.kind === 'fenced' ? new KafkaFault('protocol', fault.message, { apiError, retriable: true }) : fault
}

/** Asks for the leaders that are missing. Returns why some still are; throws when a topic or partition is not there or not ours to see. */
async function learnLeaders(
  cluster: Cluster,
  open: readonly PartitionWork[],
  leaders: Map<string, NodeId>,
  unknownTopic: Patience
): Promise<KafkaFault | null> {
  const missing = open.filter(({ topic, partition }) => !leaders.has(partitionKey(topic, partition)))
  if (missing.length === 0) return null
  let metadata
  try {
    metadata = await cluster.metadata([...new Set(missing.map(({ topic }) => topic))])
  } catch (error) {
    const fault = faultOf(error, 'metadata')
    if (fault.kind === 'authentication' || fault.kind === 'authorization' || fault.kind === 'tls') throw fault
    return fault
  }
  let trouble: KafkaFault | null = null
  for (const { topic, partition } of missing) {
    const of = metadata.topics.find(({ name }) => name === topic)
    const found = of?.partitions.find(({ partitionIndex }) => partitionIndex === partition)
    if (found && found.leaderId >= 0) {
      leaders.set(partitionKey(topic, partition), found.leaderId)
      continue
    }
    const apiError = of && of.errorCode !== 0 ? apiErrorName(of.errorCode) : found ? 'LEADER_NOT_AVAILABLE' : 'UNKNOWN_TOPIC_OR_PARTITION'
    const verdict = judgeProduce(apiError)
    trouble = produceFault(apiError, `leader of ${topic}-${partition}`, verdict !== 'abort')
    if (verdict === 'abort' || (verdict === 'gone' && unknownTopic.over())) throw trouble
  }
  return trouble
}

async function maxMessageBytes(cluster: Cluster, topic: string): Promise<string> {
  try {
    const { results } = await cluster.request('any', describeConfigsV4.api, [
      { resourceType: 2, resourceName: topic, configurationKeys: ['max.message.bytes'] }
    ])
    const value = results[0]?.configs.find(({ name }) => name === 'max.message.bytes')?.value
    return value ? `${value} bytes a batch (max.message.bytes)` : 'its max.message.bytes, which this principal may not read'
  } catch (error) {
    return `its max.message.bytes, which could not be read: ${faultOf(error, 'describe configs').message}`
  }
}

function outOfTime(open: readonly PartitionWork[], boundMs: number, last: KafkaFault | null): KafkaFault {
  const where = open.map(({ topic, partition }) => `${topic}-${partition}`).join(', ')
  return new KafkaFault(last?.kind ?? 'timeout', `append to ${where} not complete after ${boundMs} ms${last ? `; last: ${last.message}` : ''}`, {
    apiError: last?.apiError ?? null,
    retriable: true,
    outcome: 'refused',
    cause: last
  })
}
