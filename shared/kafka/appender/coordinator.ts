import { addPartitionsToTxnV3, apiVersionsV4, endTxnV4, initProducerIdV5, type API } from '@platformatic/kafka'
import { apiErrorName, type Cluster, type NodeId } from '../cluster.ts'
import { faultOf, KafkaFault } from '../errors.ts'
import { type EndTxnAnswer, endTxnV5 } from './codec.ts'
import type { ProducerIdentity } from './record-batch.ts'
import { type CoordinatorVerdict, judgeAddPartitions, judgeCoordinator } from './verdicts.ts'

/** One attempt's end. `sent` false: the request certainly never left. `fault` says why there is no answer. */
export interface Attempt<T> {
  readonly verdict: CoordinatorVerdict
  readonly apiError: string | null
  readonly sent: boolean
  readonly answer?: T
  readonly fault?: KafkaFault
}

/** The requests to the transaction coordinator of one transactional id: one attempt each, no retries; never throws. */
export interface TransactionCoordinator {
  initProducerId(transactionTimeoutMs: number, current: ProducerIdentity | null): Promise<Attempt<ProducerIdentity>>
  addPartitions(identity: ProducerIdentity, partitions: readonly { topic: string; partition: number }[]): Promise<Attempt<null>>
  /** `version` 5 answers with the identity to go on with; 4 leaves it. */
  endTxn(version: 4 | 5, identity: ProducerIdentity, committed: boolean): Promise<Attempt<ProducerIdentity>>
}

const fatalKinds: ReadonlySet<string> = new Set(['authentication', 'authorization', 'tls'])

export function transactionCoordinator(cluster: Cluster, transactionalId: string): TransactionCoordinator {
  let node: NodeId | null = null

  async function locate(): Promise<NodeId> {
    if (node !== null) return node
    const { of, unseen } = await cluster.coordinators('transaction', [transactionalId])
    const found = of.get(transactionalId)
    if (found !== undefined) return (node = found)
    const apiError = unseen.get(transactionalId) ?? 'COORDINATOR_NOT_AVAILABLE'
    throw new KafkaFault(
      apiError.endsWith('_AUTHORIZATION_FAILED') ? 'authorization' : 'protocol',
      `coordinator of transactional id ${transactionalId}: ${apiError}`,
      {
        apiError,
        retriable: true
      }
    )
  }

  async function attempt<Arguments extends unknown[], Response, T>(
    api: API<Arguments, Response>,
    args: Arguments,
    read: (response: Response) => { apiError: string; answer: T },
    judge: (apiError: string) => CoordinatorVerdict = judgeCoordinator
  ): Promise<Attempt<T>> {
    let sent = false
    try {
      const target = await locate()
      sent = true
      const { apiError, answer } = read(await cluster.request(target, api, ...args))
      const verdict = judge(apiError)
      if (apiError === 'NOT_COORDINATOR' || apiError === 'COORDINATOR_NOT_AVAILABLE') node = null
      return { verdict, apiError, sent, answer }
    } catch (error) {
      node = null
      const fault = faultOf(error, `transactional id ${transactionalId}`)
      return { verdict: fatalKinds.has(fault.kind) ? 'forbidden' : sent ? 'unsure' : 'early', apiError: fault.apiError, sent, fault }
    }
  }

  return {
    initProducerId(transactionTimeoutMs, current) {
      const { producerId, producerEpoch } = current ?? { producerId: -1n, producerEpoch: -1 }
      return attempt(initProducerIdV5.api, [transactionalId, transactionTimeoutMs, producerId, producerEpoch], response => ({
        apiError: apiErrorName(response.errorCode),
        answer: { producerId: response.producerId, producerEpoch: response.producerEpoch }
      }))
    },

    addPartitions({ producerId, producerEpoch }, partitions) {
      const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, of]) => ({ name, partitions: of.map(({ partition }) => partition) }))
      const transaction = { transactionalId, producerId, producerEpoch, verifyOnly: false, topics }
      return attempt(
        addPartitionsToTxnV3.api,
        [[transaction]],
        response => {
          const codes = response.resultsByTransaction.flatMap(({ topicResults }) =>
            topicResults.flatMap(topic => topic.resultsByPartition.map(of => of.partitionErrorCode))
          )
          const errors = codes.filter(code => code !== 0).map(apiErrorName)
          // OPERATION_NOT_ATTEMPTED only says that a neighbour failed: report the neighbour.
          return { apiError: errors.find(name => name !== 'OPERATION_NOT_ATTEMPTED') ?? errors[0] ?? 'NONE', answer: null }
        },
        judgeAddPartitions
      )
    },

    endTxn(version, identity, committed) {
      const { producerId, producerEpoch } = identity
      if (version === 4)
        return attempt(endTxnV4.api, [transactionalId, producerId, producerEpoch, committed], response => ({
          apiError: apiErrorName(response.errorCode),
          answer: identity
        }))
      return attempt(endTxnV5, [transactionalId, producerId, producerEpoch, committed], (response: EndTxnAnswer) => ({
        apiError: apiErrorName(response.errorCode),
        answer: { producerId: response.producerId, producerEpoch: response.producerEpoch }
      }))
    }
  }
}

/** The finalised feature transaction.version; 0 where the cluster knows none (KIP-584, KIP-890). Throws KafkaFault. */
export async function finalizedTransactionVersion(cluster: Cluster): Promise<number> {
  const { finalizedFeatures } = await cluster.request('any', apiVersionsV4.api, 'reeve', '1')
  return (finalizedFeatures ?? []).find(({ name }) => name === 'transaction.version')?.maxVersionLevel ?? 0
}
