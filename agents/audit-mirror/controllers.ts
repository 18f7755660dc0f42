import { connectionBy } from '#shared/config/config.ts'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import type { Policy } from './policy.ts'

/** How the controllers are reached whose log is read, with a principal of its own. */
export function controllersOf(metadata: NonNullable<Policy['metadata']>): KafkaConnection {
  const { controllers, sasl = null, tls = null } = metadata
  return connectionBy({ brokers: controllers, clientId: 'reeve-audit-metadata', sasl, tls: tls as Parameters<typeof connectionBy>[0]['tls'] })
}
