import { partsOf } from '../audit/together.ts'
import type { AuditLogOptions, EndedTopic } from './audit-log.ts'
import { AuditLogFault } from './fault.ts'
import { readGenesis } from './genesis.ts'
import { openAuditLog } from './writer.ts'

/**
 * Ends a topic for the one that goes on behind it: takes it over, so that its writer is fenced, and writes the last checkpoint of each of its logs. Where that was done
 * before it only says what is there. `appender` has the transactional id of the topic that is ended. Throws AuditLogFault, KafkaFault.
 */
export async function endTopic(options: Omit<AuditLogOptions, 'endingFor' | 'continues' | 'chains'> & { readonly endingFor: string }): Promise<EndedTopic> {
  const { reader, place, endingFor, onTrouble = () => undefined } = options
  const genesis = await readGenesis(reader, place)
  if (genesis === null) throw new AuditLogFault('continues', `${place.topic}, which ${endingFor} is to continue, does not begin as an audit log`)
  const log = await openAuditLog({ ...options, chains: genesis.chains })
  try {
    return await log.end()
  } finally {
    await log.close()
    const late = log.logs.flatMap(({ origin, anchors }) => anchors().flatMap(({ name, waiting }) => (waiting > 0 ? [`${name} of ${origin}`] : [])))
    if (late.length > 0) onTrouble(`${place.topic} has ended, and anchors did not take its last checkpoint, which ${endingFor} names: ${late.join(', ')}`)
  }
}

/** Throws AuditLogFault where a topic has begun, and does not go on from the one that it should. */
export async function requireContinues({ reader, place }: Pick<AuditLogOptions, 'reader' | 'place'>, earlier: string): Promise<void> {
  const genesis = await readGenesis(reader, place)
  if (genesis === null) return
  const [first] = genesis.continues
  if (first !== undefined && partsOf(first.origin).topic === earlier) return
  throw new AuditLogFault(
    'continues',
    `${place.topic} has begun ${first === undefined ? 'without an earlier topic' : `behind ${first.origin}`}, and is to continue ${earlier}: that is said once, in a topic that is empty`
  )
}
