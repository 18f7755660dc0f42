import type { AnchorConfig } from '../anchors/schema.ts'
import type { Secret } from '../config/secret.ts'
import type { KafkaConnection } from '../kafka/connection.ts'

/** What an audit log stands on by its configuration, for whoever judges whether it can hold. Nothing is opened for it, and no key is read. */
export interface AuditGround {
  readonly topic: string
  readonly partitions: number
  /** The topic that this one goes on from; null: none. */
  readonly continues: string | null
  readonly prefix: string
  /** The principal that writes, as Kafka names it: `User:reeve-audit`. */
  readonly writer: string
  /** Keys that sign checkpoints, the newest last. */
  readonly keys: readonly Secret[]
  readonly anchors: readonly AnchorConfig[]
  /** The controllers whose metadata log is read, and as whom; null: it is not read. `hashKey` is that of the hashes which stand for secrets. */
  readonly metadata: { readonly controllers: KafkaConnection; readonly hashKey: Secret | null } | null
  readonly logs: readonly LogSource[]
}

/** A log of brokers or controllers: either a topic or a file. */
export interface LogSource {
  readonly id: string
  readonly content: 'authorizer' | 'request' | 'server'
  readonly topic: string | null
  readonly file: string | null
}
