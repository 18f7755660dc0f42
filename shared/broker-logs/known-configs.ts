import { configResourceTypes, isSensitiveConfig } from '../kafka/metadata-log/decode/secrets.ts'

/** What a configuration belongs to. */
export type ConfigScope = (typeof configResourceTypes)[number]

/** By the number that Kafka's protocol has for it (ConfigResource.Type). */
export function configScope(resourceType: number): ConfigScope | null {
  return configResourceTypes[resourceType] ?? null
}

/** Names of Kafka 4.0 to 4.4 that a request can change and whose values are no secrets (TopicConfig, GroupConfig, ClientMetricsConfigs, the dynamic ones of a broker). */
const known: Readonly<Record<Exclude<ConfigScope, 'broker-logger'>, ReadonlySet<string>>> = {
  topic: words(`cleanup.policy compression.gzip.level compression.lz4.level compression.type compression.zstd.level delete.retention.ms
    errors.deadletterqueue.group.enable file.delete.delay.ms flush.messages flush.ms follower.replication.throttled.replicas index.interval.bytes
    leader.replication.throttled.replicas local.retention.bytes local.retention.ms max.compaction.lag.ms max.decompressed.message.bytes max.message.bytes
    message.timestamp.after.max.ms message.timestamp.before.max.ms message.timestamp.type min.cleanable.dirty.ratio
    min.compaction.lag.ms min.insync.replicas preallocate remote.copy.lag.bytes remote.copy.lag.ms remote.log.copy.disable remote.log.delete.on.disable
    remote.storage.enable retention.bytes retention.ms segment.bytes segment.index.bytes segment.jitter.ms segment.ms unclean.leader.election.enable`),
  group: words(`consumer.assignment.interval.ms consumer.assignor.offload.enable consumer.heartbeat.interval.ms consumer.session.timeout.ms
    errors.deadletterqueue.copy.record.enable errors.deadletterqueue.topic.name share.assignment.interval.ms share.assignor.offload.enable
    share.auto.offset.reset share.delivery.count.limit share.heartbeat.interval.ms share.isolation.level share.partition.max.record.locks
    share.record.lock.duration.ms share.renew.acknowledge.enable share.session.timeout.ms streams.acceptable.recovery.lag
    streams.assignment.interval.ms streams.assignor.name streams.assignor.offload.enable streams.heartbeat.interval.ms
    streams.initial.rebalance.delay.ms streams.num.standby.replicas streams.num.warmup.replicas streams.session.timeout.ms streams.task.offset.interval.ms`),
  'client-metrics': words('interval.ms match metrics'),
  broker: words(`background.threads compression.gzip.level compression.lz4.level compression.type compression.zstd.level cordoned.log.dirs
    follower.replication.throttled.rate leader.replication.throttled.rate listener.security.protocol.map listeners log.cleaner.backoff.ms
    log.cleaner.dedupe.buffer.size log.cleaner.delete.retention.ms log.cleaner.io.buffer.load.factor log.cleaner.io.buffer.size
    log.cleaner.io.max.bytes.per.second log.cleaner.max.compaction.lag.ms log.cleaner.min.cleanable.ratio log.cleaner.min.compaction.lag.ms
    log.cleaner.threads log.cleanup.policy log.flush.interval.messages log.flush.interval.ms log.index.interval.bytes log.index.size.max.bytes
    log.local.retention.bytes log.local.retention.ms log.message.timestamp.after.max.ms log.message.timestamp.before.max.ms
    log.message.timestamp.type log.preallocate log.remote.copy.lag.bytes log.remote.copy.lag.ms log.retention.bytes log.retention.ms
    log.roll.jitter.ms log.roll.ms log.segment.bytes log.segment.delete.delay.ms max.connection.creation.rate max.connections
    max.connections.per.ip max.connections.per.ip.overrides max.decompressed.message.bytes message.max.bytes metric.reporters min.insync.replicas
    num.io.threads num.network.threads num.recovery.threads.per.data.dir num.replica.fetchers producer.id.expiration.ms
    remote.fetch.max.wait.ms remote.list.offsets.request.timeout.ms remote.log.index.file.cache.total.size.bytes
    remote.log.manager.copier.thread.pool.size remote.log.manager.copy.max.bytes.per.second remote.log.manager.expiration.thread.pool.size
    remote.log.manager.fetch.max.bytes.per.second remote.log.manager.follower.thread.pool.size remote.log.reader.threads
    replica.alter.log.dirs.io.max.bytes.per.second sasl.enabled.mechanisms sasl.mechanism.inter.broker.protocol ssl.cipher.suites
    ssl.client.auth ssl.enabled.protocols ssl.endpoint.identification.algorithm ssl.keystore.location ssl.keystore.type ssl.protocol
    ssl.truststore.location ssl.truststore.type transaction.partition.verification.enable unclean.leader.election.enable`)
}

/** Rates that Kafka defines in QuotaConfig, beside the definitions by which `isSensitiveConfig` goes. They are numbers. */
const rates = words('follower.replication.throttled.rate leader.replication.throttled.rate replica.alter.log.dirs.io.max.bytes.per.second')
const logLevel = /^(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL|OFF)$/

/**
 * Whether the value of a configuration in a request may be shown: where this list has the name, and Kafka's definitions, by which the metadata log
 * is decoded, call it no secret. Those alone would show hundreds of names more that no request can change, and any that begins with a listener's name. The
 * metadata log has what Kafka took over; a request has what somebody sent, and was perhaps refused for: under a name that is out of place
 * there may stand anything. So the stricter answer of both counts; whatever a later release calls a password is hidden by either.
 */
export function isShownConfig(resourceType: number, name: string, value: string): boolean {
  const scope = configScope(resourceType)
  if (scope === 'broker-logger') return logLevel.test(value)
  return scope !== null && known[scope].has(name) && (rates.has(name) || !isSensitiveConfig(resourceType, name))
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/))
}
