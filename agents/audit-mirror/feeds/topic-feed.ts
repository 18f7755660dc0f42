import type { Input } from '#shared/audit/inputs.ts'
import type { Remembered } from '#shared/engine/stream.ts'
import type { Fetched, LogReader, LogRecord } from '#shared/kafka/ports.ts'
import { type Feed, type MirrorInput, resumeAt, standingOf } from './feed.ts'

export interface TopicFeedOptions {
  readonly reader: LogReader
  readonly topic: string
  readonly partitions: number
  /** Name of the source that one partition is. */
  readonly sourceIdOf: (partition: number) => string
  readonly remembered: Remembered
  /** Null for a record that says nothing. `position` is the record's offset. */
  readonly read: (record: LogRecord, sourceId: string) => Input | null
}

/** The partitions of a topic, each a source of its own. A position is the next offset. What was deleted before it was read is a gap. */
export async function topicFeed({ reader, topic, partitions, sourceIdOf, remembered, read }: TopicFeedOptions): Promise<Feed> {
  const ids = Array.from({ length: partitions }, (_, partition) => sourceIdOf(partition))
  /** Up to where each partition was dealt with before; null once it is read beyond. */
  const before = new Map<number, number | null>()
  for (const [partition, sourceId] of ids.entries()) {
    const standing = standingOf(remembered, sourceId)
    const through = standing?.through as number | undefined
    const from = (resumeAt(standing) as number | null) ?? through ?? 'start'
    before.set(partition, through === undefined || from === through ? null : through)
    await reader.assign(topic, partition, from)
  }

  function ofPartition({ partition, records, nextOffset, moved }: Fetched): MirrorInput[] {
    const sourceId = ids[partition]!
    const known = before.get(partition) ?? null
    const inputs: MirrorInput[] = []
    if (moved)
      inputs.push({
        kind: 'gap',
        sourceId,
        coordinate: `${topic}/${partition}@${moved.asked}-${moved.resumedAt}`,
        timestampMs: records[0]?.timestampMs ?? Date.now(),
        from: moved.asked,
        to: moved.resumedAt,
        reason: moved.why === 'truncated' ? 'the topic was truncated or made anew' : 'records were deleted before they were read'
      })
    let replaying = known !== null
    const endReplay = (): void => {
      replaying = false
      before.set(partition, null)
      inputs.push({ kind: 'replayed', sourceId })
    }
    for (const record of records) {
      if (replaying && record.offset >= known!) endReplay()
      const input = read(record, sourceId)
      if (input) inputs.push({ kind: 'brought', input, through: record.offset + 1, replay: replaying })
    }
    if (replaying && nextOffset >= known!) endReplay()
    return inputs
  }

  return {
    ids,
    async next(maxWaitMs) {
      return (await reader.poll({ maxWaitMs })).flatMap(ofPartition)
    },
    close: () => reader.close()
  }
}
