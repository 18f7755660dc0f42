import { type Entry, readEntry } from '../audit/entry.ts'
import { chainsOf, endsOf, type LogEnd } from '../audit/together.ts'
import type { LogReader } from '../kafka/ports.ts'
import { placesOf, type TopicPlace } from './place.ts'
import { walkLog } from './walk.ts'

/** What the first entry of a topic says of all its logs. */
export interface Genesis {
  readonly chains: number
  readonly continues: readonly LogEnd[]
}

/**
 * Reads the first entry of the first log of a topic, and believes it: who verifies reads it again. Null where the log is empty, or does not begin with one.
 * Takes the reader's assignment of this partition. Throws KafkaFault.
 */
export async function readGenesis(reader: LogReader, place: TopicPlace): Promise<Genesis | null> {
  const found: { entry: Entry | null } = { entry: null }
  await walkLog(reader, placesOf(place, 1)[0]!, 'start', ({ key, value }) => {
    const entry = key?.toString('latin1') === 'event' ? readEntry(value ?? Buffer.alloc(0)) : null
    if (entry && !('fault' in entry)) found.entry = entry
    return true
  })
  if (found.entry?.eventType !== 'audit.began') return null
  try {
    return { chains: chainsOf(found.entry), continues: endsOf(found.entry) }
  } catch {
    // Somebody else's, which verification names.
    return null
  }
}
