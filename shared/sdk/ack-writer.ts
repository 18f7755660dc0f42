import type { KafkaConnection } from '../kafka/connection.ts'
import { openRecordWriter } from '../kafka/record-writer.ts'
import type { AckWriter } from './acks.ts'

/** Acks over a connection of the SDK's own, as the principal that reads the control topic. It never creates the topic. */
export function ownAckWriter(connection: KafkaConnection, topic: string): AckWriter {
  const writer = openRecordWriter(connection)
  return {
    write: (key, ack) => writer.write(topic, 0, Buffer.from(key), Buffer.from(JSON.stringify(ack))),
    close: () => writer.close()
  }
}
