import { apiErrorName } from '../cluster.ts'
import type { KafkaConnection } from '../connection.ts'
import { faultOfApiError } from '../errors.ts'
import { fetchVersionOf, openControllers } from '../metadata-log/controllers.ts'
import { metadataFetch } from '../metadata-log/fetch-codec.ts'

/**
 * Whether one controller lets this principal read the metadata log, which takes CLUSTER_ACTION. It is asked as a reader asks, in an epoch in
 * which nobody leads: who may read is told that it is over, and gets no record. Throws KafkaFault where it may not, or nobody answers.
 */
export async function mayReadMetadata(connection: KafkaConnection, address: string, clusterId: string | null): Promise<true> {
  const controllers = openControllers(connection)
  try {
    const version = await fetchVersionOf(controllers, address)
    const asked = { clusterId, leaderEpoch: 0, position: { offset: 0, epoch: 0 }, highWatermark: -1, maxWaitMs: 0 }
    const { errorCode } = await controllers.ask(address, metadataFetch(version), asked)
    const error = apiErrorName(errorCode)
    if (error === 'CLUSTER_AUTHORIZATION_FAILED' || error === 'INCONSISTENT_CLUSTER_ID') throw faultOfApiError(error, false, `controller ${address}`)
    return true
  } finally {
    await controllers.close()
  }
}
