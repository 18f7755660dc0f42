import { apiErrorName, type Cluster } from '../cluster.ts'
import { KafkaFault } from '../errors.ts'
import { checkAnswer } from './faults.ts'
import { listOffsetsV7 } from './list-offsets.ts'

const unknownTopicOrPartition = 3
const movedErrors = new Set([unknownTopicOrPartition, 5, 6, 74, 75, 76]) // the leader's, and those of leader epochs

/** First offset with a timestamp at or after the given one, or null. Asks twice when the leader moved. */
export async function offsetForTimestamp(cluster: Cluster, topic: string, partition: number, timestampMs: number): Promise<number | null> {
  const where = `offset of ${topic}-${partition} at ${timestampMs}`
  // Negative timestamps are Kafka's own signs for start, end and others.
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) throw new KafkaFault('protocol', `${where}: expected whole milliseconds since the epoch`)
  for (let attempt = 1; ; attempt++) {
    const metadata = await cluster.metadata([topic])
    const found = metadata.topics.find(({ name }) => name === topic)
    checkAnswer(found?.errorCode ?? unknownTopicOrPartition, null, where)
    const leader = found?.partitions.find(({ partitionIndex }) => partitionIndex === partition)?.leaderId
    if (leader === undefined) checkAnswer(unknownTopicOrPartition, 'the topic has no such partition', where)
    if (leader === undefined || leader < 0)
      throw new KafkaFault('protocol', `${where}: the partition has no leader`, { apiError: apiErrorName(5), retriable: true })
    const response = await cluster.request(leader, listOffsetsV7, { timestamp: BigInt(timestampMs), isolation: 0 }, [{ topic, partitions: [partition] }])
    const answer = response.topics[0]?.partitions[0]
    if (!answer) throw new KafkaFault('protocol', `${where}: the answer names no partition`)
    if (attempt === 1 && movedErrors.has(answer.errorCode)) continue
    checkAnswer(answer.errorCode, null, where)
    return answer.offset < 0 ? null : answer.offset
  }
}
