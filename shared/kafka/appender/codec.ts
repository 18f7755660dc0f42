import { createAPI, type Reader, Writer } from '@platformatic/kafka'

/** One encoded batch on its way to one partition. */
export interface PartitionBatch {
  readonly topic: string
  readonly partition: number
  readonly batch: Buffer
}

export interface ProduceAnswer {
  readonly throttleTimeMs: number
  readonly partitions: readonly {
    readonly topic: string
    readonly partition: number
    readonly errorCode: number
    readonly errorMessage: string | null
    readonly baseOffset: bigint
    /** −1 where the topic keeps the writer's timestamps. */
    readonly logAppendTimeMs: bigint
  }[]
}

export interface EndTxnAnswer {
  readonly throttleTimeMs: number
  readonly errorCode: number
  /** The identity to go on with; −1 unless the error is 0. */
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** Produce v9 to v12 (KIP-890: v12 also adds the partitions to the transaction), acks = all; at most one batch a partition. */
export function encodeProduce(transactionalId: string, timeoutMs: number, batches: readonly PartitionBatch[]): Writer {
  const topics = [...Map.groupBy(batches, batch => batch.topic)]
  return Writer.create()
    .appendString(transactionalId)
    .appendInt16(-1)
    .appendInt32(timeoutMs)
    .appendArray(topics, (topicWriter, [topic, partitions]) => {
      topicWriter.appendString(topic).appendArray(partitions, (writer, { partition, batch }) => {
        writer.appendInt32(partition).appendBytes(batch)
      })
    })
    .appendTaggedFields()
}

/** Produce response v10 to v12. The tagged hints (current leader, endpoints) are left: a metadata refresh says the same. */
export function parseProduce(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): ProduceAnswer {
  const partitions = reader.readArray(topicReader => {
    const topic = topicReader.readString()
    return topicReader.readArray(partitionReader => {
      const partition = partitionReader.readInt32()
      const errorCode = partitionReader.readInt16()
      const baseOffset = partitionReader.readInt64()
      const logAppendTimeMs = partitionReader.readInt64()
      partitionReader.readInt64() // log start offset
      const recordErrors = partitionReader.readArray(errorReader => ({ index: errorReader.readInt32(), message: errorReader.readNullableString() }))
      const errorMessage = partitionReader.readNullableString() ?? recordErrors.find(({ message }) => message !== null)?.message ?? null
      return { topic, partition, errorCode, errorMessage, baseOffset, logAppendTimeMs }
    })
  })
  const throttleTimeMs = reader.readInt32()
  reader.readTaggedFields()
  return { throttleTimeMs, partitions: partitions.flat() }
}

/** EndTxn v3 to v5; v5 asks for the bumped identity in the answer (KIP-890). */
export function encodeEndTxn(transactionalId: string, producerId: bigint, producerEpoch: number, committed: boolean): Writer {
  return Writer.create().appendString(transactionalId).appendInt64(producerId).appendInt16(producerEpoch).appendBoolean(committed).appendTaggedFields()
}

/** EndTxn response v5. */
export function parseEndTxn(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): EndTxnAnswer {
  const answer = { throttleTimeMs: reader.readInt32(), errorCode: reader.readInt16(), producerId: reader.readInt64(), producerEpoch: reader.readInt16() }
  reader.readTaggedFields()
  return answer
}

type ProduceArguments = Parameters<typeof encodeProduce>
export const produceV11 = createAPI<ProduceArguments, ProduceAnswer>(0, 11, encodeProduce, parseProduce)
export const produceV12 = createAPI<ProduceArguments, ProduceAnswer>(0, 12, encodeProduce, parseProduce)
export const endTxnV5 = createAPI<Parameters<typeof encodeEndTxn>, EndTxnAnswer>(26, 5, encodeEndTxn, parseEndTxn)
