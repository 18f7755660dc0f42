import type { BrokerAddress } from '../connection.ts'
import type { ByteCursor } from '../byte-cursor.ts'

/** Who leads the quorum of controllers; -1 for nobody. */
export interface CurrentLeader {
  readonly leaderId: number
  readonly leaderEpoch: number
}

/** An end of the log: the next offset, and the leader epoch of the record before it. */
export interface EndOffset {
  readonly offset: number
  readonly epoch: number
}

/** What any answer of a controller tells of its quorum, also one without an error. */
export interface Leadership {
  readonly currentLeader: CurrentLeader | null
  /** Where the leader listens, by node id, for the listener that was asked. Empty where the controllers do not know. */
  readonly endpoints: ReadonlyMap<number, BrokerAddress>
}

export const metadataTopicName = '__cluster_metadata'

export function readCurrentLeader(field: ByteCursor): CurrentLeader {
  return { leaderId: field.int32(), leaderEpoch: field.int32() }
}
