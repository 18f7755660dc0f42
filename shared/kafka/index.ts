import { openAdmin } from './admin/index.ts'
import { openAppender } from './appender/index.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import type { KafkaConnection } from './connection.ts'
import { openLogReader } from './log-reader/index.ts'
import type { Kafka } from './ports.ts'

/** An append must be over before a successor may act: below the deadline of an effect. */
const appendDeadlineMs = 8_000

/**
 * Opens a cluster as one principal. Each reader and appender has connections of its own: a broker answers the requests of one connection in
 * order, so a waiting fetch would hold up everything behind it. `options` are of what is asked and changed, not of readers and appenders.
 * Throws KafkaFault.
 */
export async function openKafka(connection: KafkaConnection, options: ClusterOptions = {}): Promise<Kafka> {
  const cluster = new Cluster(connection, options)
  const admin = await openAdmin(cluster).catch(async (error: unknown) => {
    await cluster.close()
    throw error
  })
  return {
    admin,
    counts() {
      const { requestsByApiKey, throttledMs, throttles } = cluster.counts
      return { requests: [...requestsByApiKey.values()].reduce((sum, count) => sum + count, 0), throttledMs, throttles }
    },
    openReader: limits => openLogReader(connection, limits),
    openAppender: transactionalId => openAppender(connection, { transactionalId, deadlineMs: appendDeadlineMs }),
    close: () => cluster.close()
  }
}
