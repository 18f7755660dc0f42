import { readTrailer } from '../../audit/trailer.ts'
import { KafkaFault } from '../../kafka/errors.ts'
import type { Kafka, LogReader } from '../../kafka/ports.ts'

/** How much of the end is read at first, in offsets; eight times as much each time that it was too little. */
const firstWindow = 64

/**
 * Who signs the next checkpoint of each log, as its last trailer says; null in one without entries. Throws KafkaFault, also where the last
 * `lastWindow` records hold no trailer.
 */
export async function signersOf(
  kafka: Pick<Kafka, 'openReader'>,
  topic: string,
  partitions: readonly number[],
  lastWindow = 32_768
): Promise<ReadonlyMap<number, readonly string[] | null>> {
  const reader = await kafka.openReader()
  try {
    const signers = new Map<number, readonly string[] | null>()
    for (const partition of partitions) signers.set(partition, await signersIn(reader, topic, partition, lastWindow))
    return signers
  } finally {
    await reader.close()
  }
}

async function signersIn(reader: LogReader, topic: string, partition: number, lastWindow: number): Promise<readonly string[] | null> {
  const place = `${topic}-${partition}`
  const [start, end] = [await offsetAt(reader, topic, partition, 'start'), await offsetAt(reader, topic, partition, 'end')]
  for (let window = firstWindow; window <= lastWindow; window *= 8) {
    const from = Math.max(start, end - window)
    await reader.assign(topic, partition, from)
    let last: Buffer | null = null
    await reader.readToEnd(({ key, value }) => {
      if (key?.toString('latin1') === 'trailer') last = value
    })
    reader.unassign(topic, partition)
    if (last !== null) {
      const trailer = readTrailer(last)
      if ('fault' in trailer) throw new KafkaFault('protocol', `${place}: its last trailer cannot be read: ${trailer.fault}`)
      return trailer.signers
    }
    if (from === start) return null
  }
  throw new KafkaFault('protocol', `${place}: none of its last ${lastWindow} records is a trailer`)
}

async function offsetAt(reader: LogReader, topic: string, partition: number, at: 'start' | 'end'): Promise<number> {
  await reader.assign(topic, partition, at)
  return reader.positions().find(position => position.topic === topic && position.partition === partition)!.offset
}
