import { KafkaFault } from '#shared/kafka/errors.ts'
import { headerBytes, walkBatches } from '#shared/kafka/log-reader/batch.ts'
import type { Controllers } from '#shared/kafka/metadata-log/controllers.ts'
import type { MetadataFetch, MetadataFetched } from '#shared/kafka/metadata-log/fetch-codec.ts'
import type { CurrentLeader, EndOffset } from '#shared/kafka/metadata-log/leadership.ts'
import type { SnapshotFetch, SnapshotFetched } from '#shared/kafka/metadata-log/snapshot-codec.ts'
import { brokerBatch } from './record-batches.ts'

const errors = {
  NONE: 0,
  NOT_LEADER_OR_FOLLOWER: 6,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  SNAPSHOT_NOT_FOUND: 98,
  POSITION_OUT_OF_RANGE: 99,
  INCONSISTENT_CLUSTER_ID: 104
}

/** The log of one controller, as batches of bytes. */
export interface ControllerLog {
  batches: Buffer[]
  highWatermark: number
  logStartOffset: number
  snapshot: { readonly id: EndOffset; readonly bytes: Buffer } | null
}

export interface ScriptedControllers extends Controllers {
  readonly addresses: readonly string[]
  /** By node id, from 1. */
  readonly logs: ReadonlyMap<number, ControllerLog>
  readonly down: Set<number>
  /** How long one that is down keeps us waiting, milliseconds. */
  downForMs: number
  /** Those that deny us, though they could answer. */
  readonly denying: Set<number>
  /** Who do not say where the leader is. */
  tellEndpoints: boolean
  /** The newest Fetch version of all. */
  fetchVersion: number
  /** Bytes of a snapshot's chunk; the request's bound where it is lower. */
  chunkBytes: number
  /** Called before each answer. */
  beforeAnswer: (address: string, key: number) => void
  readonly asked: { address: string; key: number; version: number; request: unknown }[]
  /** What one controller believes of who leads; by default all believe the same. */
  lead(leader: number | null, epoch: number, believers?: readonly number[]): void
}

/** Controllers that answer in memory as Kafka's do: epochs are compared, positions checked, snapshots given where the log begins later. */
export function scriptedControllers(count = 3): ScriptedControllers {
  const ids = Array.from({ length: count }, (_, index) => index + 1)
  const logs = new Map<number, ControllerLog>(ids.map(id => [id, { batches: [], highWatermark: 0, logStartOffset: 0, snapshot: null }]))
  const beliefs = new Map<number, CurrentLeader>(ids.map(id => [id, { leaderId: 1, leaderEpoch: 1 }]))
  const addressOf = (id: number): string => `controller:${id}`

  const leadership = (id: number) => {
    const currentLeader = beliefs.get(id)!
    const tell = controllers.tellEndpoints && currentLeader.leaderId > 0
    return { currentLeader, endpoints: new Map(tell ? [[currentLeader.leaderId, { host: 'controller', port: currentLeader.leaderId }]] : []) }
  }
  const refusal = (id: number, epoch: number): number => {
    const { leaderId, leaderEpoch } = beliefs.get(id)!
    if (controllers.denying.has(id)) return errors.CLUSTER_AUTHORIZATION_FAILED
    if (epoch < leaderEpoch) return errors.FENCED_LEADER_EPOCH
    if (epoch > leaderEpoch) return errors.UNKNOWN_LEADER_EPOCH
    return leaderId === id ? errors.NONE : errors.NOT_LEADER_OR_FOLLOWER
  }

  const fetch = (id: number, { leaderEpoch, position }: MetadataFetch): MetadataFetched => {
    const empty = { throttleTimeMs: 0, highWatermark: -1, logStartOffset: 0, records: [], divergingEpoch: null, snapshotId: null, ...leadership(id) }
    const errorCode = refusal(id, leaderEpoch)
    if (errorCode !== 0) return { ...empty, errorCode }
    const log = logs.get(id)!
    const { highWatermark, logStartOffset, snapshot } = log
    const answer = { ...empty, errorCode, highWatermark, logStartOffset }
    const headers = log.batches.map(batch => walkBatches([batch])[0]!.header)
    if (snapshot) {
      const behind = position.offset < logStartOffset || (position.offset === logStartOffset && position.epoch !== snapshot.id.epoch)
      if (behind || position.offset === 0 || position.epoch < snapshot.id.epoch) return { ...answer, snapshotId: snapshot.id }
    }
    if (position.offset > 0 || position.epoch > 0) {
      const last = headers.findLast(header => header.partitionLeaderEpoch <= position.epoch)
      const end = last ? { offset: last.lastOffset + 1, epoch: last.partitionLeaderEpoch } : (snapshot?.id ?? { offset: 0, epoch: 0 })
      if (end.epoch !== position.epoch || end.offset < position.offset) return { ...answer, divergingEpoch: end }
    }
    return { ...answer, records: log.batches.filter((_, index) => headers[index]!.lastOffset >= position.offset) }
  }

  const fetchSnapshot = (id: number, { leaderEpoch, snapshotId, position, maxBytes }: SnapshotFetch): SnapshotFetched => {
    const empty = { throttleTimeMs: 0, snapshotId, size: 0, position, unalignedRecords: [], ...leadership(id) }
    const errorCode = refusal(id, leaderEpoch)
    if (errorCode !== 0) return { ...empty, errorCode }
    const { snapshot } = logs.get(id)!
    if (snapshot?.id.offset !== snapshotId.offset || snapshot.id.epoch !== snapshotId.epoch) return { ...empty, errorCode: errors.SNAPSHOT_NOT_FOUND }
    const { bytes } = snapshot
    if (position >= bytes.length) return { ...empty, errorCode: errors.POSITION_OUT_OF_RANGE }
    const chunk = bytes.subarray(position, position + Math.min(maxBytes, controllers.chunkBytes))
    return { ...empty, errorCode, size: bytes.length, unalignedRecords: [chunk] }
  }

  const controllers: ScriptedControllers = {
    addresses: ids.map(addressOf),
    logs,
    down: new Set(),
    downForMs: 0,
    denying: new Set(),
    tellEndpoints: true,
    fetchVersion: 18,
    chunkBytes: 1_000_000,
    beforeAnswer: () => {},
    asked: [],
    lead(leader, epoch, believers = ids) {
      for (const id of believers) beliefs.set(id, { leaderId: leader ?? -1, leaderEpoch: epoch })
    },
    ask: (async (address: string, { key, version }: { key: number; version: number }, request: unknown) => {
      const id = Number(address.split(':')[1])
      controllers.asked.push({ address, key, version, request })
      controllers.beforeAnswer(address, key)
      await new Promise(setImmediate)
      if (controllers.down.has(id)) {
        if (controllers.downForMs > 0) await new Promise(done => setTimeout(done, controllers.downForMs))
        throw new KafkaFault('unreachable', `${address}: ECONNREFUSED`, { retriable: true })
      }
      if (key === 18)
        return {
          apiKeys: [
            { apiKey: 1, maxVersion: controllers.fetchVersion },
            { apiKey: 59, maxVersion: 1 }
          ]
        }
      if (key === 59) return fetchSnapshot(id, request as SnapshotFetch)
      const answer = fetch(id, request as MetadataFetch)
      if (answer.errorCode === 0 && answer.records.length === 0 && !answer.divergingEpoch && !answer.snapshotId) await new Promise(done => setTimeout(done, 1))
      return answer
    }) as Controllers['ask'],
    drop() {},
    async close() {}
  }
  return controllers
}

/** A batch that the quorum writes of itself: 2 leader change, 3 snapshot header, 4 snapshot footer. */
export function quorumBatch(baseOffset: number, leaderEpoch: number, type: number, value = Buffer.from([0, 0, 0])): Buffer {
  return brokerBatch({ baseOffset, leaderEpoch, control: true, records: [{ key: Buffer.from([0, 0, 0, type]), value }] })
}

/** The bytes of a snapshot that holds some values. */
export function snapshotBytes(values: readonly string[], lastContainedLogTimestampMs: number, epoch = 0): Buffer {
  const header = Buffer.alloc(11)
  header.writeBigInt64BE(BigInt(lastContainedLogTimestampMs), 2)
  const batches = values.map((value, index) => brokerBatch({ baseOffset: index + 1, leaderEpoch: epoch, records: [{ key: null, value: Buffer.from(value) }] }))
  return Buffer.concat([quorumBatch(0, epoch, 3, header), ...batches, quorumBatch(values.length + 1, epoch, 4)])
}

/** Flips a bit of the records of a batch: its CRC32C does not hold any more. */
export function spoilt(batch: Buffer): Buffer {
  const copy = Buffer.from(batch)
  copy[headerBytes]! ^= 1
  return copy
}
