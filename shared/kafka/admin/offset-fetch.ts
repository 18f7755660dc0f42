import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import { ByteCursor } from '../byte-cursor.ts'

export interface GroupOffsets {
  readonly groupId: string
  readonly errorCode: number
  /** Committed offset by topic and partition; a partition without a commit is absent. */
  readonly committed: ReadonlyMap<string, ReadonlyMap<number, number>>
  /** Partitions whose commit could not be read. */
  readonly unread: readonly { readonly topic: string; readonly partition: number; readonly errorCode: number }[]
}

export interface OffsetFetchResponse {
  readonly throttleTimeMs: number
  readonly groups: readonly GroupOffsets[]
}

/**
 * OffsetFetch v8: all offsets of many groups in one request, of every protocol. `require_stable` is false: an offset in an
 * open transaction is not progress yet, and the one before it still holds; asked with true, a group that reads exactly
 * once would be unknown half of the time.
 */
export const offsetFetchV8 = createAPI<[groupIds: readonly string[]], OffsetFetchResponse>(9, 8, createRequest, parseResponse)

/*
  OffsetFetch Request (Version: 8) => [groups] require_stable TAG_BUFFER
    groups => group_id [topics] TAG_BUFFER     (null topics: all that have a commit)
*/
function createRequest(groupIds: readonly string[]): Writer {
  return Writer.create()
    .appendArray([...groupIds], (writer, groupId) => writer.appendString(groupId).appendArray(null, () => undefined))
    .appendBoolean(false)
    .appendTaggedFields()
}

/*
  OffsetFetch Response (Version: 8) => throttle_time_ms [groups] TAG_BUFFER
    groups => group_id [topics] error_code TAG_BUFFER
      topics => name [partitions] TAG_BUFFER
        partitions => partition_index committed_offset committed_leader_epoch metadata error_code TAG_BUFFER
*/
export function parseResponse(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): OffsetFetchResponse {
  const bytes = new ByteCursor(reader.buffer.buffers)
  const throttleTimeMs = bytes.int32()
  const groups = bytes.array((): GroupOffsets => {
    const groupId = bytes.string()
    const committed = new Map<string, Map<number, number>>()
    const unread: { topic: string; partition: number; errorCode: number }[] = []
    for (let topics = bytes.compactLength() ?? 0; topics > 0; topics--) {
      const topic = bytes.string()
      const offsets = committed.get(topic) ?? new Map<number, number>()
      for (let partitions = bytes.compactLength() ?? 0; partitions > 0; partitions--) {
        const partition = bytes.int32()
        const offset = bytes.safeInt64()
        bytes.skip(4)
        bytes.skipString()
        const errorCode = bytes.int16()
        bytes.taggedFields()
        if (errorCode !== 0) unread.push({ topic, partition, errorCode })
        else if (offset >= 0) offsets.set(partition, offset)
      }
      bytes.taggedFields()
      if (offsets.size > 0) committed.set(topic, offsets)
    }
    const errorCode = bytes.int16()
    bytes.taggedFields()
    return { groupId, committed, unread, errorCode }
  })
  return { throttleTimeMs, groups }
}
