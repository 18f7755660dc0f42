import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Feed } from '#agents/audit-mirror/feeds/feed.ts'
import { fileFeed } from '#agents/audit-mirror/feeds/file-feed.ts'
import { metadataFeed, metadataPosition } from '#agents/audit-mirror/feeds/metadata.ts'
import { together } from '#agents/audit-mirror/feeds/together.ts'
import { policySchema } from '#agents/audit-mirror/policy.ts'
import { transform } from '#agents/audit-mirror/transform.ts'
import type { AuditEvent } from '#shared/audit/event.ts'
import { KAFKA_PATTERN } from '#shared/broker-logs/layout.ts'
import { eventRules, openLogFormat, readBrokerLogLine } from '#shared/broker-logs/line.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import type { Remembered } from '#shared/engine/stream.ts'
import { hashKeyFrom } from '#shared/kafka/metadata-log/decode/decode.ts'
import { encodeRecord } from '#test/support/metadata-records.ts'

/*
 * A step took the first 250 inputs of what a look at a source had brought. Where the source stood was said at the end of it: a mirror that was killed between
 * two steps read a thousand changes of the metadata log again, and wrote them again under the same ids, so that its log could not be verified from then
 * on. Of a file that had been emptied the loss said where the file had been read to, lines included that were in the step behind it: nobody heard of those.
 */
const nothing = () => undefined
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const policy = policySchema.parse({ window: '200ms', lateness: '100ms', giveUp: '10m' })

/** Lives that end with their first event, until one has none: what was remembered by then is all that the next life knows. */
async function shortLives(open: (remembered: Remembered) => Feed, remembered = new Map<string, JsonValue>()): Promise<AuditEvent[]> {
  const events: AuditEvent[] = []
  const ids = new Set<string>()
  for (let told: readonly AuditEvent[] | null = null; told === null || told.length > 0; events.push(...told)) {
    const feed = open(new Map(remembered))
    const source = together([feed], { log })
    const mirror = transform({ clusterId: 'c', sourceIds: feed.ids }, policy, new Map(remembered))
    told = []
    for (let steps = 0; steps < 25 && told.length === 0; steps++) {
      const { outputs, remember } = mirror.step(await source.next(20))
      for (const [key, value] of remember) {
        if (value === null) remembered.delete(key)
        else remembered.set(key, JSON.parse(JSON.stringify(value)) as JsonValue)
      }
      told = outputs.flatMap(output => output.events)
    }
    await source.close()
    expect(told.filter(({ eventId }) => ids.has(eventId))).toEqual([])
    for (const { eventId } of told) ids.add(eventId)
  }
  return events
}

test.each([1, 3, 700])(
  'a thousand changes that came with one answer, in batches of %i, are told once each, whichever step is the last of a life',
  async batch => {
    const records = Array.from({ length: 1_000 }, (_, offset) => ({
      offset,
      epoch: 1,
      timestampMs: Math.floor(offset / batch),
      value: encodeRecord('ConfigRecord', 0, { resourceType: 2, resourceName: `t-${offset}`, name: 'retention.ms', value: '1' })
    }))
    const open = (remembered: Remembered): Feed => {
      let { offset } = metadataPosition(remembered) ?? { offset: 0 }
      const poll = async () => {
        const [fromOffset, left] = [offset, records.slice(offset)]
        offset = records.length
        return left.length === 0 ? null : { kind: 'records', records: left, quorumRecords: [], fromOffset, position: { offset, epoch: 1 } }
      }
      const reader = { poll, close: async () => undefined }
      return metadataFeed({ log: reader as never, remembered, hashKey: hashKeyFrom(Buffer.alloc(32, 1)), consequenceOf: async () => null, logger: log })
    }
    const events = await shortLives(open)
    expect(events.filter(({ eventType }) => eventType === 'config.changed')).toHaveLength(records.length)
  }
)

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'reeve-half-a-look-'))))
afterEach(() => rmSync(folder, { recursive: true }))

test('of a file that was emptied, the loss and each of six hundred lines behind it are told once, whichever step is the last of a life', async () => {
  const path = join(folder, 'authorizer.log')
  const format = openLogFormat({ layout: KAFKA_PATTERN, timeZone: 'UTC', content: 'authorizer' })
  const lines = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, index) => {
      const [minute, second] = [Math.floor((from + index) / 60), (from + index) % 60].map(part => String(part).padStart(2, '0'))
      return `[2026-11-21 12:${minute}:${second},000] INFO Principal = User:app is Denied operation = READ from host = 10.0.0.7 on resource = Topic:LITERAL:t for request = Fetch with resourceRefCount = 1 based on rule DefaultDeny (kafka.authorizer.logger)\n`
    }).join('')
  const read = (entry: Parameters<typeof readBrokerLogLine>[1]) => readBrokerLogLine(format, entry)
  const open = (remembered: Remembered): Feed => fileFeed({ sourceId: 'file', host: 'node-1', path, ...eventRules(format), remembered, read })
  const remembered = new Map<string, JsonValue>()
  const typesOf = (events: readonly AuditEvent[], type: string): number => events.filter(({ eventType }) => eventType === type).length
  writeFileSync(path, lines(0, 601))
  expect(typesOf(await shortLives(open, remembered), 'access.denied')).toBe(601)
  truncateSync(path)
  appendFileSync(path, lines(601, 1_200))
  const told = await shortLives(open, remembered)
  expect([typesOf(told, 'audit.gap'), typesOf(told, 'access.denied')]).toEqual([1, 599])
})
