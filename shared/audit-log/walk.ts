import { readEntry } from '../audit/entry.ts'
import type { LogReader, LogRecord } from '../kafka/ports.ts'
import type { LogPlace } from './place.ts'

const pollMs = 500

/**
 * Hands over the records of a log from a position on, until `take` answers true or the end of the moment is reached. Takes the reader's
 * assignment of this partition. Returns whether `take` ended it. Throws KafkaFault.
 */
export async function walkLog(
  reader: LogReader,
  { topic, partition }: LogPlace,
  from: number | 'start',
  take: (record: LogRecord) => boolean
): Promise<boolean> {
  await reader.assign(topic, partition, 'end')
  const end = offsetOf(reader, topic, partition)
  await reader.assign(topic, partition, from)
  try {
    let open = offsetOf(reader, topic, partition) < end
    while (open) {
      for (const { records, nextOffset, lastStableOffset } of await reader.poll({ maxWaitMs: pollMs })) {
        for (const record of records) if (take(record)) return true
        // Behind it lies a transaction that is open: somebody may hold it for long.
        open &&= nextOffset < Math.min(end, lastStableOffset)
      }
    }
    return false
  } finally {
    reader.unassign(topic, partition)
  }
}

/**
 * The offset of an entry by its sequence: halves the log, whose sequences grow with its offsets, and reads a few records each time. Null
 * where there is none. Only a log that is right gives the right one: whoever takes it looks at what is there.
 */
export async function offsetOfSequence(reader: LogReader, place: LogPlace, sequence: number): Promise<number | null> {
  const { topic, partition } = place
  await reader.assign(topic, partition, 'end')
  let high = offsetOf(reader, topic, partition)
  await reader.assign(topic, partition, 'start')
  let low = offsetOf(reader, topic, partition)
  // The first entry at or behind `low` has a sequence that is not too large, unless it is the very first.
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    const found = await firstEntry(reader, place, middle)
    if (found === null || found.offset >= high) high = middle
    else if (found.sequence === sequence) return found.offset
    else if (found.sequence < sequence) low = found.offset + 1
    else high = middle
  }
  return null
}

async function firstEntry(reader: LogReader, place: LogPlace, from: number): Promise<{ readonly offset: number; readonly sequence: number } | null> {
  let found: { offset: number; sequence: number } | null = null
  await walkLog(reader, place, from, ({ key, value, offset }) => {
    const entry = key?.toString('latin1') === 'event' ? readEntry(value ?? Buffer.alloc(0)) : null
    if (entry === null || 'fault' in entry) return false
    found = { offset, sequence: entry.sequence }
    return true
  })
  return found
}

function offsetOf(reader: LogReader, topic: string, partition: number): number {
  return reader.positions().find(position => position.topic === topic && position.partition === partition)!.offset
}
