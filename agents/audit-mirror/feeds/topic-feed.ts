import type { Input } from '#shared/audit/inputs.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import type { Remembered } from '#shared/engine/stream.ts'
import type { Fetched, LogReader, LogRecord } from '#shared/kafka/ports.ts'
import { type Feed, type MirrorInput, resumeAt, standingOf } from './feed.ts'

export interface TopicFeedOptions {
  readonly reader: LogReader
  readonly topic: string
  /** Of the topic that is there now: one that was made anew has another. Null: not seen. */
  readonly topicId: string | null
  readonly partitions: number
  /** Name of the source that one partition is. */
  readonly sourceIdOf: (partition: number) => string
  readonly remembered: Remembered
  /** Null for a record that says nothing. The record's topic names its generation, so that no place is named twice. */
  readonly read: (record: LogRecord, sourceId: string) => Input | null
}

/** The next offset, and how often offsets began to be given again before it. */
interface Place {
  readonly offset: number
  readonly generation: number
}

interface Following {
  generation: number
  /** Up to where it was dealt with before; null once it is read beyond. */
  known: number | null
  /** What lies before is left out: it cannot be told from what was dealt with before. */
  from: number
}

/** The partitions of a topic, each a source of its own. A position is the next offset. What was deleted before it was read is a gap. */
export async function topicFeed({ reader, topic, topicId, partitions, sourceIdOf, remembered, read }: TopicFeedOptions): Promise<Feed> {
  const ids = Array.from({ length: partitions }, (_, partition) => sourceIdOf(partition))
  const follow: Following[] = []
  const unread = new Map<string, number>()
  /** What opening found, said first. */
  const found: MirrorInput[] = []
  try {
    for (const [partition, sourceId] of ids.entries()) {
      const standing = standingOf(remembered, sourceId)
      const through = placeOf(standing?.through ?? null)
      const at = placeOf(resumeAt(standing))
      const idBefore = remembered.get(idKey(sourceId))
      if (through !== null && topicId !== null && idBefore !== undefined && idBefore !== topicId) {
        const generation = through.generation + 1
        found.push(
          { kind: 'replayed', sourceId },
          gap(partition, generation, through.offset, 0, 'the topic was deleted and made anew: what was not read of it is lost')
        )
        follow.push({ generation, known: null, from: 0 })
        await reader.assign(topic, partition, 'start')
      } else {
        const again = at !== null && through !== null && at.generation === through.generation && at.offset < through.offset
        if (at !== null && !again) found.push({ kind: 'replayed', sourceId })
        follow.push({ generation: through?.generation ?? 0, known: again ? through.offset : null, from: 0 })
        await reader.assign(topic, partition, again ? at.offset : (through?.offset ?? 'start'))
      }
      if (topicId !== null && idBefore !== topicId) found.push({ kind: 'memory', memory: new Map([[idKey(sourceId), topicId]]) })
    }
  } catch (error) {
    await reader.close()
    throw error
  }

  function gap(partition: number, generation: number, from: number, to: number, reason: string): MirrorInput {
    const coordinate = `${nameOf(topic, generation)}/${partition}@${from}-${to}`
    return { kind: 'gap', sourceId: ids[partition]!, coordinate, timestampMs: Date.now(), from, to, reason, through: placeJson({ offset: to, generation }) }
  }

  function moved(partition: number, { why, asked, resumedAt }: NonNullable<Fetched['moved']>): MirrorInput[] {
    const one = follow[partition]!
    const { known } = one
    const inputs: MirrorInput[] = []
    if (known !== null) inputs.push({ kind: 'replayed', sourceId: ids[partition]! })
    one.known = null
    // Offsets behind a cut are given again to other records.
    if (why === 'truncated') one.generation++
    else one.from = Math.max(resumedAt, known ?? 0)
    const to = why === 'truncated' ? resumedAt : one.from
    const counted = known === null ? '' : ', or before they could be counted again'
    const reason = why === 'truncated' ? 'the topic was truncated or made anew' : `records were deleted before they were read${counted}`
    return [...inputs, gap(partition, one.generation, asked, to, reason)]
  }

  function ofPartition({ partition, records, nextOffset, highWatermark, moved: movedTo }: Fetched): MirrorInput[] {
    const sourceId = ids[partition]!
    unread.set(sourceId, Math.max(0, highWatermark - nextOffset))
    const inputs = movedTo ? moved(partition, movedTo) : []
    const one = follow[partition]!
    const { generation } = one
    const endReplay = (): void => {
      one.known = null
      inputs.push({ kind: 'replayed', sourceId })
    }
    for (const record of records) {
      if (record.offset < one.from) continue
      if (one.known !== null && record.offset >= one.known) endReplay()
      const input = read(generation === 0 ? record : { ...record, topic: nameOf(topic, generation) }, sourceId)
      if (input === null) continue
      const position = placeJson({ offset: record.offset, generation })
      inputs.push({ kind: 'brought', input: { ...input, position }, through: placeJson({ offset: record.offset + 1, generation }), replay: one.known !== null })
    }
    if (one.known !== null && nextOffset >= one.known) endReplay()
    return inputs
  }

  return {
    ids,
    unread,
    async next(maxWaitMs) {
      if (found.length > 0) return found.splice(0)
      return (await reader.poll({ maxWaitMs })).flatMap(ofPartition)
    },
    close: () => reader.close()
  }
}

const idKey = (sourceId: string): string => `topic-id/${sourceId}`

/** No topic's name has a tilde. */
const nameOf = (topic: string, generation: number): string => (generation === 0 ? topic : `${topic}~${generation}`)

const placeJson = ({ offset, generation }: Place): JsonValue => (generation === 0 ? offset : { offset, generation })

function placeOf(value: JsonValue): Place | null {
  return typeof value === 'number' ? { offset: value, generation: 0 } : (value as unknown as Place | null)
}
