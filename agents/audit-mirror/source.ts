import type { Input } from '#shared/audit/inputs.ts'
import { coordinateText } from '#shared/broker-logs/entry.ts'
import { eventRules, openLogFormat, readBrokerLogLine } from '#shared/broker-logs/line.ts'
import { readTopicLine } from '#shared/broker-logs/topic-lines.ts'
import { journalEntry } from '#shared/engine/journal.ts'
import { PolicyMistake } from '#shared/engine/policy-mistake.ts'
import type { Remembered, Source, Surroundings } from '#shared/engine/stream.ts'
import { reeveTopics } from '#shared/engine/topics.ts'
import { hashKeyFrom } from '#shared/kafka/metadata-log/decode/decode.ts'
import { openMetadataLog } from '#shared/kafka/metadata-log/index.ts'
import type { Kafka, LogRecord } from '#shared/kafka/ports.ts'
import { transactionalIdOf } from '#shared/audit-log/place.ts'
import { controllersOf } from './controllers.ts'
import { Consequences } from './feeds/consequences.ts'
import type { Feed, MirrorInput } from './feeds/feed.ts'
import { fileFeed } from './feeds/file-feed.ts'
import { guardFeed } from './feeds/guard-feed.ts'
import { metadataFeed, metadataPosition } from './feeds/metadata.ts'
import { scanFeed } from './feeds/scan-feed.ts'
import { together } from './feeds/together.ts'
import { topicFeed } from './feeds/topic-feed.ts'
import type { LogPolicy, Policy } from './policy.ts'

type ConsequenceOf = Parameters<typeof scanFeed>[0]['consequenceOf']

/** Of lines that wait to be taken, a broker: thousands of them. */
const answerBytes = 1024 * 1024

/** Opens every source at the place that is remembered. One that cannot be read is tried again, and the others go on. */
export async function openSource(surroundings: Surroundings, policy: Policy, remembered: Remembered): Promise<Source<MirrorInput>> {
  const { kafka, log } = surroundings
  const feeds: Feed[] = []
  const close = async (): Promise<void> => void (await Promise.all(feeds.map(feed => feed.close())))
  try {
    const consequences = new Consequences(kafka.admin, log)
    feeds.push(guardOf(surroundings, policy, remembered, consequences), changesOf(surroundings, policy, remembered, consequences))
    for (const each of policy.logs) feeds.push(await linesOf(kafka, each, remembered))
    if (policy.journal) feeds.push(await journalOf(surroundings, remembered))
  } catch (error) {
    await close()
    throw error
  }
  return together(feeds, surroundings)
}

function guardOf({ kafka }: Surroundings, { topic, chains, principal, exclude, guardEvery }: Policy, remembered: Remembered, consequences: Consequences): Feed {
  const transactionalIds = [transactionalIdOf({ topic })]
  const { configs, acls } = kafka.admin
  const admin = { configs: configs.bind(kafka.admin), acls: acls.bind(kafka.admin), scan: (options: { atMs: number }) => consequences.scan(options) }
  return guardFeed({ admin, topic, partitions: chains, writer: principal, transactionalIds, everyMs: guardEvery, exclude, remembered })
}

function changesOf(
  { kafka, clusterId, log }: Surroundings,
  { metadata, hashKey, scanEvery }: Policy,
  remembered: Remembered,
  consequences: Consequences
): Feed {
  const consequenceOf: ConsequenceOf = (change, timestampMs) => consequences.of(change, timestampMs)
  if (metadata === undefined) return scanFeed({ admin: kafka.admin, everyMs: scanEvery, consequenceOf, remembered })
  if (hashKey === undefined) throw new PolicyMistake('agents.audit-mirror.policy.hashKey: expected a key of at least 32 bytes beside metadata')
  const startAt = metadataPosition(remembered)
  const reader = openMetadataLog(controllersOf(metadata), { clusterId, ...(startAt && { startAt }) })
  return metadataFeed({ log: reader, remembered, hashKey: hashKeyFrom(Buffer.from(hashKey.reveal())), consequenceOf, logger: log })
}

async function linesOf(
  kafka: Kafka,
  { id, content, timeZone, layout, topic, file, host, wrapped, hostHeader }: LogPolicy,
  remembered: Remembered
): Promise<Feed> {
  const format = openLogFormat({ layout, timeZone, content })
  if (file !== undefined) {
    return fileFeed({ sourceId: id, host: host!, path: file, ...eventRules(format), remembered, read: entry => readBrokerLogLine(format, entry) })
  }
  const lines = {
    format,
    ...(wrapped && { wrapped: { message: wrapped.message, ...(wrapped.host === undefined ? {} : { host: wrapped.host }) } }),
    ...(hostHeader === undefined ? {} : { hostHeader })
  }
  const view = await kafka.admin.scan({ atMs: Date.now(), groups: false, topics: [topic!] })
  const found = view.topics.get(topic!)
  if (found === undefined) throw new Error(`agents.audit-mirror.policy.logs: there is no topic ${topic}, or it cannot be seen`)
  return topicFeed({
    reader: await kafka.openReader({ maxBytes: answerBytes }),
    topic: topic!,
    topicId: found.topicId,
    partitions: found.partitions.length,
    sourceIdOf: partition => `${id}/${partition}`,
    remembered,
    read: (record, sourceId) => ({ kind: 'line', sourceId, position: record.offset, line: readTopicLine(lines, record) })
  })
}

async function journalOf({ kafka, prefix }: Surroundings, remembered: Remembered): Promise<Feed> {
  const topic = reeveTopics(prefix).journal
  const read = (record: LogRecord, sourceId: string): Input | null => {
    const entry = journalEntry(record)
    const { topic: named, partition, offset } = record
    const coordinate = coordinateText({ kind: 'topic', topic: named, partition, offset, host: null })
    return entry && { kind: 'journal', sourceId, position: offset, coordinate, entry, made: [] }
  }
  const topicId = (await kafka.admin.scan({ atMs: Date.now(), groups: false, topics: [topic] })).topics.get(topic)?.topicId ?? null
  return topicFeed({ reader: await kafka.openReader(), topic, topicId, partitions: 1, sourceIdOf: () => 'journal', remembered, read })
}
