import { joinGroupV9, offsetCommitV9, syncGroupV5, Writer } from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { openAdmin } from '#shared/kafka/admin/index.ts'
import { Cluster } from '#shared/kafka/cluster.ts'
import { KafkaFault } from '#shared/kafka/errors.ts'

export interface Population {
  readonly topics: number
  readonly partitionsPerTopic: number
  readonly groups: number
  /** Each group reads so many topics, and has committed all their partitions. */
  readonly topicsPerGroup: number
}

/** As long as a broker lets a member be silent: the members stay without anybody who sends their heartbeats. */
const sessionTimeoutMs = 1_800_000
const topicsPerRequest = 250
const atOnce = 24

/**
 * Fills a cluster: topics with one replica, and classic groups, each stable with one member that is assigned what it committed. Every
 * group has one record to read, at its first partition, so that an agent has something to look at for each.
 */
export async function populate(brokers: readonly string[], { topics, partitionsPerTopic, groups, topicsPerGroup }: Population): Promise<void> {
  const cluster = new Cluster({ brokers, clientId: 'bench-populate', requestTimeoutMs: 120_000 })
  const admin = await openAdmin(cluster)
  try {
    const names = Array.from({ length: topics }, (_, index) => `scan-${String(index).padStart(5, '0')}`)
    for (let start = 0; start < topics; start += topicsPerRequest)
      await admin.createTopics(names.slice(start, start + topicsPerRequest).map(name => ({ name, partitions: partitionsPerTopic, replicationFactor: 1 })))
    const groupIds = Array.from({ length: groups }, (_, index) => `scan-group-${String(index).padStart(4, '0')}`)
    const readBy = (index: number): string[] => Array.from({ length: topicsPerGroup }, (_, nth) => names[(index * topicsPerGroup + nth) % topics]!)
    await writeOneRecordEach(
      brokers,
      groupIds.map((_, index) => readBy(index)[0]!)
    )
    await eachOf([...groupIds.entries()], ([index, groupId]) => join(cluster, groupId, readBy(index), partitionsPerTopic))
  } finally {
    await cluster.close()
  }
}

async function writeOneRecordEach(brokers: readonly string[], topics: readonly string[]): Promise<void> {
  // Leaders of new topics are known to the controller before the brokers act as such.
  const retry = { retries: 60, maxRetryTime: 2_000 }
  const producer = new Kafka({ brokers: [...brokers], clientId: 'bench-populate', logLevel: logLevel.NOTHING, retry }).producer()
  await producer.connect()
  try {
    for (let start = 0; start < topics.length; start += topicsPerRequest)
      await producer.sendBatch({
        topicMessages: topics.slice(start, start + topicsPerRequest).map(topic => ({ topic, messages: [{ value: 'one', partition: 0 }] }))
      })
  } finally {
    await producer.disconnect()
  }
}

/** Joins as a member of the consumer protocol, is assigned all partitions, and commits 0 for each. */
async function join(cluster: Cluster, groupId: string, topics: readonly string[], partitionsPerTopic: number): Promise<void> {
  const partitions = Array.from({ length: partitionsPerTopic }, (_, index) => index)
  const subscription = Writer.create()
    .appendInt16(0)
    .appendArray([...topics], (writer, topic) => writer.appendString(topic, false), false, false)
    .appendInt32(-1)
  const assignment = Writer.create()
    .appendInt16(0)
    .appendArray(
      [...topics],
      (writer, topic) => writer.appendString(topic, false).appendArray(partitions, (item, partition) => item.appendInt32(partition), false, false),
      false,
      false
    )
    .appendInt32(-1)
  const protocols = [{ name: 'range', metadata: subscription.buffer }]
  const commits = topics.map(name => ({
    name,
    partitions: partitions.map(partitionIndex => ({ partitionIndex, committedOffset: 0n, committedLeaderEpoch: -1, committedMetadata: null }))
  }))
  for (let memberId = '', attempt = 1; ; attempt++) {
    const coordinator = (await cluster.coordinators('group', [groupId])).of.get(groupId)
    if (coordinator !== undefined) {
      const joined = await cluster.request(
        coordinator,
        joinGroupV9.api,
        groupId,
        sessionTimeoutMs,
        sessionTimeoutMs,
        memberId,
        null,
        'consumer',
        protocols,
        null
      )
      memberId = joined.memberId
      if (joined.errorCode === 0) {
        const { generationId } = joined
        const synced = await cluster.request(coordinator, syncGroupV5.api, groupId, generationId, memberId, null, 'consumer', 'range', [
          { memberId, assignment: assignment.buffer }
        ])
        const committed = await cluster.request(coordinator, offsetCommitV9.api, groupId, generationId, memberId, null, commits)
        const errors = [synced.errorCode, ...committed.topics.flatMap(topic => topic.partitions.map(({ errorCode }) => errorCode))]
        if (errors.every(code => code === 0)) return
      }
    }
    // The coordinator of a new cluster is still being created; a member is asked to join again with the id that it was given.
    if (attempt === 120) throw new KafkaFault('protocol', `${groupId} could not join and commit in ${attempt} attempts`)
    if (coordinator === undefined || attempt > 1) await new Promise(resolve => setTimeout(resolve, 250))
  }
}

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
