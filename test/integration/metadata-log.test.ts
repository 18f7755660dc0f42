import { describeQuorumV2 } from '@platformatic/kafka'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cluster } from '#shared/kafka/cluster.ts'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import { openControllers } from '#shared/kafka/metadata-log/controllers.ts'
import { type CommittedRecords, type MetadataLog, type MetadataLogItem, type MetadataPosition, openMetadataLog } from '#shared/kafka/metadata-log/index.ts'
import { MetadataLogReader } from '#shared/kafka/metadata-log/metadata-log.ts'
import { fetchSnapshot } from '#shared/kafka/metadata-log/snapshot-codec.ts'
import { openRequestTap, replicaIdOf } from '#test/support/request-tap.ts'
import { removeUsers, revoke, scramUser, type ScramUser } from '#test/support/scram-user.ts'
import { stack, superUser, unique } from '#test/support/stack.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
const admin = new kafkajs.Kafka({ brokers: [...stack().brokers], logLevel: kafkajs.logLevel.NOTHING }).admin()
let reader: ScramUser

const as = ({ username, password }: ScramUser): KafkaConnection => ({
  brokers: stack().saslControllers,
  clientId: 'metadata-log',
  sasl: { mechanism: 'SCRAM-SHA-512', username, password }
})

beforeAll(async () => {
  await admin.connect()
  reader = await scramUser('metadata-reader')
  await admin.createAcls({
    acl: [
      {
        resourceType: AclResourceTypes.CLUSTER,
        resourceName: 'kafka-cluster',
        resourcePatternType: ResourcePatternTypes.LITERAL,
        principal: reader.principal,
        host: '*',
        operation: AclOperationTypes.CLUSTER_ACTION,
        permissionType: AclPermissionTypes.ALLOW
      }
    ]
  })
})

afterAll(async () => {
  await revoke(reader.principal)
  await removeUsers([reader])
  await admin.disconnect()
})

/** Reads on until an item that is asked for. A snapshot may come first: the cluster may be an old one. */
async function readUntil(
  log: MetadataLog,
  wanted: (item: MetadataLogItem) => boolean,
  seen: (item: MetadataLogItem) => void = () => {}
): Promise<MetadataLogItem> {
  for (;;) {
    const item = await log.poll()
    if (!item) continue
    if (item.kind === 'silence') throw new Error(`silence: ${item.why}`)
    seen(item)
    if (wanted(item)) return item
  }
}

const atTheEnd = (item: MetadataLogItem): boolean => item.kind === 'records' && item.position.offset === item.highWatermark
const holds = (name: string) => (item: MetadataLogItem) => item.kind === 'records' && item.records.some(({ value }) => value.includes(name))

/** The right may reach one controller after another: what it refuses until then is no failure. */
async function openAllowed(connection: KafkaConnection, startAt?: MetadataPosition): Promise<MetadataLog> {
  const log = openMetadataLog(connection, startAt && { startAt })
  for (;;) {
    try {
      await log.poll({ maxWaitMs: 0 })
      return log
    } catch (error) {
      if ((error as { kind?: string }).kind !== 'authorization') throw error
    }
  }
}

test('a principal with CLUSTER_ACTION and nothing else sees each committed change in order, and resumes exactly', async () => {
  const log = await openAllowed(as(reader))
  const items: CommittedRecords[] = []
  const keep = (item: MetadataLogItem): void => void (item.kind === 'records' && items.push(item))
  await readUntil(log, atTheEnd, keep)
  const names = [unique('metadata'), unique('metadata'), unique('metadata')]
  const tookMs: number[] = []
  for (const topic of names) {
    const found = readUntil(log, holds(topic), keep)
    const askedAtMs = performance.now()
    await admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: false })
    await found
    tookMs.push(performance.now() - askedAtMs)
  }
  console.log(`metadata log: a topic's creation was asked for, done and read in ${tookMs.map(ms => ms.toFixed(0)).join(', ')} ms`)
  await admin.deleteTopics({ topics: names })
  expect(items.slice(1).map(({ fromOffset }) => fromOffset)).toEqual(items.slice(0, -1).map(({ position }) => position.offset))
  for (const { fromOffset, position, records, quorumRecords } of items)
    expect([...records, ...quorumRecords].map(({ offset }) => offset).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: position.offset - fromOffset }, (_, index) => fromOffset + index)
    )

  const middle = items[Math.floor(items.length / 2)]!
  const resumed = openMetadataLog(as(reader), { startAt: middle.position })
  const again: CommittedRecords[] = []
  await readUntil(
    resumed,
    item => item.position.offset >= log.position.offset,
    item => void (item.kind === 'records' && again.push(item))
  )
  const upTo = items.at(-1)!.position.offset
  const plain = (all: readonly CommittedRecords[]) =>
    all.flatMap(({ records }) =>
      records.filter(({ offset }) => offset >= middle.position.offset && offset < upTo).map(({ offset, value }) => `${offset} ${value.toString('hex')}`)
    )
  expect(plain(again)).toEqual(plain(items))
  await Promise.all([log.close(), resumed.close()])
})

test('nothing but ApiVersions, Fetch and FetchSnapshot as no replica goes over the wire, and the quorum knows no observer of us', async () => {
  const { controllers } = stack()
  const tap = await openRequestTap(controllers)
  const plain = openControllers({ brokers: controllers, clientId: 'tapped' })
  const tapped = { ...plain, ask: ((address, api, ...args) => plain.ask(tap.inFrontOf(address), api, ...args)) as typeof plain.ask }
  const log = new MetadataLogReader(controllers, tapped, {})
  await readUntil(log, atTheEnd)
  const { position } = log
  await readUntil(log, item => item.position.offset > position.offset + 1)

  const snapshotId = { offset: position.offset, epoch: position.epoch }
  const answers = await Promise.all(
    controllers.map(address => tapped.ask(address, fetchSnapshot, { clusterId: null, leaderEpoch: position.epoch, snapshotId, position: 0, maxBytes: 1_000 }))
  )
  // Kafka 4.1.1 cannot write down why it refuses a snapshot: UNKNOWN_SERVER_ERROR in place of NOT_LEADER_OR_FOLLOWER and SNAPSHOT_NOT_FOUND.
  for (const { errorCode } of answers) expect([-1, 6, 98]).toContain(errorCode)

  const cluster = new Cluster(superUser())
  const quorum = await cluster.request('any', describeQuorumV2.api, [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }])
  const replicas = quorum.topics[0]!.partitions[0]!
  expect(replicas.currentVoters.map(({ replicaId }) => replicaId).toSorted((a, b) => a - b)).toEqual([1, 2, 3])
  expect(replicas.observers.filter(({ replicaId }) => ![1, 2, 3].includes(replicaId))).toEqual([])
  await Promise.all([log.close(), cluster.close()])
  await tap.close()

  expect([...new Set(tap.requests.map(({ apiKey }) => apiKey))].toSorted((a, b) => a - b)).toEqual([1, 18, 59])
  const fetches = tap.requests.filter(({ apiKey }) => apiKey !== 18)
  expect(fetches.length).toBeGreaterThan(5)
  expect(fetches.filter(request => replicaIdOf(request) !== -1)).toEqual([])
})

test('without the right, and on a listener of a broker, the error says what is wrong', async () => {
  const stranger = await scramUser('stranger')
  const log = openMetadataLog(as(stranger))
  await expect(readUntil(log, atTheEnd)).rejects.toMatchObject({ kind: 'authorization', apiError: 'CLUSTER_AUTHORIZATION_FAILED' })
  await log.close()
  await removeUsers([stranger])
  const astray = openMetadataLog({ brokers: stack().brokers, clientId: 'astray' })
  await expect(readUntil(astray, atTheEnd)).rejects.toThrow(/it is a broker's listener, expected one of controller.listener.names/)
  await astray.close()
})
