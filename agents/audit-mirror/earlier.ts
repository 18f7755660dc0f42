import type { AuditLogOptions, EndedTopic } from '#shared/audit-log/audit-log.ts'
import { endTopic, requireContinues } from '#shared/audit-log/continue.ts'
import { transactionalIdOf } from '#shared/audit-log/place.ts'
import type { Kafka } from '#shared/kafka/ports.ts'

/**
 * The topic that the mirror's own goes on from. Says at once where the two do not fit; ends the earlier one when it is asked, behind the fence of the
 * later. Throws AuditLogFault, KafkaFault.
 */
export async function openEarlier(
  kafka: Kafka,
  options: Omit<AuditLogOptions, 'appender' | 'continues' | 'chains'>,
  earlier: string
): Promise<() => Promise<EndedTopic>> {
  const { place } = options
  await requireContinues(options, earlier)
  return async () => {
    const appender = await kafka.openAppender(transactionalIdOf({ topic: earlier }))
    try {
      return await endTopic({ ...options, appender, place: { ...place, topic: earlier }, endingFor: place.topic })
    } finally {
      await appender.close()
    }
  }
}
