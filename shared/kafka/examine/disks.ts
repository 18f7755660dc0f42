import { describeLogDirsV4 } from '@platformatic/kafka'
import { errorText, reason } from '../admin/holes.ts'
import type { Cluster } from '../cluster.ts'
import type { Incomplete } from '../ports.ts'

/** A log directory of a broker, and the replicas in it that were asked for. */
export interface Disk {
  readonly broker: number
  readonly logDir: string
  /** Of the volume that it lies on (KIP-827), bytes; null where the broker does not say. Directories on one volume say the same. */
  readonly totalBytes: number | null
  readonly usableBytes: number | null
  readonly replicas: readonly { readonly topic: string; readonly partition: number; readonly sizeBytes: number }[]
}

/** DescribeLogDirs of every broker. Needs DESCRIBE on the cluster. Throws KafkaFault where no metadata came. */
export async function disks(
  cluster: Cluster,
  topics: readonly { readonly name: string; readonly partitions: readonly number[] }[]
): Promise<Incomplete<readonly Disk[]>> {
  const { brokers } = await cluster.metadata([])
  const value: Disk[] = []
  const unseen: { id: string; why: string }[] = []
  const asked = topics.map(({ name, partitions }) => ({ name, partitions: [...partitions] }))
  await Promise.all(
    brokers.map(async ({ nodeId: broker }) => {
      try {
        const { errorCode, results } = await cluster.request(broker, describeLogDirsV4.api, asked)
        if (errorCode !== 0) unseen.push({ id: `broker ${broker}`, why: errorText(errorCode) })
        for (const { errorCode: ofDir, logDir, totalBytes, usableBytes, topics: found } of results) {
          if (ofDir !== 0) unseen.push({ id: `broker ${broker}: ${logDir}`, why: errorText(ofDir) })
          else value.push({ broker, logDir, totalBytes: known(totalBytes), usableBytes: known(usableBytes), replicas: replicasOf(found) })
        }
      } catch (error) {
        unseen.push({ id: `broker ${broker}`, why: reason(error) })
      }
    })
  )
  return { value, unseen }
}

type Found = readonly { readonly name: string; readonly partitions: readonly { partitionIndex: number; partitionSize: bigint; isFutureKey: boolean }[] }[]

/** Without copies that are being moved between directories. */
function replicasOf(topics: Found): Disk['replicas'] {
  return topics.flatMap(({ name: topic, partitions }) =>
    partitions.flatMap(({ partitionIndex: partition, partitionSize, isFutureKey }) =>
      isFutureKey ? [] : [{ topic, partition, sizeBytes: Number(partitionSize) }]
    )
  )
}

/** UNKNOWN_VOLUME_BYTES is -1. */
function known(bytes: bigint): number | null {
  return bytes < 0n ? null : Number(bytes)
}
