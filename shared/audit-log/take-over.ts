import { largestAnchored } from './anchoring.ts'
import type { AuditLogOptions } from './audit-log.ts'
import { AuditLogFault } from './fault.ts'
import { readGenesis } from './genesis.ts'
import { findHead, type Head } from './head.ts'
import { type LogPlace, originOf, placesOf } from './place.ts'
import { begin, goOn, type Start } from './start.ts'

/**
 * Takes a topic over: fences every other writer, finds the end of each of its logs, and prepares to go on behind them; an empty one is begun. Throws AuditLogFault where
 * that must not be done, KafkaFault where it cannot.
 */
export async function takeOver(options: AuditLogOptions): Promise<Start & { readonly foreign: Head['foreign'] }> {
  const { appender, reader, anchors, atLeast = [], chains = 1, onTrouble = () => undefined } = options
  const places = placesOf(options.place, chains)
  const { producerEpoch: epoch } = await appender.fence()
  const heads: Head[] = []
  for (const place of places) heads.push(await findHead(reader, place))
  const anchored = await Promise.all(places.map(place => largestAnchored(anchors, originOf(place), onTrouble)))
  for (const [index, { size }] of heads.entries()) {
    if (size < anchored[index]!) throw cut(places[index]!, size, `an anchor holds a checkpoint of ${anchored[index]}`)
    if (size < (atLeast[index] ?? 0)) throw cut(places[index]!, size, `${atLeast[index]} were committed`)
  }
  const foreign = heads.flatMap(head => head.foreign)
  const begun = heads.filter(({ last }) => last !== null).length
  if (begun === 0) return { ...begin(places, (await options.continues?.()) ?? null, { ...options, epoch }), foreign }
  await requireSame(options, begun)
  return { ...(await goOn(places, heads, { ...options, epoch })), foreign }
}

function cut(place: LogPlace, size: number, before: string): AuditLogFault {
  const how = 'its end was removed, or its topic was deleted and made again. Go on in a new topic that continues this one'
  return new AuditLogFault('cut', `${originOf(place)} has ${size} entries, and ${before}: ${how}`)
}

/** The number of logs is that of the beginning: with another one a source would be in two of them. */
async function requireSame({ reader, place, chains = 1 }: AuditLogOptions, begun: number): Promise<void> {
  const before = (await readGenesis(reader, place))?.chains ?? begun
  if (before !== chains)
    throw new AuditLogFault(
      'chains',
      `${place.topic} was begun with ${before} ${before === 1 ? 'chain' : 'chains'}, and is to be written with ${chains}: that never changes. Say ${before}, or go on in a new topic that continues this one`
    )
  if (begun < chains)
    throw new AuditLogFault('inconsistent', `${place.topic} has ${chains} chains, and ${chains - begun} of them are empty: their records were removed`)
}
