import { type JudgedLog, openLogJudge } from '../audit/judge.ts'
import type { NamedHead } from '../audit/together.ts'
import type { LogReader } from '../kafka/ports.ts'
import { type LogPlace, originOf } from './place.ts'

/** Where each log of a topic ends at the moment, by partition. Takes the reader's assignment of these partitions. Throws KafkaFault. */
export async function endsOfLogs(reader: LogReader, places: readonly LogPlace[]): Promise<ReadonlyMap<number, number>> {
  const ends = new Map<number, number>()
  for (const { topic, partition } of places) {
    await reader.assign(topic, partition, 'end')
    ends.set(partition, reader.positions().find(position => position.topic === topic && position.partition === partition)!.offset)
    reader.unassign(topic, partition)
  }
  return ends
}

/**
 * Judges a log by the records of its topic, from the beginning to the end of the moment. What it names of other logs counts below the offset `namesBelow`: behind that
 * the others may not have been read so far. Takes the reader's assignment. Throws KafkaFault.
 */
export async function judgeTopic(
  reader: LogReader,
  place: LogPlace,
  known: readonly string[],
  options: { readonly sizes?: ReadonlySet<number>; readonly namesBelow?: number; readonly onEntry?: (sequence: number) => void } = {}
): Promise<JudgedLog> {
  const { sizes, namesBelow = Infinity, onEntry } = options
  const { topic, partition } = place
  const judge = openLogJudge(originOf(place), known, sizes)
  let heads: readonly NamedHead[] | null = null
  await reader.assign(topic, partition, 'start')
  try {
    await reader.readToEnd(({ key, value, offset }) => {
      // readToEnd cannot be ended: what comes behind a fault is passed over.
      if (judge.fault) return
      onEntry?.(judge.size)
      judge.take(key?.toString('latin1') ?? '', value ?? Buffer.alloc(0))
      if (offset < namesBelow) heads = judge.heads
    })
  } finally {
    reader.unassign(topic, partition)
  }
  return { ...judge.end(), heads }
}
