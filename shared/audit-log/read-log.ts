import { type JudgedLog, openLogJudge } from '../audit/judge.ts'
import type { LogReader } from '../kafka/ports.ts'
import { type LogPlace, originOf } from './place.ts'

/** Judges a log by the records of its topic, from the beginning to the end of the moment. Takes the reader's assignment. Throws KafkaFault. */
export async function judgeTopic(
  reader: LogReader,
  place: LogPlace,
  known: readonly string[],
  { sizes, onEntry }: { readonly sizes?: ReadonlySet<number>; readonly onEntry?: (sequence: number) => void } = {}
): Promise<JudgedLog> {
  const { topic, partition } = place
  const judge = openLogJudge(originOf(place), known, sizes)
  await reader.assign(topic, partition, 'start')
  try {
    await reader.readToEnd(({ key, value }) => {
      // readToEnd cannot be ended: what comes behind a fault is passed over.
      if (judge.fault) return
      onEntry?.(judge.size)
      judge.take(key?.toString('latin1') ?? '', value ?? Buffer.alloc(0))
    })
  } finally {
    reader.unassign(topic, partition)
  }
  return judge.end()
}
