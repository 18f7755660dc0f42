import type { z } from 'zod'
import type { AnchorConfig } from '../anchors/schema.ts'
import type { JsonValue } from '../domain/json.ts'
import type { Kafka, NewRecord } from '../kafka/ports.ts'
import type { Log } from '../telemetry/log.ts'
import type { Count, Measure, Meter, Reading } from '../telemetry/meter.ts'
import type { Notice } from './agent.ts'
import type { AuditGround } from './audit-ground.ts'
import type { Right } from './rights.ts'

/**
 * The second shape of an agent: reads streams by positions of its own, makes something of them, and writes each thing exactly once. What
 * it remembers and how far it read are committed in one transaction with what it wrote, so that a successor goes on at that very place.
 */
export interface Stream<Policy, Input, Output> {
  readonly name: string
  /** One sentence for `reeve --help` and the README. */
  readonly about: string
  /** What an operator may say: each knob with default, unit and one sentence. */
  readonly policy: z.ZodType<Policy>
  /** What its principal needs in Kafka, and nothing else. */
  rights(policy: Policy): readonly Right[]
  /** Opens what it writes to and takes over from any other writer of it. Throws KafkaFault. */
  sink(surroundings: Surroundings, policy: Policy, remembered: Remembered): Promise<Sink<Output>>
  /** Opens what it reads, each at the position that is remembered. */
  source(surroundings: Surroundings, policy: Policy, remembered: Remembered): Promise<Source<Input>>
  /** Pure: no clock, no I/O. The same inputs in the same order give the same outputs. `sourceIds` are those that the source has. */
  transform(about: { readonly clusterId: string; readonly sourceIds: readonly string[] }, policy: Policy, remembered: Remembered): Transform<Input, Output>
  /** Metrics of its own: what the transform counts and reads, and what source and sink tell the meter. */
  readonly measures?: readonly Measure[]
  /** Of a stream that writes an audit log: what its readers must know. */
  auditLog?(policy: Policy, clusterId: string): AuditLogSettings
  /** Of the same: what it stands on, which `reeve doctor` looks at. */
  auditGround?(policy: Policy): AuditGround
}

/** Where an audit log lies, whose it is and what keeps its checkpoints, for whoever reads and verifies it. */
export interface AuditLogSettings {
  readonly topic: string
  readonly partitions: number
  readonly prefix: string
  /** Verifier keys of those who sign. */
  readonly vkeys: readonly string[]
  readonly anchors: readonly AnchorConfig[]
}

export type AnyStream = Stream<unknown, unknown, unknown>

/** Says what the stream is, checked against its own types, and hands it to the engine, which handles every stream alike. */
export function defineStream<Policy, Input, Output>(stream: Stream<Policy, Input, Output>): AnyStream {
  return stream
}

/** What the engine gives to a stream. */
export interface Surroundings {
  readonly clusterId: string
  /** The cluster as this agent's own principal. */
  readonly kafka: Kafka
  /** Prefix of Reeve's own topics. */
  readonly prefix: string
  /** Names this replica to people. */
  readonly holder: string
  readonly log: Log
  /** Absent where nobody watches. */
  readonly meter?: Meter
}

/** What was committed with the last output, by key. */
export type Remembered = ReadonlyMap<string, JsonValue>
/** What is to be remembered from now on, by key; null forgets the key. */
export type Memory = ReadonlyMap<string, JsonValue | null>

export interface Source<Input> {
  /** Names of all that it reads. */
  readonly ids: readonly string[]
  /** What came since the last call; waits at most so long for something. Throws KafkaFault where nothing can be read at all. */
  next(maxWaitMs: number): Promise<readonly Input[]>
  close(): Promise<void>
}

export interface Made<Output> {
  readonly outputs: readonly Output[]
  /** Positions are part of it. */
  readonly remember: Memory
  /** What people are told, each key once. */
  readonly notices?: readonly Notice[]
  /** For metrics, told once this is durable: what is to be counted, and what is so from then on. */
  readonly facts?: Facts
}

export interface Facts {
  readonly counts: readonly Count[]
  /** All of them: what is missing is unknown. */
  readonly readings: readonly Reading[]
}

export interface Transform<Input, Output> {
  /** Called with whatever the source brought, an empty list too: time may have passed by the inputs that said so. */
  step(inputs: readonly Input[]): Made<Output>
}

export interface Sink<Output> {
  /**
   * Takes over the outputs; resolves when there is room for more. They and `also` become durable together, in one transaction; what was
   * remembered in an earlier call is durable no later. `durable` is called when that is so. Throws KafkaFault, of kind `fenced` when another
   * replica has taken over.
   */
  write(outputs: readonly Output[], also: readonly NewRecord[], durable?: () => void): Promise<void>
  /** What is to be remembered of what it has written, beside whatever is remembered next: what a successor must find there. */
  standing?(): Memory
  /** Resolves when everything that was written is durable. */
  flush(): Promise<void>
  close(): Promise<void>
}
