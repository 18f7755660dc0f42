import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import { ByteCursor } from '../byte-cursor.ts'

export interface ShareGroup {
  readonly errorCode: number
  readonly groupId: string
  readonly state: string
  readonly members: readonly {
    readonly memberId: string
    readonly clientId: string
    readonly host: string
    readonly assigned: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
  }[]
}

export interface ShareGroupDescribeResponse {
  readonly throttleTimeMs: number
  readonly groups: readonly ShareGroup[]
}

/** ShareGroupDescribe v1 (KIP-932), which the driver does not know. */
export const shareGroupDescribeV1 = createAPI<[groupIds: readonly string[]], ShareGroupDescribeResponse>(77, 1, createRequest, parseResponse)

/* ShareGroupDescribe Request (Version: 1) => [group_ids] include_authorized_operations TAG_BUFFER */
function createRequest(groupIds: readonly string[]): Writer {
  return Writer.create()
    .appendArray([...groupIds], (writer, groupId) => writer.appendString(groupId), true, false)
    .appendBoolean(false)
    .appendTaggedFields()
}

/*
  ShareGroupDescribe Response (Version: 1) => throttle_time_ms [groups] TAG_BUFFER
    groups => error_code error_message group_id group_state group_epoch assignment_epoch assignor_name [members] authorized_operations TAG_BUFFER
      members => member_id rack_id member_epoch client_id client_host [subscribed_topic_names] assignment TAG_BUFFER
        assignment => [topic_partitions] TAG_BUFFER
          topic_partitions => topic_id topic_name [partitions] TAG_BUFFER
*/
export function parseResponse(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): ShareGroupDescribeResponse {
  const bytes = new ByteCursor(reader.buffer.buffers)

  const topicPartitions = () => {
    bytes.skip(16)
    const topic = bytes.string()
    const partitions = bytes.array(() => bytes.int32())
    bytes.taggedFields()
    return { topic, partitions }
  }

  const member = () => {
    const memberId = bytes.string()
    bytes.skipString()
    bytes.skip(4)
    const clientId = bytes.string()
    const host = bytes.string()
    bytes.array(() => bytes.skipString())
    const assigned = bytes.array(topicPartitions)
    bytes.taggedFields()
    bytes.taggedFields()
    return { memberId, clientId, host, assigned }
  }

  const throttleTimeMs = bytes.int32()
  const groups = bytes.array(() => {
    const errorCode = bytes.int16()
    bytes.skipString()
    const groupId = bytes.string()
    const state = bytes.string()
    bytes.skip(8)
    bytes.skipString()
    const members = bytes.array(member)
    bytes.skip(4)
    bytes.taggedFields()
    return { errorCode, groupId, state, members }
  })
  return { throttleTimeMs, groups }
}
