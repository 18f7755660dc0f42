import { hash } from 'node:crypto'
import type { EarlierLog } from '../audit/compare-earlier.ts'
import { continuedIn, type LogEnd, partsOf } from '../audit/together.ts'
import { treeStateOf } from '../audit/trailer.ts'
import { openTree } from '../proof/tree.ts'
import { KafkaFault } from '../kafka/errors.ts'
import type { LogReader } from '../kafka/ports.ts'
import { AuditLogFault } from './fault.ts'
import { readGenesis } from './genesis.ts'
import { findHead } from './head.ts'
import { originOf, placesOf, type TopicPlace } from './place.ts'
import type { Earlier } from './proving-together.ts'

/**
 * How the logs end that a topic of the same cluster goes on from, by their last records alone: their own verification is another. Takes the
 * reader's assignment of their partitions.
 */
export async function readEarlier(reader: LogReader, place: TopicPlace, continues: readonly LogEnd[]): Promise<Earlier> {
  const [first] = continues
  if (first === undefined) return { logs: [] }
  const { topic, base } = partsOf(first.origin)
  const there = { ...place, topic }
  if (originOf({ ...there, partition: 0 }) !== `${base}/0`) return { unseen: `it is not of this cluster and prefix` }
  try {
    const chains = (await readGenesis(reader, there))?.chains ?? 1
    const logs: EarlierLog[] = []
    for (const each of placesOf(there, chains)) {
      const { size, last, note } = await findHead(reader, each)
      if (last === null) continue
      const root = Buffer.from(openTree(treeStateOf(last.trailer)).root(), 'latin1').toString('hex')
      const checkpoint = note === null ? '' : hash('sha256', note, 'hex')
      logs.push({ origin: originOf(each), size, root, fingerprint: last.entry.fingerprint, checkpoint, chains, continuedIn: continuedIn(last.entry) })
    }
    return { logs }
  } catch (error) {
    if (error instanceof KafkaFault || error instanceof AuditLogFault) return { unseen: error.message }
    throw error
  }
}
