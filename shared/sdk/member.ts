import { Cluster } from '../kafka/cluster.ts'
import type { KafkaConnection } from '../kafka/connection.ts'
import { openLogReader } from '../kafka/log-reader/index.ts'
import { Acknowledger, type AckWriter } from './acks.ts'
import { type Clock, type CommandTable, commandToAcknowledge, forWholeMember, inForce, systemClock } from './commands.ts'
import { Control, type ControlState } from './control.ts'
import { errorText, type SdkLog } from './log.ts'
import { type Ack, type Command, protocolVersion } from './protocol.ts'

export interface MemberOptions {
  /** How the control topic is read: the cluster and the principal of the consumer. */
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

export interface Identity {
  readonly memberId: string
  readonly clientId: string
}

/** What an adapter knows of its client. */
export interface Adapter {
  /** For example kafkajs/2.2.4. */
  readonly client: string
  /** `group`: it can only pause everything that it reads. */
  readonly grain: 'group' | 'partition'
  readonly writer: AckWriter
  /** Who the member is now; null while it is in no group. */
  identity(): Identity | null
  /** Brings the client to what the commands say. */
  obey(table: CommandTable): void
  /** Partitions that commands hold, `topic-partition`. */
  held(): readonly string[]
}

/** A small topic: little memory, and a loss is told soon. */
const readerOptions = { maxBytes: 1024 * 1024, giveUpAfterMs: 10_000 }

/** One governed consumer, whatever its client: follows the commands for its group, has the adapter obey them, and acknowledges. */
export class Member implements Governed {
  readonly log: SdkLog
  readonly #options: MemberOptions
  readonly #adapter: Adapter
  readonly #clock: Clock
  readonly #control: Control
  readonly #acks: Acknowledger
  #clusterId: string | null
  /** What the log said last. */
  #told = ''

  constructor(options: MemberOptions, adapter: Adapter) {
    const { connection, groupId, prefix = 'reeve', log = console, clock = systemClock } = options
    this.log = log
    this.#options = options
    this.#adapter = adapter
    this.#clock = clock
    this.#clusterId = options.clusterId ?? null
    this.#acks = new Acknowledger({
      writer: adapter.writer,
      clusterId: () => this.#clusterId,
      describe: () => this.#describe(),
      log,
      ...pick(options, 'heartbeatMs')
    })
    this.#control = new Control({
      topic: `${prefix}.control`,
      groupId,
      log,
      clock,
      ...pick(options, 'startTimeoutMs'),
      ...pick(options, 'onState'),
      open: async () => {
        this.#clusterId ??= await askClusterId(connection)
        return { clusterId: this.#clusterId, reader: await openLogReader(connection, readerOptions) }
      },
      onChange: () => this.changed('applying a command')
    })
  }

  /** Resolves once the control topic has been read to its end, or after `startTimeoutMs`. */
  async start(): Promise<this> {
    await this.#control.start()
    return this
  }

  /** After a change of the commands, the assignment or the identity: obeys and tells Reeve. Never throws into the client that calls it. */
  changed(what: string, work?: () => void): void {
    this.#guarded(what, () => {
      work?.()
      this.#adapter.obey(this.#control.table)
      this.#tellLog()
    })
    this.#acks.tell()
  }

  /** Says farewell for the member that is; `work` makes the adapter forget it. */
  left(work: () => void): void {
    this.#guarded('forgetting the assignment', () => {
      const last = this.#describe()
      work()
      this.#told = ''
      if (last) this.#acks.tell({ ...withoutRefusals(last), state: 'left', commandId: null, paused: [] })
    })
  }

  held(): readonly string[] {
    return this.#adapter.held()
  }

  controlState(): ControlState {
    return this.#control.state
  }

  ackFailures(): number {
    return this.#acks.failures
  }

  async stop(): Promise<void> {
    await this.#control.stop()
    await this.#acks.stop()
  }

  #describe(): Ack | null {
    const identity = this.#adapter.identity()
    if (identity === null) return null
    const { table } = this.#control
    const { grain, client } = this.#adapter
    const whole = grain === 'group' ? forWholeMember(table) : null
    const refused = whole?.refused.map(({ commandId }) => commandId) ?? []
    const pauses = whole ? whole.held : inForce(table).some(held => held.command.state === 'paused')
    return {
      version: protocolVersion,
      groupId: this.#options.groupId,
      ...identity,
      client,
      grain,
      commandId: commandToAcknowledge(table)?.commandId ?? null,
      state: pauses ? 'paused' : refused.length > 0 || table.unreadable.size > 0 ? 'unsupported' : 'running',
      paused: [...this.#adapter.held()],
      ...(refused.length > 0 && { refused }),
      atMs: this.#clock.nowMs()
    }
  }

  #tellLog(): void {
    const { groupId } = this.#options
    const held = this.#adapter.held()
    const refused = this.#adapter.grain === 'group' ? forWholeMember(this.#control.table).refused : []
    const told = [...held, ...refused.map(({ commandId }) => `refused ${commandId}`)].join()
    if (told === this.#told) return
    this.#told = told
    const facts = (command: Command | null) => ({ commandId: command?.commandId, reason: command?.reason, untilMs: command?.untilMs })
    const memberId = this.#adapter.identity()?.memberId ?? null
    this.log.info({ groupId, memberId, held, ...facts(commandToAcknowledge(this.#control.table)) }, 'what Reeve holds of this consumer has changed')
    for (const command of refused)
      this.log.warn({ groupId, memberId, ...facts(command) }, 'a command is not obeyed: this client can only pause everything that it reads')
  }

  #guarded(what: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      const { groupId } = this.#options
      this.log.warn({ groupId, memberId: this.#adapter.identity()?.memberId ?? null, error: errorText(error) }, `${what} failed; the consumer goes on`)
    }
  }
}

function withoutRefusals({ refused: _refused, ...ack }: Ack): Ack {
  return ack
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

/** The option under its name where it is given: an absent one must stay absent. */
function pick<Options, Name extends keyof Options>(options: Options, name: Name): { [Key in Name]?: NonNullable<Options[Key]> } {
  return (options[name] == null ? {} : { [name]: options[name] }) as { [Key in Name]?: NonNullable<Options[Key]> }
}
