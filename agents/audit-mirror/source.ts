import { setTimeout as sleep } from 'node:timers/promises'
import type { Input } from '#shared/audit/inputs.ts'
import { coordinateText } from '#shared/broker-logs/entry.ts'
import { eventRules, openLogFormat, readBrokerLogLine } from '#shared/broker-logs/line.ts'
import { readTopicLine } from '#shared/broker-logs/topic-lines.ts'
import { connectionBy } from '#shared/config/config.ts'
import { journalEntry } from '#shared/engine/journal.ts'
import type { Remembered, Source, Surroundings } from '#shared/engine/stream.ts'
import { reeveTopics } from '#shared/engine/topics.ts'
import { KafkaFault } from '#shared/kafka/errors.ts'
import { hashKeyFrom } from '#shared/kafka/metadata-log/decode/decode.ts'
import { openMetadataLog } from '#shared/kafka/metadata-log/index.ts'
import type { Kafka, LogRecord } from '#shared/kafka/ports.ts'
import { transactionalIdOf } from '#shared/audit-log/place.ts'
import { Consequences } from './feeds/consequences.ts'
import type { Feed, MirrorInput } from './feeds/feed.ts'
import { fileFeed } from './feeds/file-feed.ts'
import { guardFeed } from './feeds/guard-feed.ts'
import { metadataFeed, metadataPosition } from './feeds/metadata.ts'
import { scanFeed } from './feeds/scan-feed.ts'
import { topicFeed } from './feeds/topic-feed.ts'
import { sourceReadings } from './measures.ts'
import type { LogPolicy, Policy } from './policy.ts'

type ConsequenceOf = Parameters<typeof scanFeed>[0]['consequenceOf']

const againMs = 1_000

/** Opens every source at the place that is remembered. One that cannot be read is tried again, and the others go on. */
export async function openSource(surroundings: Surroundings, policy: Policy, remembered: Remembered): Promise<Source<MirrorInput>> {
  const { kafka, log, meter } = surroundings
  const feeds: Feed[] = []
  const openedAtMs = Date.now()
  const answeredAtMs = new Map<Feed, number>()
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
  const looks = new Map<Feed, Promise<{ readonly feed: Feed; readonly inputs: readonly MirrorInput[] }>>()
  const closing = new AbortController()

  /** What cannot be read is told, and asked again a moment later. Rejects where asking again would leave something out, or never help. */
  async function look(feed: Feed, maxWaitMs: number): Promise<{ feed: Feed; inputs: readonly MirrorInput[] }> {
    try {
      const inputs = await feed.next(maxWaitMs)
      answeredAtMs.set(feed, Date.now())
      return { feed, inputs }
    } catch (error) {
      if (closing.signal.aborted) return { feed, inputs: [] }
      if (!mayPass(error)) throw error
      log.warn({ source: feed.ids }, `a source of the audit log cannot be read, and is tried again: ${(error as Error).message}`)
      await sleep(againMs, undefined, { signal: closing.signal }).catch(() => {})
      return { feed, inputs: [] }
    }
  }

  const unwatch = meter?.gauges(() =>
    feeds.flatMap(feed => feed.ids.flatMap(id => sourceReadings(id, answeredAtMs.get(feed) ?? openedAtMs, feed.unread?.get(id) ?? null)))
  )
  return {
    ids: feeds.flatMap(({ ids }) => ids),
    async next(maxWaitMs) {
      for (const feed of feeds) if (!looks.has(feed)) looks.set(feed, begun(look(feed, maxWaitMs)))
      const done = [await Promise.race(looks.values())]
      // Whatever else has come by now is taken along.
      const nothing = Promise.resolve(null)
      for (const each of looks.values()) {
        const also = await Promise.race([each, nothing])
        if (also !== null && also.feed !== done[0]!.feed) done.push(also)
      }
      for (const { feed } of done) looks.delete(feed)
      return done.flatMap(({ inputs }) => inputs)
    },
    async close() {
      unwatch?.()
      closing.abort()
      await Promise.allSettled(looks.values())
      await close()
    }
  }
}

/** Whoever waits for it is told of a failure; nobody may wait yet. */
function begun<T>(look: Promise<T>): Promise<T> {
  look.catch(() => undefined)
  return look
}

/** A broker or a file that is away. A fault of another kind came after something was taken, which the next call would not bring again. */
function mayPass(error: unknown): boolean {
  // The reader stays with the topic that it knew: whoever opens it anew reads the one that is there.
  if (error instanceof KafkaFault) return error.apiError !== 'INCONSISTENT_TOPIC_ID'
  return error instanceof Error && 'syscall' in error
}

function guardOf({ kafka }: Surroundings, { topic, principal, exclude, guardEvery }: Policy, remembered: Remembered, consequences: Consequences): Feed {
  const transactionalIds = [transactionalIdOf({ topic, partition: 0 })]
  const { configs, acls } = kafka.admin
  const admin = { configs: configs.bind(kafka.admin), acls: acls.bind(kafka.admin), scan: (options: { atMs: number }) => consequences.scan(options) }
  return guardFeed({ admin, topic, partitions: 1, writer: principal, transactionalIds, everyMs: guardEvery, exclude, remembered })
}

function changesOf(
  { kafka, clusterId, log }: Surroundings,
  { metadata, hashKey, scanEvery }: Policy,
  remembered: Remembered,
  consequences: Consequences
): Feed {
  const consequenceOf: ConsequenceOf = (change, timestampMs) => consequences.of(change, timestampMs)
  if (metadata === undefined) return scanFeed({ admin: kafka.admin, everyMs: scanEvery, consequenceOf, remembered })
  if (hashKey === undefined) throw new Error('agents.audit-mirror.policy.hashKey: expected a key of at least 32 bytes beside metadata')
  const { controllers, sasl = null, tls = null } = metadata
  const startAt = metadataPosition(remembered)
  const reader = openMetadataLog(
    connectionBy({ brokers: controllers, clientId: 'reeve-audit-metadata', sasl, tls: tls as Parameters<typeof connectionBy>[0]['tls'] }),
    {
      clusterId,
      ...(startAt && { startAt })
    }
  )
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
  const view = await kafka.admin.scan({ atMs: Date.now(), groups: false })
  const found = view.topics.get(topic!)
  if (found === undefined) throw new Error(`agents.audit-mirror.policy.logs: there is no topic ${topic}, or it cannot be seen`)
  return topicFeed({
    reader: await kafka.openReader(),
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
  const topicId = (await kafka.admin.scan({ atMs: Date.now(), groups: false })).topics.get(topic)?.topicId ?? null
  return topicFeed({ reader: await kafka.openReader(), topic, topicId, partitions: 1, sourceIdOf: () => 'journal', remembered, read })
}
