import { KafkaFault } from '#shared/kafka/errors.ts'
import { walkBatches } from '#shared/kafka/log-reader/batch.ts'
import type { FetchedPartition, FetchLimits, FetchPartition, FetchResponse } from '#shared/kafka/log-reader/fetch-codec.ts'
import type { Requests } from '#shared/kafka/log-reader/mend.ts'
import { fetchedPartition } from './record-batches.ts'

/** One partition's log on one broker, as batches of bytes. */
export interface BrokerLog {
  batches: Buffer[]
  logStartOffset?: number
  /** Default: the end of the log. */
  lastStableOffset?: number
  localLogStartOffset?: number
  /** Answers of this kind come instead of what is in the log, one after another. */
  answers?: Partial<FetchedPartition>[]
}

export interface ScriptedBrokers extends Requests {
  /** The leader of the only partition of `topic`; null for none. */
  lead(broker: number | null, epoch: number): void
  readonly logs: Map<number, BrokerLog>
  readonly down: Set<number>
  topicId: string | null
  /** The newest Fetch version, by broker. */
  fetchVersion: number
  readonly asked: {
    metadata: number
    localLogStarts: number
    fetches: { broker: number; version: number; partition: FetchPartition; limits: FetchLimits }[]
    mostAtOnce: number
  }
}

const errors = { NONE: 0, OFFSET_OUT_OF_RANGE: 1, NOT_LEADER_OR_FOLLOWER: 6, FENCED_LEADER_EPOCH: 74, UNKNOWN_TOPIC_ID: 100 }
export const topic = 'topic'
export const someTopicId = '00000000-0000-4000-8000-000000000001'

/** Brokers that answer in memory, at the level of requests, as Kafka's do: epochs are compared, positions checked, logs may differ. */
export function scriptedBrokers(logs: Record<number, BrokerLog>): ScriptedBrokers {
  let leader: number | null = Number(Object.keys(logs)[0])
  let epoch = 1
  let atOnce = 0
  const logsOf = new Map(Object.entries(logs).map(([id, log]) => [Number(id), log]))
  const asked: ScriptedBrokers['asked'] = { metadata: 0, localLogStarts: 0, fetches: [], mostAtOnce: 0 }

  const endOf = (log: BrokerLog): number => headers(log).at(-1)?.lastOffset ?? -1
  const ends = (log: BrokerLog) => ({
    logStartOffset: log.logStartOffset ?? 0,
    highWatermark: endOf(log) + 1,
    lastStableOffset: log.lastStableOffset ?? endOf(log) + 1
  })
  const endOfEpoch = (log: BrokerLog, of: number): { epoch: number; endOffset: number } | null => {
    if (of > Math.max(0, ...headers(log).map(header => header.partitionLeaderEpoch))) return null
    const last = headers(log).findLast(header => header.partitionLeaderEpoch <= of)
    return last ? { epoch: last.partitionLeaderEpoch, endOffset: last.lastOffset + 1 } : null
  }

  const fetch = (broker: number, partition: FetchPartition, limits: FetchLimits): FetchedPartition => {
    const place = { topicId: partition.topicId, partition: partition.partition }
    if (partition.topicId !== brokers.topicId) return fetchedPartition({ ...place, errorCode: errors.UNKNOWN_TOPIC_ID })
    const currentLeader = leader === null ? null : { leaderId: leader, leaderEpoch: epoch }
    if (broker !== leader) return fetchedPartition({ ...place, errorCode: errors.NOT_LEADER_OR_FOLLOWER, currentLeader })
    if (partition.currentLeaderEpoch < epoch) return fetchedPartition({ ...place, errorCode: errors.FENCED_LEADER_EPOCH, currentLeader })
    const log = logsOf.get(broker)!
    const answer = log.answers?.shift()
    if (answer) return fetchedPartition({ ...place, ...ends(log), ...answer })
    const { fetchOffset, lastFetchedEpoch } = partition
    const common = lastFetchedEpoch < 0 ? undefined : endOfEpoch(log, lastFetchedEpoch)
    if (common === null || fetchOffset < ends(log).logStartOffset) return fetchedPartition({ ...place, errorCode: errors.OFFSET_OUT_OF_RANGE })
    if (common && (common.epoch < lastFetchedEpoch || common.endOffset < fetchOffset))
      return fetchedPartition({ ...place, ...ends(log), divergingEpoch: common })
    if (fetchOffset > ends(log).highWatermark) return fetchedPartition({ ...place, errorCode: errors.OFFSET_OUT_OF_RANGE })
    const records: Buffer[] = []
    for (const [index, header] of headers(log).entries()) {
      if (header.lastOffset < fetchOffset || header.baseOffset >= ends(log).lastStableOffset) continue
      if (records.length > 0 && records.reduce((sum, one) => sum + one.length, 0) >= limits.maxPartitionBytes) break
      records.push(log.batches[index]!)
    }
    return fetchedPartition({ ...place, ...ends(log), records })
  }

  const answer = async (broker: number, key: number, version: number, args: unknown[]): Promise<unknown> => {
    if (key === 18)
      return {
        apiKeys: [
          { apiKey: 1, maxVersion: brokers.fetchVersion },
          { apiKey: 2, maxVersion: 9 }
        ]
      }
    const log = logsOf.get(broker)!
    if (key === 1) {
      const [partitions, limits] = args as [FetchPartition[], FetchLimits]
      asked.fetches.push({ broker, version, partition: partitions[0]!, limits })
      asked.mostAtOnce = Math.max(asked.mostAtOnce, ++atOnce)
      const fetched = partitions.map(partition => fetch(broker, partition, limits))
      if (fetched.every(partition => partition.records.length === 0 && partition.errorCode === 0 && !partition.divergingEpoch))
        await new Promise(resolve => setTimeout(resolve, limits.maxWaitMs))
      else await new Promise(setImmediate)
      atOnce--
      return { throttleTimeMs: 0, errorCode: 0, partitions: fetched } satisfies FetchResponse
    }
    const errorCode = broker === leader ? errors.NONE : errors.NOT_LEADER_OR_FOLLOWER
    if (key === 23) {
      const [, [{ partitions }]] = args as [number, [{ partitions: { leaderEpoch: number }[] }]]
      const common = endOfEpoch(log, partitions[0]!.leaderEpoch)
      return { topics: [{ topic, partitions: [{ errorCode, partition: 0, leaderEpoch: common?.epoch ?? -1, endOffset: BigInt(common?.endOffset ?? -1) }] }] }
    }
    const [, isolation, [{ partitions }]] = args as [number, number, [{ partitions: { timestamp: bigint }[] }]]
    if (partitions[0]!.timestamp === -4n) asked.localLogStarts++
    const { logStartOffset, highWatermark, lastStableOffset } = ends(log)
    const offset = { '-1': isolation === 1 ? lastStableOffset : highWatermark, '-2': logStartOffset, '-4': log.localLogStartOffset ?? logStartOffset }[
      String(partitions[0]!.timestamp)
    ]
    return { topics: [{ name: topic, partitions: [{ partitionIndex: 0, errorCode, timestamp: -1n, offset: BigInt(offset!), leaderEpoch: epoch }] }] }
  }

  const brokers: ScriptedBrokers = {
    logs: logsOf,
    down: new Set(),
    topicId: someTopicId,
    fetchVersion: 17,
    asked,
    brokers: new Map([...logsOf.keys()].map(id => [id, { host: 'here', port: id }])),
    lead(broker, newEpoch) {
      leader = broker
      epoch = newEpoch
    },
    request: (async (target: number, api: { key: number; version: number }, ...args: unknown[]) => {
      if (brokers.down.has(target)) throw new KafkaFault('unreachable', `broker ${target}: ECONNREFUSED`, { retriable: true })
      return answer(target, api.key, api.version, args)
    }) as Requests['request'],
    async metadata() {
      asked.metadata++
      const partition = { errorCode: 0, partitionIndex: 0, leaderId: leader ?? -1, leaderEpoch: epoch, replicaNodes: [], isrNodes: [], offlineReplicas: [] }
      const known = { errorCode: 0, name: topic, topicId: brokers.topicId ?? '', isInternal: false, partitions: [partition], topicAuthorizedOperations: 0 }
      return {
        throttleTimeMs: 0,
        brokers: [],
        clusterId: 'c',
        controllerId: 1,
        topics: brokers.topicId === null ? [{ ...known, errorCode: 3, partitions: [] }] : [known]
      }
    }
  }
  return brokers
}

const headers = (log: BrokerLog) => log.batches.map(batch => walkBatches([batch])[0]!.header)
