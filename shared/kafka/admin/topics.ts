import { setTimeout as sleep } from 'node:timers/promises'
import { createTopicsV7, deleteTopicsV6 } from '@platformatic/kafka'
import { apiErrorName, type Cluster } from '../cluster.ts'
import { KafkaFault } from '../errors.ts'
import type { TopicSettings } from '../ports.ts'
import { checkAnswer } from './faults.ts'

const brokerTimeoutMs = 25_000
/** Bound of all waiting for a controller that throttles changes (KIP-599), and of waiting until new topics have leaders. */
const patienceMs = 60_000
const shortestWaitMs = 100
const alreadyExists = 36
const throttlingQuotaExceeded = 89

/**
 * Creates what is missing and resolves when every created partition has a leader. An existing topic is left as it is. Waits
 * when the controller throttles. Throws when any topic was refused; the others of the batch may have been created.
 */
export async function createTopics(cluster: Cluster, topics: readonly TopicSettings[]): Promise<{ created: string[]; existed: string[] }> {
  const created: string[] = []
  const existed: string[] = []
  const refused: { name: string; code: number; message: string | null | undefined }[] = []
  const deadline = performance.now() + patienceMs
  let missing = [...topics]
  while (missing.length > 0) {
    const answer = await cluster.request('any', createTopicsV7.api, missing.map(topicRequest), brokerTimeoutMs, false)
    const throttled = new Set<string>()
    for (const { name, errorCode, errorMessage } of answer.topics) {
      if (errorCode === 0) created.push(name)
      else if (errorCode === alreadyExists) existed.push(name)
      else if (errorCode === throttlingQuotaExceeded && performance.now() < deadline) throttled.add(name)
      else refused.push({ name, code: errorCode, message: errorMessage })
    }
    missing = missing.filter(topic => throttled.has(topic.name))
    if (missing.length > 0) await sleep(Math.max(answer.throttleTimeMs, shortestWaitMs))
  }
  const first = refused[0]
  if (first) {
    const others = refused.slice(1).map(({ name, code }) => `${name}: ${apiErrorName(code)}`)
    checkAnswer(first.code, [first.message, ...others].filter(Boolean).join('; '), `creating topic ${first.name}`)
  }
  await untilLed(cluster, created)
  return { created, existed }
}

/** Deletes this incarnation and no other: UNKNOWN_TOPIC_ID when it is gone, also when its name lives again. Waits when the controller throttles. */
export async function deleteTopicById(cluster: Cluster, topicId: string): Promise<void> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(topicId) || /^[0-]+$/.test(topicId))
    throw new KafkaFault('protocol', `topic id ${JSON.stringify(topicId)}: expected a UUID as the scan gives it`)
  const deadline = performance.now() + patienceMs
  for (;;) {
    const { throttleTimeMs, responses } = await cluster.request('any', deleteTopicsV6.api, [{ name: null, topicId }], brokerTimeoutMs)
    const answer = responses[0]
    if (!answer) throw new KafkaFault('protocol', `deleting topic ${topicId}: the answer names no topic`, { outcome: 'unknown' })
    if (answer.errorCode !== throttlingQuotaExceeded || performance.now() >= deadline)
      return checkAnswer(answer.errorCode, answer.errorMessage, `deleting topic ${topicId}`)
    await sleep(Math.max(throttleTimeMs, shortestWaitMs))
  }
}

/** One topic of a CreateTopics request. */
export function topicRequest({ name, partitions, replicationFactor, configs }: TopicSettings) {
  return {
    name,
    numPartitions: partitions,
    replicationFactor: replicationFactor ?? -1,
    assignments: [],
    configs: Object.entries(configs ?? {}).map(([key, value]) => ({ name: key, value }))
  }
}

/** A created topic is in the controller's log, but brokers learn of it a moment later: until then it would be "unknown". */
async function untilLed(cluster: Cluster, names: readonly string[]): Promise<void> {
  const deadline = performance.now() + patienceMs
  let waiting = [...names]
  for (let waitMs = 10; waiting.length > 0; waitMs = Math.min(waitMs * 2, 500)) {
    const { topics } = await cluster.metadata(waiting)
    const led = new Set(
      topics
        .filter(topic => topic.errorCode === 0 && topic.partitions.length > 0 && topic.partitions.every(partition => partition.leaderId >= 0))
        .map(topic => topic.name)
    )
    waiting = waiting.filter(name => !led.has(name))
    if (waiting.length === 0) return
    if (performance.now() >= deadline)
      throw new KafkaFault('timeout', `created, but without leaders after ${patienceMs / 1000} s: ${waiting.join(', ')}`, { retriable: true })
    await sleep(waitMs)
  }
}
