import type { ReeveTopics } from './agent.ts'
import type { TopicSettings } from '../kafka/ports.ts'

const compacted = {
  'cleanup.policy': 'compact',
  // With Kafka's defaults the active segment is never cleaned: small ones, rolled soon, cleaned within minutes.
  'segment.ms': '600000',
  'segment.bytes': '16777216',
  'max.compaction.lag.ms': '3600000',
  'min.cleanable.dirty.ratio': '0.1',
  'delete.retention.ms': '86400000',
  'message.timestamp.type': 'LogAppendTime'
}
const yearMs = String(400 * 86_400_000)

export function reeveTopics(prefix: string): ReeveTopics {
  return {
    state: `${prefix}.state`,
    journal: `${prefix}.journal`,
    observations: `${prefix}.observations`,
    requests: `${prefix}.requests`,
    control: `${prefix}.control`,
    acks: `${prefix}.acks`
  }
}

/** Where a stream keeps what it remembers between two runs, and who of its replicas leads. */
export function memoryTopic(prefix: string, stream: string, brokers: number): TopicSettings {
  const replicationFactor = Math.min(3, brokers)
  return { name: `${prefix}.${stream}`, partitions: 1, replicationFactor, configs: { ...durable(replicationFactor), ...compacted } }
}

/** Settings of each topic. Replication 3 with min ISR 2 where there are three brokers, else as many as there are. */
export function topicSettings(topics: ReeveTopics, brokers: number): readonly TopicSettings[] {
  const replicationFactor = Math.min(3, brokers)
  const settings = (name: string, configs: Record<string, string>): TopicSettings => ({
    name,
    partitions: 1,
    replicationFactor,
    configs: { ...durable(replicationFactor), ...configs }
  })
  return [
    settings(topics.state, compacted),
    settings(topics.journal, { 'cleanup.policy': 'delete', 'retention.ms': yearMs, 'message.timestamp.type': 'LogAppendTime' }),
    settings(topics.observations, { 'cleanup.policy': 'delete', 'retention.ms': String(7 * 86_400_000), 'message.timestamp.type': 'LogAppendTime' }),
    settings(topics.requests, { 'cleanup.policy': 'delete', 'retention.ms': yearMs, 'message.timestamp.type': 'LogAppendTime' }),
    settings(topics.control, compacted),
    settings(topics.acks, { ...compacted, 'cleanup.policy': 'compact,delete', 'retention.ms': String(7 * 86_400_000) })
  ]
}

function durable(replicationFactor: number): Record<string, string> {
  return { 'min.insync.replicas': String(Math.max(1, replicationFactor - 1)), 'unclean.leader.election.enable': 'false' }
}
