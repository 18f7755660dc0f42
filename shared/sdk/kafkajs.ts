import { createRequire } from 'node:module'
import type { Consumer, Kafka } from 'kafkajs'
import { Cluster } from '../kafka/cluster.ts'
import type { KafkaConnection } from '../kafka/connection.ts'
import { openLogReader } from '../kafka/log-reader/index.ts'
import { Acknowledger } from './acks.ts'
import { type Clock, commandFor, commandToAcknowledge, inForce, systemClock } from './commands.ts'
import { Control, type ControlState } from './control.ts'
import { kafkajsAckWriter } from './kafkajs-ack-writer.ts'
import { takeOverPauses } from './kafkajs-pauses.ts'
import { errorText, type SdkLog } from './log.ts'
import { type Ack, protocolVersion } from './protocol.ts'

export interface GovernOptions {
  /** The owner's own client: acks are written through a producer of it. */
  readonly kafka: Kafka
  /** How the control topic is read; the same cluster and principal as `kafka`. */
  readonly connection: KafkaConnection
  readonly groupId: string
  /** Asked of the cluster when absent. */
  readonly clusterId?: string
  /** Of Reeve's topics, default `reeve`. */
  readonly prefix?: string
  /** Default: the console. */
  readonly log?: SdkLog
  readonly onState?: (state: ControlState, why: string | null) => void
  /** Bound of the first reading of the control topic, milliseconds, default 10,000. */
  readonly startTimeoutMs?: number
  /** Between acks while nothing changes, milliseconds, default 10,000. */
  readonly heartbeatMs?: number
  readonly clock?: Clock
}

export interface Governed {
  /** Partitions that Reeve holds now, `topic-partition`. */
  held(): readonly string[]
  /** Whether the control topic is being followed. */
  controlState(): ControlState
  /** Acks that could not be written so far. */
  ackFailures(): number
  /** Says farewell and closes what the SDK opened. Stop the consumer first: a partition held now stays held until the command expires. */
  stop(): Promise<void>
}

const governed = new WeakSet<Consumer>()
/** A small topic: little memory, and a loss is told soon. */
const readerOptions = { maxBytes: 1024 * 1024, giveUpAfterMs: 10_000 }

/**
 * Lets Reeve pause this consumer, within the rules of protocol.ts. Await it before `subscribe`: it resolves once the control topic
 * has been read to its end, or after `startTimeoutMs`. Rejects only on wrong use; what goes wrong with Kafka is logged.
 */
export async function govern(consumer: Consumer, options: GovernOptions): Promise<Governed> {
  if (governed.has(consumer)) throw new Error(`consumer of group ${options.groupId}: it is governed already`)
  governed.add(consumer)
  const { kafka, connection, groupId, prefix = 'reeve', log = console, clock = systemClock } = options
  const pauses = takeOverPauses(consumer)
  let clusterId = options.clusterId ?? null
  let memberId: string | null = null
  /** What the log said last of the partitions held. */
  let told = ''

  const describe = (): Ack | null => {
    if (memberId === null) return null
    const { table } = control
    const anyPauses = inForce(table).some(held => held.command.state === 'paused')
    return {
      version: protocolVersion,
      groupId,
      memberId,
      clientId: /^(.*)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/s.exec(memberId)?.[1] ?? connection.clientId,
      client: `kafkajs/${kafkajsVersion()}`,
      grain: 'partition',
      commandId: commandToAcknowledge(table)?.commandId ?? null,
      state: anyPauses ? 'paused' : table.unreadable.size > 0 ? 'unsupported' : 'running',
      paused: [...pauses.held()],
      atMs: clock.nowMs()
    }
  }
  const acks = new Acknowledger({
    writer: kafkajsAckWriter(kafka, `${prefix}.acks`),
    clusterId: () => clusterId,
    describe,
    log,
    ...pick(options, 'heartbeatMs')
  })

  /** Does the work of an event, and never throws into the client that emits it. */
  const guarded = (what: string, work: () => void): void => {
    try {
      work()
    } catch (error) {
      log.warn({ groupId, memberId, error: errorText(error) }, `${what} failed; the consumer goes on`)
    }
  }
  const apply = (): void => {
    pauses.command((topic, partition) => commandFor(control.table, topic, partition)?.state === 'paused')
    const held = pauses.held()
    const command = commandToAcknowledge(control.table)
    if (held.join() === told) return
    told = held.join()
    log.info(
      { groupId, memberId, held, commandId: command?.commandId, reason: command?.reason, untilMs: command?.untilMs },
      'what Reeve holds of this consumer has changed'
    )
  }
  const leave = (): void => {
    const last = describe()
    memberId = null
    if (last) acks.tell({ ...last, state: 'left', commandId: null, paused: [] })
  }

  const control: Control = new Control({
    topic: `${prefix}.control`,
    groupId,
    log,
    clock,
    ...pick(options, 'startTimeoutMs'),
    ...pick(options, 'onState'),
    async open() {
      clusterId ??= await askClusterId(connection)
      return { clusterId, reader: await openLogReader(connection, readerOptions) }
    },
    onChange() {
      guarded('applying a command', apply)
      acks.tell()
    }
  })

  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    guarded('applying commands to the new assignment', () => {
      if (memberId !== payload.memberId) leave()
      memberId = payload.memberId
      pauses.assign(payload.memberAssignment)
      apply()
    })
    acks.tell()
  })
  // A crash stops the consumer too: kafkajs says STOP before it says CRASH, and joins as a new member when it restarts.
  consumer.on(consumer.events.STOP, () => {
    guarded('forgetting the assignment', () => {
      leave()
      pauses.forget()
      told = ''
    })
  })

  await control.start()
  return {
    held: () => pauses.held(),
    controlState: () => control.state,
    ackFailures: () => acks.failures,
    async stop() {
      await control.stop()
      await acks.stop()
    }
  }
}

async function askClusterId(connection: KafkaConnection): Promise<string> {
  const cluster = new Cluster(connection)
  try {
    const { clusterId } = await cluster.metadata([])
    if (!clusterId) throw new Error(`the cluster at ${connection.brokers.join(', ')} told no cluster id`)
    return clusterId
  } finally {
    await cluster.close()
  }
}

function kafkajsVersion(): string {
  try {
    return (createRequire(import.meta.url)('kafkajs/package.json') as { version: string }).version
  } catch {
    return 'unknown'
  }
}

/** The option under its name where it is given: an absent one must stay absent. */
function pick<Options, Name extends keyof Options>(options: Options, name: Name): { [Key in Name]?: NonNullable<Options[Key]> } {
  return (options[name] == null ? {} : { [name]: options[name] }) as { [Key in Name]?: NonNullable<Options[Key]> }
}
