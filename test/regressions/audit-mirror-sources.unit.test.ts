import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Feed } from '#agents/audit-mirror/feeds/feed.ts'
import { fileFeed } from '#agents/audit-mirror/feeds/file-feed.ts'
import { topicFeed } from '#agents/audit-mirror/feeds/topic-feed.ts'
import { policySchema } from '#agents/audit-mirror/policy.ts'
import { transform } from '#agents/audit-mirror/transform.ts'
import type { AuditEvent } from '#shared/audit/event.ts'
import { KAFKA_PATTERN } from '#shared/broker-logs/layout.ts'
import { eventRules, openLogFormat, readBrokerLogLine } from '#shared/broker-logs/line.ts'
import { readTopicLine } from '#shared/broker-logs/topic-lines.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import type { LogReader } from '#shared/kafka/ports.ts'

/*
 * What a source had lost was told, but where it stood behind the loss was remembered with the next line alone: a mirror that was killed before that
 * told the same loss again, under the same id, and its log could not be verified from then on. Lines that were to be read again and were gone were made
 * up for by as many new ones, of which nobody ever heard. A topic that was made anew gave its offsets to other lines, whose events had the old ones' ids.
 */
const policy = policySchema.parse({ window: '200ms', lateness: '100ms', giveUp: '10m' })
const format = openLogFormat({ layout: KAFKA_PATTERN, timeZone: 'UTC', content: 'authorizer' })
const line = (second: number, verdict: 'Allowed' | 'Denied', resource: string): string =>
  `[2026-11-21 12:00:${String(second).padStart(2, '0')},000] INFO Principal = User:app is ${verdict} operation = READ from host = 10.0.0.7 on resource = Topic:LITERAL:${resource} for request = Fetch with resourceRefCount = 1 based on rule ${verdict === 'Allowed' ? 'SuperUser' : 'DefaultDeny'} (kafka.authorizer.logger)`

/** Longer than a file must be missed before it is gone. */
const quietMs = 500

let remembered: Map<string, JsonValue>
let events: AuditEvent[]
beforeEach(() => {
  remembered = new Map()
  events = []
})

/** One life of a mirror with one source: reads until so many events came, or for a while where none should come, remembers, and is gone. */
async function live(feed: Feed, wanted: number): Promise<AuditEvent[]> {
  const mirror = transform({ clusterId: 'c', sourceIds: feed.ids }, policy, new Map(remembered))
  const told: AuditEvent[] = []
  const endMs = performance.now() + (wanted === 0 ? quietMs : 5_000)
  const isDone = (): boolean => performance.now() >= endMs || (wanted > 0 && told.length >= wanted)
  while (!isDone()) {
    const { outputs, remember } = mirror.step(await feed.next(20))
    for (const [key, value] of remember) {
      if (value === null) remembered.delete(key)
      else remembered.set(key, JSON.parse(JSON.stringify(value)) as JsonValue)
    }
    told.push(...outputs.flatMap(output => output.events))
  }
  await feed.close()
  events.push(...told)
  return told
}

const typesOf = (told: readonly AuditEvent[]): string[] => told.map(({ eventType }) => eventType)
function requireOnce(): void {
  const ids = events.map(({ eventId }) => eventId)
  expect(new Set(ids).size).toBe(ids.length)
}

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'reeve-sources-'))))
afterEach(() => rmSync(folder, { recursive: true }))

function tailed(): Feed {
  const rules = eventRules(format)
  const read = (entry: Parameters<typeof readBrokerLogLine>[1]) => readBrokerLogLine(format, entry)
  return fileFeed({ sourceId: 'file', host: 'node-1', path: join(folder, 'authorizer.log'), ...rules, remembered: new Map(remembered), read })
}

test('a file that was emptied while the mirror was away is read from its first new line, and the loss is told once', async () => {
  const path = join(folder, 'authorizer.log')
  writeFileSync(path, `${line(1, 'Allowed', 'a')}\n${line(2, 'Allowed', 'a')}\n${line(3, 'Denied', 'old')}\n`)
  expect(typesOf(await live(tailed(), 2))).toEqual(['audit.gap', 'access.denied'])
  truncateSync(path)
  // As many lines as were to be read again, and more.
  const added = [4, 5, 6, 7, 8]
  appendFileSync(path, added.map(second => `${line(second, 'Denied', `new-${second}`)}\n`).join(''))
  const told = await live(tailed(), added.length + 2)
  expect(typesOf(told).filter(type => type === 'access.denied')).toHaveLength(added.length)
  expect(typesOf(told).filter(type => type === 'audit.gap')).toHaveLength(2)
  await live(tailed(), 0)
  requireOnce()
})

test('a file that is rotated when the mirror has begun, and was killed before it read a line, is read to its end', async () => {
  const path = join(folder, 'authorizer.log')
  writeFileSync(path, `${line(1, 'Denied', 'old')}\n`)
  const feed = tailed()
  const mirror = transform({ clusterId: 'c', sourceIds: feed.ids }, policy, new Map())
  // Only what the first look makes is committed.
  for (const [key, value] of mirror.step(await feed.next(20)).remember) if (value !== null) remembered.set(key, value)
  await feed.close()
  await sleep(20)
  renameSync(path, `${path}.1`)
  writeFileSync(path, `${line(2, 'Denied', 'new')}\n`)
  expect(typesOf(await live(tailed(), 2))).toEqual(['access.denied', 'access.denied'])
})

test('a file that is emptied, and the mirror killed before another line comes: the loss is told once', async () => {
  const path = join(folder, 'authorizer.log')
  writeFileSync(path, `${line(1, 'Denied', 'old')}\n`)
  await live(tailed(), 2)
  truncateSync(path)
  await sleep(20)
  expect(typesOf(await live(tailed(), 1))).toEqual(['audit.gap'])
  expect(typesOf(await live(tailed(), 0))).toEqual([])
  requireOnce()
})

/** A topic of one partition, as a reader finds it. */
interface Held {
  readonly topicId: string
  readonly logStartOffset: number
  readonly lines: readonly string[]
}

async function followed({ topicId, logStartOffset, lines }: Held): Promise<Feed> {
  let offset = 0
  let moved: { why: 'below-log-start' | 'truncated'; asked: number; resumedAt: number } | undefined
  const end = logStartOffset + lines.length
  const reader = {
    async assign(_topic, _partition, startAt) {
      const asked = startAt === 'start' ? logStartOffset : (startAt as number)
      if (asked < logStartOffset) moved = { why: 'below-log-start', asked, resumedAt: logStartOffset }
      if (asked > end) moved = { why: 'truncated', asked, resumedAt: end }
      offset = moved?.resumedAt ?? asked
    },
    async poll() {
      await sleep(5)
      const records = lines.slice(offset - logStartOffset).map((text, index) => ({
        topic: 'lines',
        partition: 0,
        offset: offset + index,
        timestampMs: 0,
        key: null,
        value: Buffer.from(text),
        headers: []
      }))
      offset = end
      const fetched = {
        topic: 'lines',
        partition: 0,
        records,
        nextOffset: end,
        logStartOffset,
        highWatermark: end,
        lastStableOffset: end,
        ...(moved && { moved })
      }
      moved = undefined
      return [fetched]
    },
    unassign: () => undefined,
    positions: () => [],
    readToEnd: async () => undefined,
    close: async () => undefined
  } satisfies LogReader
  return topicFeed({
    reader,
    topic: 'lines',
    topicId,
    partitions: 1,
    sourceIdOf: () => 'topic',
    remembered: new Map(remembered),
    read: (record, sourceId) => ({ kind: 'line', sourceId, position: record.offset, line: readTopicLine({ format }, record) })
  })
}

test('records that were deleted while the mirror was away are a gap that is told once, and of those that were dealt with none is told again', async () => {
  const lines = [line(1, 'Allowed', 'a'), line(2, 'Allowed', 'a'), line(3, 'Denied', 'b'), line(4, 'Denied', 'c')]
  expect(typesOf(await live(await followed({ topicId: 'one', logStartOffset: 0, lines }), 2))).toEqual(['access.denied', 'access.denied'])
  // What was to be read again, for the accesses that were not counted to their end, is gone in part.
  expect(typesOf(await live(await followed({ topicId: 'one', logStartOffset: 3, lines: lines.slice(3) }), 1))).toEqual(['audit.gap'])
  expect(typesOf(await live(await followed({ topicId: 'one', logStartOffset: 3, lines: lines.slice(3) }), 0))).toEqual([])
  // And what was never read.
  const more = { topicId: 'one', logStartOffset: 9, lines: [] }
  expect(typesOf(await live(await followed(more), 1))).toEqual(['audit.gap'])
  expect(typesOf(await live(await followed(more), 0))).toEqual([])
  requireOnce()
})

test("a topic that was made anew is read from its beginning, and its lines are not taken for the old one's", async () => {
  const lines = [line(1, 'Denied', 'a'), line(2, 'Denied', 'b')]
  await live(await followed({ topicId: 'one', logStartOffset: 0, lines }), 2)
  const anew = { topicId: 'two', logStartOffset: 0, lines: [line(3, 'Denied', 'c'), line(4, 'Denied', 'd'), line(5, 'Denied', 'e')] }
  expect(typesOf(await live(await followed(anew), 4))).toEqual(['audit.gap', 'access.denied', 'access.denied', 'access.denied'])
  expect(typesOf(await live(await followed(anew), 0))).toEqual([])
  requireOnce()
})
